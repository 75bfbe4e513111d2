// One cell on the page. Its source is plain text with colours until somebody
// edits it: the page has one editor, which goes from cell to cell.

import type { Surroundings } from "../display";
import { byId, el } from "../dom";
import { milliseconds } from "../format";
import { markdownView } from "./markdown";
import type { Cell } from "./model";
import { OutputView } from "./output";

export type Mark = "" | "queued" | "running" | "failed";

export interface CellEvents {
  select(view: CellView): void;
  edit(view: CellView, at?: number): void;
  act(view: CellView, what: string): void; // run, up, down, below, kind, delete
  jump(view: CellView, line: number, count: number): void;
  folded(view: CellView): void;
}

export interface CellLook {
  around: Surroundings;
  language: string; // its name, for people
  colours(text: string): Promise<DocumentFragment | undefined>;
}

export class CellView {
  readonly element: HTMLElement;
  readonly output: OutputView;
  private readonly source: HTMLElement;
  private readonly foot: HTMLElement;
  private mark: Mark = "";
  private turn = 0; // counts what is shown, so that a slow picture of the text does not replace a newer one

  constructor(
    readonly cell: Cell,
    private readonly look: CellLook,
    private readonly events: CellEvents,
  ) {
    const skeleton = byId<HTMLTemplateElement>("cell-template").content.firstElementChild!;
    this.element = skeleton.cloneNode(true) as HTMLElement;
    this.source = this.part("cell-source");
    this.foot = this.part("cell-foot");
    this.output = new OutputView(look.around, { jump: (line, count) => events.jump(this, line, count), unfold: () => this.fold(false) });
    this.part("cell-outputs").append(this.output.element);
    this.listen();
    this.showSource();
    this.output.show(cell);
    this.setMark(cell.outputs.some((o) => o.kind === "error") ? "failed" : "");
  }

  private part(name: string): HTMLElement {
    return this.element.querySelector<HTMLElement>(`.${name}`)!;
  }

  private listen(): void {
    this.element.addEventListener("focusin", () => this.events.select(this));
    this.element.addEventListener("click", (e) => {
      const button = (e.target as Element).closest<HTMLElement>("[data-cell]");
      if (button) this.events.act(this, button.dataset.cell!);
    });
    this.source.addEventListener("click", (e) => this.clicked(e));
    this.source.addEventListener("dblclick", () => this.cell.kind === "markdown" && this.events.edit(this));
  }

  /** A click into code edits it there; selecting text with the mouse does not. */
  private clicked(e: MouseEvent): void {
    const pre = (e.target as Element).closest<HTMLElement>("pre.code-text");
    if (!pre || !getSelection()?.isCollapsed) return;
    this.events.edit(this, offsetIn(pre, e));
  }

  /** Shows the text without an editor. */
  showSource(): void {
    const turn = ++this.turn;
    const { kind, source } = this.cell;
    if (kind === "markdown" && source.trim() !== "") {
      void markdownView(source, this.cell.attachments).then((view) => turn === this.turn && this.source.replaceChildren(el("div", { class: "prose" }, view)));
      return;
    }
    const pre = el("pre", { class: "code-text" }, source === "" ? el("span", { class: "quiet-text" }, kind === "code" ? "Empty cell" : "Empty text: Enter to write") : source + "\n");
    this.source.replaceChildren(pre);
    if (kind !== "code" || source === "") return;
    void this.look.colours(source).then((coloured) => coloured && turn === this.turn && pre.replaceChildren(coloured, "\n"));
  }

  /** Puts the page's editor in the place of the text. */
  hold(editor: HTMLElement): void {
    this.turn++;
    this.source.replaceChildren(editor);
  }

  setMark(mark: Mark): void {
    this.mark = mark;
    this.show();
  }

  /** Shows what is beside the text: count, marks, time, the names of the tools. */
  show(ms = this.cell.ms): void {
    const { kind, count, folded } = this.cell;
    const code = kind === "code";
    Object.assign(this.element.dataset, { kind, mark: this.mark, folded: String(folded) });
    this.part("cell-run").hidden = !code;
    this.part("cell-count").textContent = code ? `[${this.mark === "queued" || this.mark === "running" ? "*" : (count ?? " ")}]` : "";
    this.element.querySelector<HTMLElement>("[data-cell=kind]")!.textContent = code ? "To text" : "To code";
    const words: Record<Mark, string> = { "": "", queued: "Queued", running: "Running", failed: "Failed" };
    const time = ms > 0 && code ? milliseconds(ms) : "";
    this.foot.textContent = [words[this.mark], this.mark === "queued" ? "" : time].filter(Boolean).join(" · ");
  }

  /** Tells assistive technology which cell this is. */
  place(index: number, of: number): void {
    const what = this.cell.kind === "code" ? `${this.look.language} code` : this.cell.kind === "markdown" ? "text" : "raw text";
    const ran = this.cell.count === null ? "" : `, ran as ${this.cell.count}`;
    this.element.setAttribute("aria-label", `Cell ${index + 1} of ${of}, ${what}${ran}`);
  }

  select(on: boolean): void {
    this.element.classList.toggle("selected", on);
    this.element.tabIndex = on ? 0 : -1;
  }

  fold(on: boolean): void {
    this.cell.folded = on;
    this.output.show(this.cell);
    this.show();
    this.events.folded(this);
  }
}

/** Where in an element's text the mouse is. */
function offsetIn(pre: HTMLElement, e: MouseEvent): number {
  const range = document.caretRangeFromPoint?.(e.clientX, e.clientY) ?? caretByPosition(e);
  if (!range || !pre.contains(range.startContainer)) return 0;
  const before = document.createRange();
  before.selectNodeContents(pre);
  before.setEnd(range.startContainer, range.startOffset);
  return before.toString().length;
}

function caretByPosition(e: MouseEvent): Range | undefined {
  const at = (document as Document & { caretPositionFromPoint?(x: number, y: number): { offsetNode: Node; offset: number } | null }).caretPositionFromPoint?.(e.clientX, e.clientY);
  if (!at) return undefined;
  const range = document.createRange();
  range.setStart(at.offsetNode, at.offset);
  return range;
}
