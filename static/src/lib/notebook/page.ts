// The page of one notebook: its toolbar, its menu, and how it is kept.

import { ask, note } from "../ask";
import { byId } from "../dom";
import { closeMenus } from "../page";
import { shownTheme } from "../theme";
import type { CellView } from "./cell";
import { Cells } from "./cells";
import { pageData } from "./data";
import { fileName, fromIpynb, toIpynb } from "./ipynb";
import { Keys } from "./keys";
import { copyOf, newCell, type Notebook } from "./model";
import { FilesPanel } from "./panel";
import { Runner } from "./runner";
import * as sessions from "./session";
import { Elsewhere, Shelf } from "./shelf";
import { findNotebook } from "./source";
import { showSession, took } from "./status";

const saveDelay = 500; // milliseconds after a change
const lookEvery = 15_000; // at a session that nothing runs in: it may be paused by itself

export class NotebookPage {
  private notebook!: Notebook;
  private cells!: Cells;
  private runner!: Runner;
  private files!: FilesPanel;
  private readonly data = pageData();
  private readonly shelf = new Shelf((id) => void this.keptElsewhere(id));
  private session?: sessions.Session;
  private saving = 0;
  private unsaved = false;
  private conflict = false;

  /** Shows the notebook of the address. */
  async start(): Promise<void> {
    try {
      this.notebook = await findNotebook(this.shelf, this.data);
    } catch (e) {
      return this.lost((e as Error).message);
    }
    this.show();
    this.listen();
    await this.runner.refresh();
    if (this.notebook.running) void this.runner.recover(this.cells.find(this.notebook.running));
    window.setInterval(() => this.look(), lookEvery);
  }

  private lost(why: string): void {
    for (const e of document.querySelectorAll<HTMLElement>("#notebook-tools, #session-line, .add-cells")) e.hidden = true;
    note(why, "warn");
  }

  /** Builds the page's parts over the notebook. */
  private show(): void {
    const n = this.notebook;
    const language = this.data.languages.find((l) => l.id === n.language);
    this.runner?.close();
    this.runner = new Runner(n, {
      session: (s) => this.showSession(s),
      active: (on) => this.showActive(on),
      kept: () => this.changed(),
      spoken: (text) => (byId("spoken").textContent = text),
    });
    this.cells = new Cells(n, language?.editor ?? n.language, { around: { base: "", theme: shownTheme }, language: language?.label ?? n.language }, {
      changed: () => this.changed(),
      save: () => void this.keep(),
      run: (view) => this.run(view, "stay"),
      removed: (cell) => this.runner.forget(cell.id),
    });
    byId<HTMLInputElement>("notebook-name").value = n.name;
    byId("session-language").textContent = language?.label ?? n.language;
    this.showName();
    if (!language) note(`This server has no sessions in ${n.language}. The cells can be read and edited here, and exported.`, "warn");
  }

  private showName(): void {
    document.title = `${this.notebook.name} · Sandpiper`;
    byId("heading").textContent = this.notebook.name;
  }

  private showSession(s: sessions.Session | undefined, said = ""): void {
    this.session = s;
    showSession(s, said);
  }

  private showActive(on: boolean): void {
    byId<HTMLButtonElement>("interrupt").disabled = !on;
    byId("cells").setAttribute("aria-busy", String(on));
    if (!on) this.files?.refresh();
  }

  /** Looks how the session is, when somebody sees the page. */
  private look(): void {
    if (!document.hidden && !this.runner.active && this.notebook.session) void this.runner.refresh();
  }

  // Keeping.

  private changed(): void {
    this.unsaved = true;
    byId("saved").textContent = "";
    window.clearTimeout(this.saving);
    this.saving = window.setTimeout(() => void this.keep(), saveDelay);
  }

  /** Keeps the notebook in the browser, and gives the page its address. */
  private async keep(): Promise<void> {
    window.clearTimeout(this.saving);
    if (this.conflict) return;
    this.unsaved = false;
    try {
      this.notebook.rev = await this.shelf.put(this.notebook);
      byId("saved").textContent = "Kept in this browser";
      if (location.pathname !== `/notebook/${this.notebook.id}`) history.replaceState(null, "", `/notebook/${this.notebook.id}`);
    } catch (e) {
      this.unsaved = true;
      if (e instanceof Elsewhere) return this.clash(e.message);
      note(`The notebook cannot be kept in this browser: ${(e as Error).message}. Export it before you leave.`, "error");
    }
  }

