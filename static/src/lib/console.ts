// The log of a run: text as it comes, rich outputs, what was typed.

import { Painter, Returns } from "./ansi";
import { displayView, type Surroundings } from "./display";
import { el } from "./dom";
import { tableType } from "./table";
import { Twins } from "./twins";
import type { Display } from "./wire";

type Stream = "out" | "err";

export class Console {
  readonly log = el("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": "What the program says" });
  private painters = { out: new Painter(), err: new Painter() };
  private returns = { out: new Returns(), err: new Returns() };
  private pending: { stream: Stream; text: string }[] = [];
  private scheduled = 0;
  private block?: { stream: Stream; pre: HTMLElement };
  private said = { out: "", err: "" };
  private twins = new Twins();
  private named = new Map<string, HTMLElement[]>(); // displays that may be updated
  private clearing = false; // what is shown goes when more comes

  /** screen is the element that scrolls. */
  constructor(
    private readonly screen: HTMLElement,
    private readonly around: Surroundings,
  ) {}

  /** Adds text of a stream. It appears with the next frame, so that a flood of small pieces stays smooth. */
  write(stream: Stream, text: string): void {
    this.said[stream] += text;
    if (text !== "") this.makeRoom();
    this.queue(stream, stream === "out" ? this.twins.filter(text) : text);
  }

  private queue(stream: Stream, text: string): void {
    if (text === "") return;
    const last = this.pending.at(-1);
    if (last?.stream === stream) last.text += text;
    else this.pending.push({ stream, text });
    // A hidden page has no frames, so a timer takes over there.
    this.scheduled ||= document.hidden ? window.setTimeout(() => this.flush(), 50) : requestAnimationFrame(() => this.flush());
  }

  /** Shows what was written so far. */
  flush(): void {
    this.scheduled = 0;
    const follow = this.atEnd();
    for (const { stream, text } of this.pending) this.append(stream, text);
    this.pending = [];
    if (follow) this.toEnd();
  }

  private append(stream: Stream, text: string): void {
    const [first, ...rewritten] = this.returns[stream].split(text);
    this.paint(stream, first);
    for (const line of rewritten) {
      if (this.block?.stream === stream) eraseLine(this.block.pre);
      this.paint(stream, line);
    }
  }

  private paint(stream: Stream, text: string): void {
    const nodes = this.painters[stream].paint(text);
    if (nodes.length === 0) return;
    if (this.block?.stream !== stream) this.block = { stream, pre: this.open(stream) };
    this.block.pre.append(...nodes);
  }

  private open(stream: Stream): HTMLElement {
    const pre = el("pre", { class: stream });
    if (stream === "err") pre.append(el("span", { class: "tag" }, "stderr"));
    this.log.append(pre);
    return pre;
  }

  /** Shows a line that was typed for the program. */
  typed(line: string): void {
    this.flush();
    const echo = el("span", { class: "typed" }, line + "\n");
    if (this.block?.stream !== "out") this.block = { stream: "out", pre: this.open("out") };
    this.block.pre.append(echo);
    this.toEnd();
  }

  /** Adds a rich output, or does what it says to those of before. */
  display(d: Display): void {
    if (d.act === "clear") return this.clear();
    if (d.act === "clear_next") return void (this.clearing = true);
    this.makeRoom();
    this.flush();
    if (d.act === "update") return this.update(d);
    const follow = this.atEnd();
    const twin = d.metadata?.stdout === true && tableType in d.data ? String(d.data["text/plain"] ?? "") : "";
    if (twin && !this.dropTwin(twin)) this.twins.expect(twin);
    const view = displayView(d, this.around);
    if (d.display_id) this.named.set(d.display_id, [...(this.named.get(d.display_id) ?? []), view]);
    this.add(view);
    if (follow) this.toEnd();
  }

  private update(d: Display): void {
    const now = (this.named.get(d.display_id ?? "") ?? []).map((old) => {
      const view = displayView(d, this.around);
      old.replaceWith(view);
      return view;
    });
    if (now.length > 0) this.named.set(d.display_id!, now);
  }

  private makeRoom(): void {
    if (this.clearing) this.clear();
  }

  /** Takes away what is shown; what was written stays there for copying. */
  private clear(): void {
    this.clearing = false;
    this.pending = [];
    this.painters = { out: new Painter(), err: new Painter() };
    this.returns = { out: new Returns(), err: new Returns() };
    this.twins = new Twins();
    this.named.clear();
    this.block = undefined;
    this.log.replaceChildren();
  }

  /** Adds a remark of Sandpiper's own. */
  remark(text: string): void {
    this.flush();
    this.add(el("p", { class: "said" }, text));
    this.toEnd();
  }

  /** Adds an element of the page's own making. */
  insert(e: HTMLElement): void {
    this.flush();
    this.add(e);
    this.toEnd();
  }

  private add(e: HTMLElement): void {
    this.block = undefined;
    this.log.append(e);
  }

  /** Takes the text form of a table away, when it was printed just before the table itself. */
  private dropTwin(text: string): boolean {
    const pre = this.block?.stream === "out" ? this.block.pre : undefined;
    const all = pre?.textContent ?? "";
    const twin = text.trimEnd();
    const at = all.trimEnd().length - twin.length;
    if (!pre || !twin || at < 0 || !all.startsWith(twin, at)) return false;
    if (at === 0) pre.remove();
    else pre.textContent = all.slice(0, at);
    this.block = undefined;
    return true;
  }

  /** Shows what was held back in case it was a table's text. */
  end(): void {
    this.queue("out", this.twins.rest());
    this.flush();
  }

  /** Everything that was written, for copying. */
  text(): string {
    return this.said.out + (this.said.err && this.said.out ? "\n" : "") + this.said.err;
  }

  stdout(): string {
    return this.said.out;
  }

  private atEnd(): boolean {
    return this.screen.scrollHeight - this.screen.scrollTop - this.screen.clientHeight < 40;
  }

  toEnd(): void {
    this.screen.scrollTop = this.screen.scrollHeight;
  }
}

/** Takes the last line of a block away, as a progress bar does that draws itself anew. */
function eraseLine(pre: HTMLElement): void {
  for (let last = pre.lastChild; last; last = pre.lastChild) {
    if (last instanceof HTMLElement && last.classList.contains("tag")) return; // the block's label
    const text = last.textContent ?? "";
    const from = text.lastIndexOf("\n") + 1;
    if (from > 0) {
      last.textContent = text.slice(0, from);
      return;
    }
    last.remove();
  }
}
