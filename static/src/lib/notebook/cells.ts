// The cells of the page: which is selected, which is edited, and the changes
// that are made to them.

import { byId, el } from "../dom";
import { type Editor, type EditorOptions, PlainEditor } from "../editor";
import { type CellLook, CellView } from "./cell";
import { type Cell, Deleted, mergeCells, newCell, type Notebook, splitCell } from "./model";

export interface CellsEvents {
  changed(): void; // something to keep
  save(): void;
  run(view: CellView): void; // and stay
  removed(cell: Cell): void;
}

export class Cells {
  views: CellView[] = [];
  private readonly list = byId("cells");
  private readonly host = el("div", { class: "editor cell-editor" });
  private readonly deleted = new Deleted();
  private readonly editor: Promise<Editor>;
  private current?: CellView;
  private edited?: CellView;

  constructor(
    private readonly notebook: Notebook,
    private readonly mode: string,
    private readonly look: Omit<CellLook, "colours">,
    private readonly events: CellsEvents,
  ) {
    this.editor = this.loadEditor();
    this.fill();
  }

  private fill(): void {
    this.views = this.notebook.cells.map((c) => this.view(c));
    this.list.replaceChildren(...this.views.map((v) => v.element));
    this.arranged();
    if (this.views.length > 0) this.select(this.views[0]);
  }

  private view(cell: Cell): CellView {
    const look: CellLook = { ...this.look, colours: async (text) => (await codemirror())?.coloured(text, this.mode) };
    return new CellView(cell, look, {
      select: (v) => this.select(v),
      edit: (v, at) => void this.edit(v, at),
      act: (v, what) => this.act(v, what),
      jump: (v, line, count) => void this.jump(this.views.find((other) => count > 0 && other.cell.count === count) ?? v, line),
      folded: () => this.events.changed(),
    });
  }

  private arranged(): void {
    this.views.forEach((v, i) => v.place(i, this.views.length));
  }

  private change(): void {
    this.notebook.cells = this.views.map((v) => v.cell);
    this.arranged();
    this.events.changed();
  }

  // The selection.

  get selected(): CellView | undefined {
    return this.current;
  }

  get editing(): boolean {
    return this.edited !== undefined;
  }

  find(id: string): CellView | undefined {
    return this.views.find((v) => v.cell.id === id);
  }

  index(view = this.current): number {
    return view ? this.views.indexOf(view) : -1;
  }

  select(view: CellView): void {
    if (this.current !== view) this.current?.select(false);
    this.current = view;
    view.select(true);
    if (this.edited && this.edited !== view) this.leave();
  }

  /** Selects a cell and takes the focus there. */
  focus(view: CellView | undefined): void {
    if (!view) return;
    this.select(view);
    view.element.focus({ preventScroll: true });
    view.element.scrollIntoView({ block: "nearest" });
  }

  /** Moves the selection up or down. */
  step(by: number): void {
    this.focus(this.views[Math.min(Math.max(this.index() + by, 0), this.views.length - 1)]);
  }

  // The editor.

  private async loadEditor(): Promise<Editor> {
    const events = {
      change: (text: string) => this.typed(text),
      run: () => this.edited && this.events.run(this.edited),
      save: () => this.events.save(),
    };
    const options: EditorOptions = { wrap: true, readOnly: false, bare: true, nonce: (document.querySelector("script[nonce]") as HTMLScriptElement)?.nonce ?? "" };
    const module = await codemirror();
    return module ? new module.CodeEditor(this.host, events, options) : new PlainEditor(this.host, events, options);
  }

  private typed(text: string): void {
    if (!this.edited || this.edited.cell.source === text) return;
    this.edited.cell.source = text;
    this.events.changed();
  }

  /** Edits a cell, with the cursor at a place of its text. */
  async edit(view: CellView, at?: number): Promise<void> {
    const editor = await this.editor;
    this.select(view);
    if (this.edited !== view) {
      this.leave();
      this.edited = view;
      view.hold(this.host);
      view.element.classList.add("editing");
      const i = this.index(view);
      editor.open(view.cell.id, view.cell.source, view.cell.kind === "code" ? this.mode : "text", `Cell ${i + 1}`);
    }
    if (at !== undefined) editor.place(at);
    editor.focus();
  }

