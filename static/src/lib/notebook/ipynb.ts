// Jupyter's file format, nbformat 4: read with suspicion, written as 4.5.

import { type Cell, newCell, newId, newNotebook, type Notebook, type Output } from "./model";

const mostBytes = 32_000_000;
const mostCells = 2000;
const mostOutputs = 500; // of one cell
const deepest = 64;

/** A file that is no notebook, or more of one than is taken. */
export class NotAnIpynb extends Error {}

type Obj = Record<string, unknown>;

/** Reads a file. name becomes the notebook's, unless the file has a title. */
export function fromIpynb(text: string, name: string): Notebook {
  if (text.length > mostBytes) throw new NotAnIpynb(`The file is larger than ${mostBytes / 1e6} MB. Clear the outputs where it was made, and save it again.`);
  const file = object(parse(text));
  if (!file || !Array.isArray(file.cells)) throw new NotAnIpynb(isOld(file) ? "The file is of an older format than 4. Open it in Jupyter and save it again." : "The file is not a Jupyter notebook: it has no cells.");
  if (file.nbformat !== 4) throw new NotAnIpynb(`The file says that its format is ${JSON.stringify(file.nbformat)}. Notebooks of format 4 can be read.`);
  if (file.cells.length > mostCells) throw new NotAnIpynb(`The file has ${file.cells.length} cells; at most ${mostCells} are read.`);
  if (!shallow(file)) throw new NotAnIpynb(`The file has values more than ${deepest} levels deep.`);
  const metadata = object(file.metadata) ?? {};
  const taken = new Set<string>();
  const cells = file.cells.map((c, i) => readCell(c, i, taken));
  const n = newNotebook(languageOf(metadata), cells.length > 0 ? cells : [newCell()]);
  n.name = titleOf(metadata) || name.replace(/\.(ipynb|json)$/i, "").trim().slice(0, 100) || n.name;
  n.metadata = metadata;
  return n;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (e) {
    throw new NotAnIpynb(`The file is not JSON: ${(e as Error).message}`);
  }
}

function isOld(file: Obj | undefined): boolean {
  return Array.isArray(file?.worksheets) || (typeof file?.nbformat === "number" && file.nbformat < 4);
}

/** Whether nothing lies deeper than allowed. It does not recurse, since depth is what it is about. */
function shallow(root: unknown): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return false;
    level = level.flatMap((v) => (typeof v === "object" && v !== null ? Object.values(v) : []));
  }
  return true;
}

function readCell(raw: unknown, i: number, taken: Set<string>): Cell {
  const c = object(raw);
  const kind = c?.cell_type;
  if (!c || (kind !== "code" && kind !== "markdown" && kind !== "raw")) throw new NotAnIpynb(`Cell ${i + 1} is neither code, Markdown nor raw.`);
  const source = joined(c.source);
  if (source === undefined) throw new NotAnIpynb(`Cell ${i + 1} has no text as its source.`);
  const cell: Cell = { ...newCell(kind, source), id: cellId(c.id, taken), metadata: object(c.metadata) ?? {} };
  if (object(c.attachments)) cell.attachments = c.attachments as Obj;
  if (kind !== "code") return cell;
  cell.count = count(c.execution_count);
  const ours = object(cell.metadata.sandpiper);
  if (typeof ours?.ms === "number" && ours.ms >= 0) cell.ms = ours.ms;
  cell.folded = cell.metadata.collapsed === true;
  const outputs = Array.isArray(c.outputs) ? c.outputs : [];
  if (outputs.length > mostOutputs) throw new NotAnIpynb(`Cell ${i + 1} has ${outputs.length} outputs; at most ${mostOutputs} are read.`);
  cell.outputs = outputs.map(readOutput).filter((o) => o !== undefined);
  return cell;
}

/** The file's id when it is a good one that no other cell has. */
function cellId(v: unknown, taken: Set<string>): string {
  const id = typeof v === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(v) && !taken.has(v) ? v : newId(8);
  taken.add(id);
  return id;
}

function readOutput(raw: unknown): Output | undefined {
  const o = object(raw);
  switch (o?.output_type) {
    case "stream":
      return { kind: "stream", name: o.name === "stderr" ? "stderr" : "stdout", text: joined(o.text) ?? "" };
    case "display_data":
    case "execute_result":
      return { kind: o.output_type === "display_data" ? "display" : "result", data: readBundle(o.data), metadata: object(o.metadata) ?? {}, count: count(o.execution_count) };
    case "error":
      return { kind: "error", name: String(o.ename ?? "Error"), value: String(o.evalue ?? ""), traceback: (Array.isArray(o.traceback) ? o.traceback : []).map(String) };
    default:
      return undefined;
  }
}

