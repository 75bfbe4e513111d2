// A notebook: its cells, what they said, and the changes one can make to it.

export type CellKind = "code" | "markdown" | "raw";

/** What a cell said, in the order in which it came. */
export type Output =
  | { kind: "stream"; name: "stdout" | "stderr"; text: string }
  | { kind: "display" | "result"; data: Record<string, unknown>; metadata: Record<string, unknown>; count: number | null; id?: string } // id: that it can be updated by
  | { kind: "error"; name: string; value: string; traceback: string[] }
  | { kind: "note"; text: string }; // Sandpiper's own remark

export interface Cell {
  id: string; // as nbformat has it: 1 to 64 letters, digits, - and _
  kind: CellKind;
  source: string;
  outputs: Output[];
  count: number | null; // the execution count
  ms: number; // how long it ran; 0 when it did not
  folded: boolean; // whether its output is folded away
  metadata: Record<string, unknown>; // as a file had it
  attachments?: Record<string, unknown>;
}

export interface Notebook {
  id: string;
  name: string;
  language: string; // of the session; what a file says when the server does not know it
  session: string; // id of the session, "" before the first cell has run
  cells: Cell[];
  metadata: Record<string, unknown>; // as a file had it, without what the fields above say
  running: string; // id of the cell that runs, "" for none
  rev: number; // how often it was kept; 0 for one that is not kept yet
  changed: number; // when, in milliseconds since 1970
}

/** Text of one cell's outputs that is kept, in characters; what comes after that is left out with a note. */
export const mostText = 1_000_000;

const cutNote = "The output is longer than 1,000,000 characters. The rest is left out; write it to a file to have all of it under Files.";

/** A random id for notebooks and cells. */
export function newId(length = 12): string {
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  return [...crypto.getRandomValues(new Uint8Array(length))].map((b) => letters[b % letters.length]).join("");
}

export function newCell(kind: CellKind = "code", source = ""): Cell {
  return { id: newId(8), kind, source, outputs: [], count: null, ms: 0, folded: false, metadata: {} };
}

export function newNotebook(language: string, cells: Cell[] = [newCell()]): Notebook {
  return { id: newId(16), name: "Untitled", language, session: "", cells, metadata: {}, running: "", rev: 0, changed: Date.now() };
}

/** A second notebook with the same cells and outputs, over another session. */
export function copyOf(n: Notebook, session: string): Notebook {
  return { ...structuredClone(n), id: newId(16), name: forkName(n.name), session, running: "", rev: 0 };
}

/** "Walk", "Walk (2)", "Walk (3)" */
function forkName(name: string): string {
  const [, stem, n] = /^(.*?)(?: \((\d{1,6})\))?$/s.exec(name)!;
  return `${stem} (${n ? Number(n) + 1 : 2})`;
}

/** Adds to a cell's outputs; pieces of one stream become one. It returns what was added: of text that is too long what there is room for, and a note once. */
export function addOutput(cell: Cell, o: Output): Output[] {
  if (o.kind !== "stream") {
    cell.outputs.push(o);
    return [o];
  }
  const room = mostText - cell.outputs.reduce((n, x) => n + (x.kind === "stream" ? x.text.length : 0), 0);
  const text = o.text.slice(0, Math.max(room, 0));
  const added: Output[] = [];
  if (text !== "") {
    const last = cell.outputs.at(-1);
    if (last?.kind === "stream" && last.name === o.name) last.text += text;
    else cell.outputs.push({ ...o, text });
    added.push({ ...o, text });
  }
  if (text.length < o.text.length && !cell.outputs.some((x) => x.kind === "note" && x.text === cutNote)) added.push(...addOutput(cell, { kind: "note", text: cutNote }));
  return added;
}

/** Puts a display in the place of those that have its id. */
export function updateDisplay(cell: Cell, id: string, data: Record<string, unknown>, metadata: Record<string, unknown>): void {
  for (const o of cell.outputs) if (o.kind === "display" && o.id === id) Object.assign(o, { data, metadata });
}

/** Cuts a cell in two before a character of its text. The outputs stay with the second one, which has the last expression. */
export function splitCell(cell: Cell, at: number): Cell {
  const head = newCell(cell.kind, cell.source.slice(0, at).replace(/\n$/, ""));
  head.metadata = structuredClone(cell.metadata);
  if (cell.attachments) head.attachments = structuredClone(cell.attachments);
  cell.source = cell.source.slice(at).replace(/^\n/, "");
  return head;
}

/** Adds the text of a cell to another one, which is above it and keeps its kind. Outputs are those of neither. */
export function mergeCells(cell: Cell, below: Cell): void {
  cell.source = [cell.source, below.source].filter((s) => s !== "").join(cell.kind === "markdown" ? "\n\n" : "\n");
  cell.attachments = cell.attachments || below.attachments ? { ...below.attachments, ...cell.attachments } : undefined;
  Object.assign(cell, { outputs: [], count: null, ms: 0, folded: false });
}

/** Cells that were deleted, so that they can come back. */
export class Deleted {
  private readonly gone: { cell: Cell; at: number }[] = [];

  remember(cell: Cell, at: number): void {
    this.gone.push({ cell, at });
    if (this.gone.length > 50) this.gone.shift();
  }

  last(): { cell: Cell; at: number } | undefined {
    return this.gone.pop();
  }

  get any(): boolean {
    return this.gone.length > 0;
  }
}
