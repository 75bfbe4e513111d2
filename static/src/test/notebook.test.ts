// The file format and the model of notebooks. src_test.go bundles and runs it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileName, fromIpynb, NotAnIpynb, toIpynb } from "../lib/notebook/ipynb";
import { addOutput, copyOf, Deleted, mergeCells, mostText, newCell, newNotebook, type Notebook, type Output, splitCell, updateDisplay } from "../lib/notebook/model";

/** What a file must keep: everything but what belongs to this browser. */
function kept(n: Notebook): unknown {
  const { name, language, cells } = n;
  return structuredClone({ name, language, cells: cells.map((c) => ({ ...c, metadata: undefined, outputs: c.outputs.filter((o) => o.kind !== "note") })) });
}

const jupyter = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { kernelspec: { display_name: "Python 3 (ipykernel)", language: "python", name: "python3" }, language_info: { name: "python", version: "3.11.4", codemirror_mode: { name: "ipython", version: 3 } }, widgets: { a: [1] } },
  cells: [
    { cell_type: "markdown", id: "intro", metadata: { tags: ["x"] }, source: ["# Title\n", "text"], attachments: { "a.png": { "image/png": "iVBORw0=" } } },
    {
      cell_type: "code", id: "one", metadata: { collapsed: true, jupyter: { source_hidden: true } }, source: "print(1)\n1/0", execution_count: 7,
      outputs: [
        { output_type: "stream", name: "stdout", text: ["1\n", "2"] },
        { output_type: "stream", name: "stderr", text: "warned\n" },
        { output_type: "display_data", data: { "image/png": "iVBORw0=", "text/plain": ["<Figure>"], "application/json": { a: ["x", "y"] } }, metadata: { "image/png": { width: 10 } } },
        { output_type: "execute_result", data: { "text/plain": "42" }, metadata: {}, execution_count: 7 },
        { output_type: "error", ename: "ZeroDivisionError", evalue: "division by zero", traceback: ["\u001b[31mTraceback\u001b[0m", "line"] },
      ],
    },
    { cell_type: "raw", metadata: {}, source: "" },
  ],
};

test("a file of Jupyter is read whole and written so that nothing is lost", () => {
  const n = fromIpynb(JSON.stringify(jupyter), "analysis.ipynb");
  assert.equal(n.name, "analysis");
  assert.equal(n.language, "python");
  assert.deepEqual(n.cells.map((c) => [c.kind, c.source, c.count, c.folded]), [["markdown", "# Title\ntext", null, false], ["code", "print(1)\n1/0", 7, true], ["raw", "", null, false]]);
  assert.deepEqual(n.cells[1].outputs[2], { kind: "display", data: { "image/png": "iVBORw0=", "text/plain": "<Figure>", "application/json": { a: ["x", "y"] } }, metadata: { "image/png": { width: 10 } }, count: null });
  const out = JSON.parse(toIpynb(n));
  assert.deepEqual([out.nbformat, out.nbformat_minor], [4, 5]);
  assert.deepEqual(out.metadata, { ...jupyter.metadata, title: "analysis" });
  assert.deepEqual(out.cells[0], jupyter.cells[0]);
  assert.deepEqual(out.cells[1].metadata, jupyter.cells[1].metadata);
  assert.deepEqual(out.cells[1].outputs[4], jupyter.cells[1].outputs![4]);
  assert.deepEqual(kept(fromIpynb(toIpynb(n), "x")), kept(n));
});

test("what this page cannot show is kept for those who can", () => {
  const plotly = { "application/vnd.plotly.v1+json": { data: [{ x: [1] }], layout: {} }, "application/x-unheard-of": "raw", "text/plain": "Figure" };
  const cells = [
    { cell_type: "code", id: "fig", metadata: { tags: ["hide"], "org.unknown": { deep: [1] } }, source: "fig", execution_count: 1, outputs: [{ output_type: "display_data", data: plotly, metadata: { "application/x-unheard-of": { k: 1 } } }] },
    { cell_type: "raw", id: "raw", metadata: { format: "text/latex" }, source: "\\begin{x}", attachments: { "b.svg": { "image/svg+xml": "<svg/>" } } },
  ];
  const out = JSON.parse(toIpynb(fromIpynb(JSON.stringify({ nbformat: 4, nbformat_minor: 2, cells, metadata: { "org.unknown": 1 } }), "x")));
  assert.deepEqual(out.cells[0].outputs[0].data, { ...plotly, "text/plain": ["Figure"] });
  assert.deepEqual(out.cells[0].outputs[0].metadata, cells[0].outputs![0].metadata);
  assert.deepEqual(out.cells.map((c: { metadata: unknown }) => c.metadata), cells.map((c) => c.metadata));
  assert.deepEqual([out.cells[1].source, out.cells[1].attachments], [["\\begin{x}"], cells[1].attachments]);
  assert.equal(out.metadata["org.unknown"], 1);
});

