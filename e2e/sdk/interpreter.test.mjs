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
  const seen = [];
  const run = await box.it.codeInterpreter.runCode("import sys, time\nfor i in range(3):\n    print(i, flush=True)\n    time.sleep(0.2)\nprint('e', file=sys.stderr)\n1/0", {
    onStdout: (m) => seen.push([Date.now(), m.output]),
  });
  assert.equal(run.stdout, "0\n1\n2\n");
  assert.match(run.stderr, /e/);
  assert.equal(run.error.name, "ZeroDivisionError");
  assert.match(run.error.traceback, /1\/0/);
  assert.ok(seen.length >= 2 && seen.at(-1)[0] - seen[0][0] > 200, "it came all at once");
});

test("code that takes too long is interrupted, and what was known stays", async () => {
  const { codeInterpreter } = box.it;
  await codeInterpreter.runCode("kept = 1");
  await assert.rejects(codeInterpreter.runCode("while True: pass", { timeout: 1 }), /time/i);
  assert.match((await codeInterpreter.runCode("print('alive')")).stdout, /alive/);
});