  /** Another tab has kept this notebook: without changes here its version is shown. */
  private async keptElsewhere(id: string): Promise<void> {
    if (id !== this.notebook?.id || this.conflict) return;
    const kept = await this.shelf.get(id);
    if (!kept || kept.rev <= this.notebook.rev) return;
    if (this.unsaved || this.runner.active) return this.clash("This notebook was changed in another tab.");
    this.notebook = kept;
    this.show();
    await this.runner.refresh();
  }

  /** Nothing is replaced until somebody has chosen. */
  private clash(why: string): void {
    this.conflict = true;
    note("", "warn");
    const choose = async () => {
      const copy = await ask({ title: "Changed in two tabs", text: `${why} Keep what is here as a second notebook? Otherwise the page shows the other version, and what changed here is lost.`, yes: "Keep both" });
      if (!copy) return location.reload();
      this.notebook.id = copyOf(this.notebook, "").id;
      Object.assign(this.notebook, { rev: 0, name: copyOf(this.notebook, "").name });
      this.conflict = false;
      await this.keep();
      this.show();
    };
    void choose();
  }

  // Running.

  private run(view: CellView | undefined, then: "stay" | "next" | "add"): void {
    if (!view) return;
    const editing = this.cells.editing;
    if (view.cell.kind === "code") this.runner.run([view]);
    if (then === "stay" && editing && view.cell.kind === "code") return; // the cursor stays where it is
    this.cells.leave();
    if (then === "stay") return this.cells.focus(view);
    this.cells.select(view);
    const last = this.cells.index() === this.cells.views.length - 1;
    if (then === "add" || last) void this.cells.edit(this.cells.insert(1));
    else this.cells.step(1);
  }

  private runRange(from: number, to?: number): void {
    this.cells.leave();
    this.runner.run(this.cells.views.slice(from, to));
  }

  private async restart(again: boolean): Promise<void> {
    const yes = !this.notebook.session || (await ask({ title: "Restart the session?", text: "What the cells defined is lost. Files, cells and outputs stay.", yes: "Restart", danger: true }));
    if (!yes) return;
    await this.runner.restart();
    this.files.refresh();
    if (again) this.runRange(0);
  }

  /** Makes a second session with the same state, and opens its notebook. */
  private async fork(): Promise<void> {
    if (!this.session) throw new Error("There is no session yet. Run a cell first.");
    const made = await sessions.fork(this.notebook.session);
    const copy = copyOf(this.notebook, made.id);
    await this.shelf.put(copy);
    const opened = window.open(`/notebook/${copy.id}`, "_blank");
    if (!opened) note(`The fork is among your notebooks as “${copy.name}”. The browser did not let the page open it.`);
    this.showSession(this.session, took("Forked", made));
  }

  private async pause(): Promise<void> {
    const id = this.notebook.session;
    const paused = this.session?.state === "paused";
    const s = paused ? await sessions.resume(id) : await sessions.pause(id);
    this.showSession(s, took(paused ? "Resumed" : "Paused", s));
  }

  // The notebook as a whole.

  private clear(): void {
    for (const v of this.cells.views) {
      if (v.cell.kind !== "code") continue;
      Object.assign(v.cell, { outputs: [], count: null, ms: 0, folded: false });
      v.output.show(v.cell);
      v.show();
    }
    this.changed();
  }

