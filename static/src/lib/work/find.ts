// Finding a text in what an element shows: the place is selected and scrolled to.

import { byId } from "../dom";

export class Find {
  private at = -1; // where the last one begins

  constructor(private readonly place: HTMLElement) {
    const form = byId<HTMLFormElement>("log-find");
    form.addEventListener("submit", (e) => (e.preventDefault(), this.next(1)));
    byId("log-find-back").addEventListener("click", () => this.next(-1));
    byId("log-find-text").addEventListener("input", () => this.clear());
  }

  /** Begins again: what is shown, or what is looked for, is another. */
  clear(): void {
    this.at = -1;
    byId("log-found").textContent = "";
  }

  private next(step: 1 | -1): void {
    const wanted = byId<HTMLInputElement>("log-find-text").value.toLowerCase();
    if (!wanted) return;
    const text = this.place.textContent!.toLowerCase();
    const places: number[] = [];
    for (let i = text.indexOf(wanted); i >= 0; i = text.indexOf(wanted, i + wanted.length)) places.push(i);
    if (places.length === 0) return void (byId("log-found").textContent = "Not found");
    const after = places.findIndex((p) => p > this.at);
    const before = places.findLastIndex((p) => p < this.at);
    const i = step > 0 ? Math.max(after, 0) : before < 0 ? places.length - 1 : before;
    this.at = places[i];
    byId("log-found").textContent = `${i + 1} of ${places.length}`;
    this.select(this.at, this.at + wanted.length);
  }

  private select(from: number, to: number): void {
    const range = document.createRange();
    const walker = document.createTreeWalker(this.place, NodeFilter.SHOW_TEXT);
    let seen = 0;
    for (let node = walker.nextNode() as Text | null; node; node = walker.nextNode() as Text | null) {
      const end = seen + node.length;
      if (from >= seen && from < end) range.setStart(node, from - seen);
      if (to > seen && to <= end) {
        range.setEnd(node, to - seen);
        break;
      }
      seen = end;
    }
    getSelection()?.removeAllRanges();
    getSelection()?.addRange(range);
    const box = range.getBoundingClientRect();
    const view = this.place.getBoundingClientRect();
    this.place.scrollTop += box.top - view.top - view.height / 3;
  }
}
