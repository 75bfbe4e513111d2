// The log of a command as it grows, its two streams apart.

import { byId, el } from "../dom";
import { bytes } from "../format";
import { looking, type Toolbox } from "../term/toolbox";
import { Find } from "./find";
import { Splitter, type Stream } from "../splitter";

const most = 1 << 20; // characters that stay on the page
const showEvery = 50; // ms at least: a page that is laid out for each line freezes

export class Follower {
  private readonly dialog = byId<HTMLDialogElement>("log-view");
  private readonly screen = byId("log-text");
  private readonly status = byId("log-status");
  private readonly find = new Find(this.screen);
  private readonly pause = byId<HTMLButtonElement>("log-pause");
  private path = "";
  private closed = () => {};
  private length = 0;
  private said = ""; // how the log is when it is not paused
  private paused = false;
  private held: [Stream, string][] = []; // what came and is not shown
  private heldLength = 0;
  private timer = 0;
  private every = showEvery;
  private stop = new AbortController();

  constructor(private readonly toolbox: Toolbox) {
    this.dialog.addEventListener("close", () => {
      this.stop.abort();
      this.closed();
    });
    byId("log-close").addEventListener("click", () => this.dialog.close());
    this.pause.addEventListener("click", () => {
      if (this.paused) this.goOn();
      else if (this.stop.signal.aborted) void this.follow();
      else this.hold();
    });
    for (const stream of ["out", "err"]) {
      byId<HTMLInputElement>(`log-${stream}`).addEventListener("change", (e) => this.screen.classList.toggle(`no-${stream}`, !(e.target as HTMLInputElement).checked));
    }
    byId("log-save").addEventListener("click", () => void this.save());
  }

  open(title: string, path: string, closed: () => void): void {
    this.closed = closed;
    byId("log-title").textContent = title;
    this.path = path;
    this.dialog.showModal();
    void this.follow();
  }

  /** Shows the log from its beginning to its end, however long that takes. */
  private async follow(): Promise<void> {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.screen.replaceChildren();
    this.find.clear();
    this.length = this.heldLength = 0;
    this.held = [];
    this.paused = false;
    this.pause.textContent = "Pause";
    this.status.textContent = this.said = "Following";
    const splitter = new Splitter((stream, text) => this.take(stream, text));
    try {
      const answer = await this.toolbox.call(`${this.path}?follow=true`, { headers: looking, signal });
      const reader = answer.body!.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        splitter.push(value);
      }
      this.said = this.length + this.heldLength ? "The command has ended." : "The command has ended and wrote nothing.";
    } catch (e) {
      if (signal.aborted) return; // the log was closed
      this.said = `The log was cut off: ${(e as Error).message}`;
    }
    this.stop.abort();
    if (!this.paused) this.goOn();
  }

  /** Keeps what is shown as it is. The log is read on, so that the pause may be long. */
  private hold(): void {
    this.paused = true;
    this.status.textContent = "Paused";
    this.pause.textContent = "Go on";
  }

  private goOn(): void {
    this.paused = false;
    this.flush();
    this.status.textContent = this.said;
    this.pause.textContent = this.stop.signal.aborted ? "Read again" : "Pause";
  }

  private take(stream: Stream, text: string): void {
    const last = this.held.at(-1);
    if (last?.[0] === stream && last[1].length < 8192) last[1] += text;
    else this.held.push([stream, text]);
    this.heldLength += text.length;
    while (this.heldLength > most && this.held.length > 1) this.heldLength -= this.held.shift()![1].length;
    if (!this.paused && !this.timer) this.timer = window.setTimeout(() => this.flush(), this.every);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    if (this.paused) return;
    const begin = performance.now();
    const end = this.screen.scrollHeight - this.screen.scrollTop - this.screen.clientHeight < 40;
    for (const [stream, text] of this.held.splice(0)) this.add(stream, text);
    this.heldLength = 0;
    if (end) this.screen.scrollTop = this.screen.scrollHeight;
    this.every = Math.max(showEvery, 4 * (performance.now() - begin)); // a long log takes long to lay out
  }

  private add(stream: Stream, text: string): void {
    const last = this.screen.lastElementChild;
    if (last?.className === stream && last.textContent!.length < 8192) last.append(text);
    else this.screen.append(el("span", { class: stream }, text));
    this.length += text.length;
    while (this.length > most && this.screen.childElementCount > 1) {
      this.length -= this.screen.firstElementChild!.textContent!.length;
      this.screen.firstElementChild!.remove();
    }
  }

  /** Saves the whole log, of which the page may show only the end. */
  private async save(): Promise<void> {
    const parts: string[] = [];
    try {
      const answer = await this.toolbox.call(this.path, { headers: looking });
      new Splitter((_, text) => parts.push(text)).push(new Uint8Array(await answer.arrayBuffer()));
      const dropped = Number(answer.headers.get("X-Log-Dropped"));
      if (dropped) this.status.textContent = `The file lacks the first ${bytes(dropped)} of the log, which are no longer kept.`;
    } catch (e) {
      this.status.textContent = `The log could not be read: ${(e as Error).message}`;
      return;
    }
    const url = URL.createObjectURL(new Blob(parts, { type: "text/plain" }));
    el("a", { href: url, download: "log.txt" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}