  /** Ends editing; the cell shows its text. */
  leave(): void {
    const view = this.edited;
    if (!view) return;
    this.edited = undefined;
    view.element.classList.remove("editing");
    view.showSource();
  }

  private async jump(view: CellView, line: number): Promise<void> {
    await this.edit(view);
    (await this.editor).goTo(line, 1);
  }

  // Changes.

  add(cell: Cell, at: number): CellView {
    const view = this.view(cell);
    this.views.splice(at, 0, view);
    this.list.insertBefore(view.element, this.list.children[at] ?? null);
    this.change();
    return view;
  }

  /** Adds an empty cell above or below the selected one, and selects it. */
  insert(offset: 0 | 1, kind: Cell["kind"] = "code"): CellView {
    const view = this.add(newCell(kind), this.index() + offset);
    this.focus(view);
    return view;
  }

  remove(view: CellView): void {
    const at = this.index(view);
    if (at < 0) return;
    if (this.edited === view) this.leave();
    this.deleted.remember(view.cell, at);
    this.views.splice(at, 1);
    view.element.remove();
    this.events.removed(view.cell);
    if (this.views.length === 0) this.add(newCell(), 0);
    this.change();
    this.focus(this.views[Math.min(at, this.views.length - 1)]);
  }

  /** Brings the cell back that was deleted last. It reports whether there was one. */
  undelete(): boolean {
    const gone = this.deleted.last();
    if (gone) this.focus(this.add(gone.cell, Math.min(gone.at, this.views.length)));
    return gone !== undefined;
  }

  move(view: CellView, by: number): void {
    const at = this.index(view);
    const to = at + by;
    if (to < 0 || to >= this.views.length) return;
    const focused = document.activeElement as HTMLElement | null;
    this.views.splice(at, 1);
    this.views.splice(to, 0, view);
    this.list.insertBefore(view.element, this.views[to + 1]?.element ?? null);
    this.change();
    (focused && view.element.contains(focused) ? focused : view.element).focus();
    view.element.scrollIntoView({ block: "nearest" });
  }

  /** Cuts the cell that is edited in two, at the cursor. It reports whether one is. */
  async split(): Promise<boolean> {
    const view = this.edited;
    if (!view) return false;
    const at = (await this.editor).cursor();
    this.leave();
    this.add(splitCell(view.cell, at), this.index(view));
    view.showSource();
    await this.edit(view, 0);
    return true;
  }

  /** Joins a cell with the one below, which can be brought back. It reports whether there is one. */
  merge(view: CellView): boolean {
    const below = this.views[this.index(view) + 1];
    if (!below) return false;
    this.leave();
    mergeCells(view.cell, below.cell);
    view.output.show(view.cell);
    view.setMark("");
    view.showSource();
    this.remove(below);
    this.focus(view);
    return true;
  }

  convert(view: CellView, kind: Cell["kind"]): void {
    if (view.cell.kind === kind) return;
    const editing = this.edited === view;
    if (editing) this.leave();
    view.cell.kind = kind;
    if (kind !== "code") Object.assign(view.cell, { outputs: [], count: null, ms: 0 });
    view.output.show(view.cell);
    view.showSource();
    view.show();
    this.change();
  }

  private act(view: CellView, what: string): void {
    this.select(view);
    switch (what) {
      case "run":
        return this.events.run(view);
      case "up":
        return this.move(view, -1);
      case "down":
        return this.move(view, 1);
      case "below":
        return void this.edit(this.insert(1));
      case "kind":
        return this.convert(view, view.cell.kind === "code" ? "markdown" : "code");
      case "delete":
        return this.remove(view);
    }
  }
}

/** CodeMirror, loaded once; undefined when it cannot be loaded, and then a text field serves. */
let module: Promise<typeof import("../codemirror") | undefined> | undefined;
function codemirror(): Promise<typeof import("../codemirror") | undefined> {
  return (module ??= import("../codemirror").catch(() => undefined));
}