/** A bundle whose text is whole; JSON types keep their values. */
function readBundle(v: unknown): Obj {
  return Object.fromEntries(Object.entries(object(v) ?? {}).map(([type, value]) => [type, isJson(type) ? value : (joined(value) ?? value)]));
}

function isJson(type: string): boolean {
  return /^application\/(.*\+)?json$/.test(type);
}

/** A string, which files write as one or as a list of its lines. */
function joined(v: unknown): string | undefined {
  if (typeof v === "string") return v;
  return Array.isArray(v) && v.every((line) => typeof line === "string") ? v.join("") : undefined;
}

function object(v: unknown): Obj | undefined {
  return typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Obj) : undefined;
}

function count(v: unknown): number | null {
  return Number.isSafeInteger(v) && (v as number) >= 0 ? (v as number) : null;
}

function titleOf(metadata: Obj): string {
  return typeof metadata.title === "string" ? metadata.title.trim().slice(0, 100) : "";
}

const names: Record<string, string> = { ipython: "python", python2: "python", python3: "python", py: "python", node: "javascript", js: "javascript", deno: "javascript", rb: "ruby", iruby: "ruby" };

function languageOf(metadata: Obj): string {
  const info = object(metadata.language_info);
  const spec = object(metadata.kernelspec);
  const name = [info?.name, spec?.language, spec?.name].find((n) => typeof n === "string" && n !== "");
  const id = String(name ?? "python").toLowerCase().slice(0, 40);
  return Object.hasOwn(names, id) ? names[id] : id;
}

const kernelspecs: Record<string, { display_name: string; file_extension: string; mimetype: string }> = {
  python: { display_name: "Python", file_extension: ".py", mimetype: "text/x-python" },
  javascript: { display_name: "JavaScript", file_extension: ".js", mimetype: "text/javascript" },
  ruby: { display_name: "Ruby", file_extension: ".rb", mimetype: "text/x-ruby" },
};

/** Writes a notebook as a file. */
export function toIpynb(n: Notebook): string {
  const cells = n.cells.map(writeCell);
  return JSON.stringify({ cells, metadata: writeMetadata(n), nbformat: 4, nbformat_minor: 5 }, null, 1) + "\n";
}

/** The kernel's names stay as the file had them while the language is the same. */
function writeMetadata(n: Notebook): Obj {
  const same = languageOf(n.metadata) === n.language;
  const known = kernelspecs[n.language] ?? { display_name: n.language, file_extension: "", mimetype: "text/plain" };
  const spec = (same && object(n.metadata.kernelspec)) || { display_name: known.display_name, language: n.language, name: n.language };
  const info = (same && object(n.metadata.language_info)) || { name: n.language, file_extension: known.file_extension, mimetype: known.mimetype };
  return { ...n.metadata, kernelspec: spec, language_info: info, title: n.name };
}

function writeCell(c: Cell): Obj {
  const metadata: Obj = { ...c.metadata };
  if (c.kind === "code") {
    if (c.ms > 0) metadata.sandpiper = { ms: c.ms };
    if (c.folded) metadata.collapsed = true;
    else delete metadata.collapsed;
  }
  const common: Obj = { cell_type: c.kind, id: c.id, metadata, source: lines(c.source) };
  if (c.attachments) common.attachments = c.attachments;
  if (c.kind !== "code") return common;
  return { ...common, execution_count: c.count, outputs: c.outputs.flatMap(writeOutput) };
}

function writeOutput(o: Output): Obj[] {
  switch (o.kind) {
    case "stream":
      return [{ output_type: "stream", name: o.name, text: lines(o.text) }];
    case "display":
      return [{ output_type: "display_data", data: writeBundle(o.data), metadata: o.metadata }];
    case "result":
      return [{ output_type: "execute_result", data: writeBundle(o.data), execution_count: o.count, metadata: o.metadata }];
    case "error":
      return [{ output_type: "error", ename: o.name, evalue: o.value, traceback: o.traceback }];
    case "note":
      return [];
  }
}

/** Text in lines, as Jupyter writes it; pictures and JSON as they are. */
function writeBundle(data: Obj): Obj {
  return Object.fromEntries(Object.entries(data).map(([type, v]) => [type, typeof v === "string" && type.startsWith("text/") ? lines(v) : v]));
}

/** The lines of a text with their ends. */
function lines(s: string): string[] {
  return s === "" ? [] : s.split(/(?<=\n)/);
}

/** A name under which a notebook can be saved as a file. */
export function fileName(n: Notebook): string {
  return (n.name.replace(/[^\p{L}\p{N} ._()-]+/gu, "_").replace(/^[. ]+|[. ]+$/g, "") || "notebook") + ".ipynb";
}
