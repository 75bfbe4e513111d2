// The interpreter that keeps its state.

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared } from "./lib.mjs";

const box = shared();

test("variables stay from one piece of code to the next, apart by context", async () => {
  const { codeInterpreter } = box.it;
  assert.equal((await codeInterpreter.runCode("x = 41")).error, undefined);
  assert.equal((await codeInterpreter.runCode("print(x + 1)")).stdout, "42\n");
  const context = await codeInterpreter.createContext();
  const apart = await codeInterpreter.runCode("print(x)", { context });
  assert.equal(apart.error?.name, "NameError");
  assert.ok((await codeInterpreter.listContexts()).some((c) => c.id === context.id));
  await codeInterpreter.deleteContext(context);
  assert.ok(!(await codeInterpreter.listContexts()).some((c) => c.id === context.id));
});

test("output comes as it is written, errors with their name", async () => {
  const { codeInterpreter, fs } = box.it;
  // It goes on only when what it has written so far was seen.
  const code = `
import os, sys, time
print('first', flush=True)
while not os.path.exists(${JSON.stringify(`${box.work}/seen`)}): time.sleep(0.05)
print('second')
print('e', file=sys.stderr)
1/0`;
  let seen;
  const run = await codeInterpreter.runCode(code, { timeout: 120, onStdout: () => (seen ??= fs.uploadFile(Buffer.from(""), "seen")) });
  await seen;
  assert.equal(run.stdout, "first\nsecond\n");
  assert.match(run.stderr, /e/);
  assert.equal(run.error.name, "ZeroDivisionError");
  assert.match(run.error.traceback, /1\/0/);
});

test("code that takes too long is interrupted, and what was known stays", async () => {
  const { codeInterpreter } = box.it;
  await codeInterpreter.runCode("kept = 1");
  await assert.rejects(codeInterpreter.runCode("while True: pass", { timeout: 1 }), /time/i);
  assert.match((await codeInterpreter.runCode("print('alive')")).stdout, /alive/);
});
