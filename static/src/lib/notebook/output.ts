// What a cell said, below it: streams, rich outputs, errors with their traceback.

import { Painter } from "../ansi";
import { Console } from "../console";
import type { Surroundings } from "../display";
import { el } from "../dom";
import type { Cell, Output } from "./model";

/** Higher outputs scroll until they are opened. */
const tall = 420; // pixels, as notebook.css has it

export interface OutputEvents {
  jump(line: number, count: number): void; // count is the execution count of the cell, 0 when the traceback does not say it
  unfold(): void;
}

export class OutputView {
  readonly element = el("div", { class: "output" });
  private readonly box = el("div", { class: "output-box" });
  private readonly more = el("button", { type: "button", class: "btn quiet small output-more", click: () => this.toggle() });
  private console?: Console;
  private open = false;
  private readonly sizes = new ResizeObserver(() => this.fit());

  constructor(
    private readonly around: Surroundings,
    private readonly events: OutputEvents,
  ) {
    this.element.append(this.box, this.more);
    this.more.hidden = true;
  }

  /** Shows all of a cell's outputs, or that they are folded away. */
  show(cell: Cell): void {
    this.clear();
    if (cell.folded && cell.outputs.length > 0) {
      this.box.append(el("button", { type: "button", class: "btn quiet small", click: () => this.events.unfold() }, `Show the output (${cell.outputs.length === 1 ? "1 part" : `${cell.outputs.length} parts`})`));
      return;
    }
    for (const o of cell.outputs) this.add(o);
    this.console?.end();
  }

  add(o: Output): void {
    const out = this.begin();
    switch (o.kind) {
      case "stream":
        return out.write(o.name === "stderr" ? "err" : "out", o.text);
      case "display":
      case "result":
        return out.display({ data: o.data, metadata: o.metadata, display_id: o.id });
      case "error":
        return out.insert(this.error(o));
      case "note":
        return out.remark(o.text);
    }
  }

  /** The log that text is written to. */
  private begin(): Console {
    if (this.console) return this.console;
    this.console = new Console(this.box, this.around);
    this.box.append(this.console.log);
    this.sizes.observe(this.console.log);
    return this.console;
  }

  get log(): Console {
    return this.begin();
  }

  get host(): HTMLElement {
    return this.box;
  }

  /** Shows what was held back. */
  end(): void {
    this.console?.end();
  }

  clear(): void {
    this.sizes.disconnect();
    this.console = undefined;
    this.open = false;
    this.box.replaceChildren();
    this.fit();
  }

  private toggle(): void {
    this.open = !this.open;
    this.fit();
    if (!this.open) this.element.scrollIntoView({ block: "nearest" });
  }

  /** Lets high outputs scroll, with a button that opens them. */
  private fit(): void {
    const high = this.box.scrollHeight > tall + 8;
    const scrolls = high && !this.open;
    this.box.classList.toggle("scrolls", scrolls);
    if (scrolls) Object.entries({ tabindex: "0", role: "region", "aria-label": "Output, scrolls" }).forEach(([k, v]) => this.box.setAttribute(k, v));
    else for (const name of ["tabindex", "role", "aria-label"]) this.box.removeAttribute(name);
    this.more.hidden = !high;
    this.more.textContent = this.open ? "Show less of the output" : "Show all of the output";
  }

  private error(o: Extract<Output, { kind: "error" }>): HTMLElement {
    const lines = o.traceback.flatMap((part) => part.replace(/\n$/, "").split("\n"));
    const all = lines.length > 0 ? lines : [`${o.name}: ${o.value}`];
    const pre = el("pre", {}, el("span", { class: "tag" }, o.name));
    all.forEach((line, i) => pre.append(...this.traced(line), i < all.length - 1 ? "\n" : ""));
    return el("div", { class: "traceback" }, pre);
  }

  /** A line of a traceback, with a link to the line of the cell that it names. */
  private traced(line: string): (Node | string)[] {
    const plain = new Painter().paint(line).map((n) => n.textContent).join("");
    const at = /<?\bcell(?: (\d+))?>?"?(?:, line |:)(\d+)/.exec(plain);
    if (!at) return [plain];
    const jump = el("button", { type: "button", class: "linklike", click: () => this.events.jump(Number(at[2]), Number(at[1] ?? 0)) }, at[0]);
    return [plain.slice(0, at.index), jump, plain.slice(at.index + at[0].length)];
  }
}
