// Language servers, where processes can be had.

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared, wasm } from "./lib.mjs";

const box = shared();

if (!wasm) test("python: symbols and completions", async () => {
  const path = `${box.work}/python`;
  await box.it.fs.uploadFile(Buffer.from("import os\n\ndef area(r):\n    return r\n\nos.\n"), `${path}/m.py`);
  const lsp = await box.it.createLspServer("python", path);
  await lsp.start();
  await lsp.didOpen(`${path}/m.py`);
  const symbols = await lsp.documentSymbols(`${path}/m.py`);
  assert.ok(symbols.some((s) => s.name === "area"), JSON.stringify(symbols));
  const { items } = await lsp.completions(`${path}/m.py`, { line: 5, character: 3 });
  assert.ok(items.some((i) => i.label.startsWith("getcwd")), `${items.length} completions`);
  await lsp.didClose(`${path}/m.py`);
  await lsp.stop();
});

if (!wasm) test("typescript: symbols", async () => {
  const path = `${box.work}/typescript`;
  await box.it.fs.uploadFile(Buffer.from("export function area(r: number) { return r }\n"), `${path}/m.ts`);
  const lsp = await box.it.createLspServer("typescript", path);
  await lsp.start();
  await lsp.didOpen(`${path}/m.ts`);
  assert.ok((await lsp.documentSymbols(`${path}/m.ts`)).some((s) => s.name === "area"));
  await lsp.stop();
});

if (wasm) test("wasm: a clear refusal that names what can", async () => {
  const lsp = await box.it.createLspServer("python", box.work);
  await assert.rejects(lsp.start(), (e) => e.statusCode >= 400 && /container|sandpiper-/.test(e.message));
});