test("what is no notebook is refused with a reason", () => {
  const cell = { cell_type: "code", metadata: {}, source: "", outputs: [], execution_count: null };
  const cases: [string, unknown, RegExp][] = [
    ["not JSON", "{", /not JSON/],
    ["a list", [], /no cells/],
    ["null", null, /no cells/],
    ["no cells", { nbformat: 4 }, /no cells/],
    ["format 3", { nbformat: 3, worksheets: [] }, /older format/],
    ["format 5", { nbformat: 5, cells: [] }, /format is 5/],
    ["no format", { cells: [] }, /format/],
    ["a kind of cell that is none", { nbformat: 4, cells: [{ ...cell, cell_type: "heading" }] }, /Cell 1 is neither/],
    ["a cell that is a number", { nbformat: 4, cells: [1] }, /Cell 1 is neither/],
    ["a source that is a number", { nbformat: 4, cells: [{ ...cell, source: 7 }] }, /Cell 1 has no text/],
    ["too many cells", { nbformat: 4, cells: Array(2001).fill(cell) }, /2001 cells/],
    ["too many outputs", { nbformat: 4, cells: [{ ...cell, outputs: Array(501).fill({ output_type: "stream" }) }] }, /501 outputs/],
    ["too large", " ".repeat(32_000_001), /larger than 32 MB/],
    ["too deep", `{"nbformat":4,"cells":[],"metadata":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, /levels deep/],
  ];
  for (const [what, file, want] of cases) assert.throws(() => fromIpynb(typeof file === "string" ? file : JSON.stringify(file), "x"), (e) => e instanceof NotAnIpynb && want.test(e.message), what);
});

test("a cell's id is its own", () => {
  const cells = ["a", "a", "", "x".repeat(65), "<b>", 7, undefined].map((id) => ({ cell_type: "code", id, metadata: {}, source: "" }));
  const ids = fromIpynb(JSON.stringify({ nbformat: 4, cells }), "x").cells.map((c) => c.id);
  assert.equal(ids[0], "a");
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{1,64}$/);
});

test("the language is what the file says, by the name it has here", () => {
  const of = (metadata: unknown) => fromIpynb(JSON.stringify({ nbformat: 4, cells: [], metadata }), "x").language;
  assert.equal(of({ language_info: { name: "ipython" } }), "python");
  assert.equal(of({ kernelspec: { name: "deno" } }), "javascript");
  assert.equal(of({ kernelspec: { language: "R" } }), "r");
  assert.equal(of({ kernelspec: { name: "constructor" } }), "constructor");
  assert.equal(of(undefined), "python");
});

/** A source of random numbers that gives the same ones each time. */
function numbers(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

test("any notebook comes back from its file as it was", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const n = anyNotebook(numbers(seed));
    assert.deepEqual(kept(fromIpynb(toIpynb(n), "")), kept(n), `seed ${seed}`);
  }
});

function anyNotebook(below: (n: number) => number): Notebook {
  const pick = <T>(...of: T[]): T => of[below(of.length)];
  const text = () => Array.from({ length: below(6) }, () => pick("a", "\n", "\r\n", "é🐦", "\u2028", '"', "\\", "\u0000", "__proto__", " ")).join("");
  const data = (): Record<string, unknown> => ({ "text/plain": text(), ...pick<Record<string, unknown>>({}, { "application/json": pick<unknown>(null, 1, ["x"], { a: [text()] }) }, { "application/vnd.sandpiper.table+json": { columns: ["a"], rows: [[1]] } }, { "text/html": text() }, { "image/png": "AAAA" }) });
  const output = (): Output =>
    pick<() => Output>(
      () => ({ kind: "stream", name: pick("stdout", "stderr"), text: text() }),
      () => ({ kind: "display", data: data(), metadata: { a: 1 }, count: null }),
      () => ({ kind: "result", data: data(), metadata: {}, count: pick(null, below(100)) }),
      () => ({ kind: "error", name: text(), value: text(), traceback: [text(), text()] }),
      () => ({ kind: "note", text: text() }),
    )();
  const cells = Array.from({ length: 1 + below(5) }, () => {
    const c = newCell(pick("code", "markdown", "raw"), text());
    if (c.kind === "code") Object.assign(c, { count: pick(null, below(1000)), ms: below(3) * 1.5, folded: pick(true, false), outputs: Array.from({ length: below(4) }, output) });
    return c;
  });
  return { ...newNotebook(pick("python", "ruby", "javascript", "r"), cells), name: `N ${below(1000)}` };
}

test("a damaged file is read or refused, never a crash", () => {
  const whole = JSON.stringify(jupyter);
  const below = numbers(7);
  for (let i = 0; i < 3000; i++) {
    const at = below(whole.length);
    const damaged = whole.slice(0, at) + ["", "null", "0", '""', "[]", "{}", "}", '"'][below(8)] + whole.slice(at + below(30));
    try {
      toIpynb(fromIpynb(damaged, "x"));
    } catch (e) {
      assert.ok(e instanceof NotAnIpynb, `${e}: ${damaged}`);
    }
  }
});

test("the examples are notebooks that nobody has run", () => {
  const dir = "../../web/notebook/examples";
  const files = readdirSync(dir);
  assert.ok(files.length >= 5);
  for (const file of files) {
    const n = fromIpynb(readFileSync(`${dir}/${file}`, "utf8"), file);
    assert.ok(file.startsWith(n.language), `${file} is in ${n.language}`);
    assert.notEqual(n.name, file.replace(".ipynb", ""), "it has a title");
    for (const c of n.cells) assert.deepEqual([c.outputs, c.count], [[], null], file);
  }
});

test("pieces of one stream become one, up to a bound", () => {
  const c = newCell();
  for (const text of ["a", "b"]) assert.deepEqual(addOutput(c, { kind: "stream", name: "stdout", text }), [{ kind: "stream", name: "stdout", text }]);
  addOutput(c, { kind: "stream", name: "stderr", text: "c" });
  assert.deepEqual(c.outputs, [{ kind: "stream", name: "stdout", text: "ab" }, { kind: "stream", name: "stderr", text: "c" }]);
  assert.deepEqual(addOutput(c, { kind: "stream", name: "stderr", text: "x".repeat(mostText) }).map((o) => o.kind), ["stream", "note"]);
  assert.deepEqual(addOutput(c, { kind: "stream", name: "stderr", text: "more" }), []);
  assert.equal(c.outputs.reduce((n, o) => n + (o.kind === "stream" ? o.text.length : 0), 0), mostText);
});

test("a display is updated by its id", () => {
  const c = newCell();
  const shown = (text: string, id?: string): Output => ({ kind: "display", data: { "text/plain": text }, metadata: {}, count: null, id });
  for (const o of [shown("0 %", "bar"), shown("beside"), shown("0 %", "bar")]) addOutput(c, o);
  updateDisplay(c, "bar", { "text/plain": "50 %" }, {});
  updateDisplay(c, "other", { "text/plain": "never" }, {});
  assert.deepEqual(c.outputs.map((o) => (o.kind === "display" ? o.data["text/plain"] : "")), ["50 %", "beside", "50 %"]);
});

test("a cell is cut in two, and two become one", () => {
  const c = newCell("code", "a = 1\nb = 2");
  addOutput(c, { kind: "stream", name: "stdout", text: "said" });
  const head = splitCell(c, 6);
  assert.deepEqual([head.source, head.outputs.length, c.source, c.outputs.length], ["a = 1", 0, "b = 2", 1]);
  assert.notEqual(head.id, c.id);
  assert.deepEqual([splitCell(c, 0).source, c.source], ["", "b = 2"]);
  assert.deepEqual([splitCell(c, 5).source, c.source], ["b = 2", ""]);
  mergeCells(head, newCell("code", "b = 2"));
  assert.deepEqual([head.source, head.outputs], ["a = 1\nb = 2", []]);
  const text = newCell("markdown", "# A");
  text.attachments = { "a.png": {} };
  mergeCells(text, { ...newCell("markdown", "B"), attachments: { "b.png": {} } });
  assert.deepEqual([text.source, Object.keys(text.attachments!).sort()], ["# A\n\nB", ["a.png", "b.png"]]);
});

test("deleted cells come back, the last one first", () => {
  const gone = new Deleted();
  const cells = [newCell(), newCell()];
  cells.forEach((c, i) => gone.remember(c, i));
  assert.deepEqual([gone.last()?.cell, gone.last()?.cell, gone.last()], [cells[1], cells[0], undefined]);
});

test("a fork has a name and an id of its own", () => {
  const n = { ...newNotebook("python"), name: "Walk" };
  const fork = copyOf(n, "s2");
  assert.deepEqual([fork.name, fork.session, fork.rev, copyOf(fork, "s3").name], ["Walk (2)", "s2", 0, "Walk (3)"]);
  assert.notEqual(fork.id, n.id);
  assert.equal(fileName({ ...n, name: "../a b: c?" }), "_a b_ c_.ipynb");
  assert.equal(fileName({ ...n, name: ".." }), "notebook.ipynb");
});