  private export(): void {
    const url = URL.createObjectURL(new Blob([toIpynb(this.notebook)], { type: "application/x-ipynb+json" }));
    const a = Object.assign(document.createElement("a"), { href: url, download: fileName(this.notebook) });
    a.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  /** Opens a file as a notebook of its own; this one stays. */
  private async import(file: File): Promise<void> {
    const text = await file.text();
    const n = fromIpynb(text, file.name);
    n.rev = 0;
    await this.shelf.put(n);
    location.assign(`/notebook/${n.id}`);
  }

  private async delete(): Promise<void> {
    const name = this.notebook.name;
    if (!(await ask({ title: `Delete ${name}?`, text: "Its cells and outputs, and the session with its state and files, are lost.", yes: "Delete", danger: true }))) return;
    window.clearTimeout(this.saving);
    this.conflict = true; // nothing is kept any more
    if (this.notebook.session) await sessions.remove(this.notebook.session);
    await this.shelf.remove(this.notebook.id);
    location.assign("/notebook");
  }

  // The page.

  private listen(): void {
    this.files = new FilesPanel(async (make) => {
      if (!this.notebook.session && make) await this.runner.restart();
      return this.notebook.session;
    });
    byId("main").addEventListener("click", (e) => {
      const button = (e.target as Element).closest<HTMLElement>("[data-do]");
      if (button) void this.guard(this.act(button.dataset.do!));
    });
    byId<HTMLInputElement>("notebook-name").addEventListener("change", (e) => void this.guard(this.rename((e.target as HTMLInputElement).value)));
    const file = byId<HTMLInputElement>("import");
    file.addEventListener("change", () => file.files?.[0] && void this.guard(this.import(file.files[0])));
    document.addEventListener("visibilitychange", () => (document.hidden ? this.unsaved && void this.keep() : this.look()));
    window.addEventListener("beforeunload", (e) => this.unsaved && this.conflict && e.preventDefault());
    this.keys();
  }

  private async rename(name: string): Promise<void> {
    this.notebook.name = name.trim() || "Untitled";
    this.showName();
    this.changed();
    if (this.session) await sessions.rename(this.notebook.session, this.notebook.name);
  }

  private async act(what: string): Promise<void> {
    closeMenus();
    const at = this.cells.index();
    const acts: Record<string, () => void | Promise<void>> = {
      "run": () => this.run(this.cells.selected, "next"),
      "run-all": () => this.runRange(0),
      "run-above": () => this.runRange(0, at),
      "run-below": () => this.runRange(at),
      "interrupt": () => this.runner.interrupt(),
      "restart": () => this.restart(false),
      "restart-run": () => this.restart(true),
      "fork": () => this.fork(),
      "pause": () => this.pause(),
      "undo-delete": () => this.undelete(),
      "split": () => this.split(),
      "merge": () => this.merge(this.cells.selected),
      "clear": () => this.clear(),
      "export": () => this.export(),
      "import": () => byId("import").click(),
      "keys": () => byId<HTMLDialogElement>("keys-dialog").showModal(),
      "files": () => this.files.toggle(),
      "files-again": () => this.files.refresh(),
      "append-code": () => this.append("code"),
      "append-text": () => this.append("markdown"),
      "delete-notebook": () => this.delete(),
    };
    await acts[what]?.();
  }

  private append(kind: "code" | "markdown"): void {
    void this.cells.edit(this.cells.add(newCell(kind), this.cells.views.length));
  }

  private async split(): Promise<void> {
    if (!(await this.cells.split())) note("Edit a cell, and put the cursor where it is to be split.");
  }

  private merge(view: CellView | undefined): void {
    if (view && this.runner.active) return note("Cells can be merged when none runs.");
    if (view && !this.cells.merge(view)) note("There is no cell below to merge with.");
  }

  private undelete(): void {
    if (!this.cells.undelete()) note("No cell was deleted since the page was opened.");
  }

  private keys(): void {
    const cells = () => this.cells;
    const selected = (act: (v: CellView) => void) => () => cells().selected && act(cells().selected!);
    new Keys(byId("main"), {
      run: (then) => this.run(cells().selected, then),
      save: () => void this.keep(),
      leaveEditor: () => {
        cells().leave();
        cells().focus(cells().selected);
      },
      split: () => void this.guard(this.split()),
      on: {
        "Enter": selected((v) => void cells().edit(v)),
        "ArrowUp": () => cells().step(-1),
        "ArrowDown": () => cells().step(1),
        "k": () => cells().step(-1),
        "j": () => cells().step(1),
        "a": () => cells().insert(0),
        "b": () => cells().insert(1),
        "dd": selected((v) => cells().remove(v)),
        "z": () => this.undelete(),
        "m": selected((v) => cells().convert(v, "markdown")),
        "Shiftm": selected((v) => this.merge(v)),
        "y": selected((v) => cells().convert(v, "code")),
        "o": selected((v) => v.cell.outputs.length > 0 && v.fold(!v.cell.folded)),
        "ShiftArrowUp": selected((v) => cells().move(v, -1)),
        "ShiftArrowDown": selected((v) => cells().move(v, 1)),
        "ii": () => void this.guard(this.runner.interrupt()),
        "00": () => void this.guard(this.restart(false)),
        "h": () => byId<HTMLDialogElement>("keys-dialog").showModal(),
        "?": () => byId<HTMLDialogElement>("keys-dialog").showModal(),
      },
    });
  }

  private async guard(work: Promise<unknown>): Promise<void> {
    try {
      note("");
      await work;
    } catch (e) {
      note((e as Error).message, "error");
    }
  }
}
