// A remote kernel as JupyterLab uses it: by its own client library.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cell, key, managers, run, settings, soon, start, url, when } from "./lib.mjs";

const { kernels, specs, sessions } = managers();

test("the specs have Python for notebooks from elsewhere", async () => {
  await specs.refreshSpecs();
  assert.equal(specs.specs.default, "python3");
  assert.equal(specs.specs.kernelspecs.python3.language, "python");
});

test("streams, rich output, a result, and numbers that count", async (t) => {
  const kernel = await start(t, kernels);
  const info = await soon(kernel.info);
  assert.equal(info.language_info.name, "python");
  assert.equal(info.protocol_version, "5.5");

  const first = await run(kernel, "import sys\nprint('é' * 3)\nprint('to stderr', file=sys.stderr)\nx = 20");
  assert.deepEqual([first.stdout, first.stderr, first.reply.status], ["ééé\n", "to stderr\n", "ok"]);
  assert.deepEqual(first.states, ["busy", "idle"]);
  assert.equal(first.reply.execution_count, 1);

  const second = await run(kernel, "from sandpiper import display, html\ndisplay(html('<b>rich</b>'))\nx * 2 + 2");
  assert.equal(second.data[0]["text/html"], "<b>rich</b>");
  assert.equal(second.result.data["text/plain"], "42");
  assert.deepEqual([second.input.execution_count, second.result.execution_count, second.reply.execution_count], [2, 2, 2]);

  const silent = await run(kernel, "x", { silent: true, store_history: false });
  assert.deepEqual([silent.input, silent.result], [undefined, undefined]);
  assert.equal((await run(kernel, "x")).reply.execution_count, 3);
  const { history } = (await soon(kernel.requestHistory({ hist_access_type: "tail", n: 1, output: false, raw: true }))).content;
  assert.deepEqual(history, [[1, 3, "x"]]);
});

test("displays that are updated and cleared, as notebooks from elsewhere do it", async (t) => {
  const kernel = await start(t, kernels);
  const said = await run(kernel, [
    "from IPython.display import display, clear_output, HTML",
    "bar = display('0 %', display_id='bar')",
    "bar.update('50 %')",
    "clear_output(wait=True)",
    "display(HTML('<b>done</b>'), display_id=True)",
  ].join("\n") + ";");
  assert.deepEqual(said.updates, [["bar", "50 %"]]);
  assert.deepEqual(said.clears, [true]);
  assert.equal(said.data[1]["text/html"], "<b>done</b>");
  assert.match(said.displayId, /^[0-9a-f]{16}$/);
  const absent = await run(kernel, "import matplotlib.pyplot as plt");
  assert.match(absent.error.traceback.join("\n"), /sandpiper\.line/);
});

test("a comm that nobody answers is closed", async (t) => {
  const kernel = await start(t, kernels);
  const comm = kernel.createComm("jupyter.widget");
  const closed = new Promise((resolve) => (comm.onClose = resolve));
  comm.open({});
  await soon(closed, "the end of the comm");
  assert.equal((await run(kernel, "1 + 1")).result.data["text/plain"], "2");
});

test("an exception, and what it stops", async (t) => {
  const kernel = await start(t, kernels);
  const failing = cell(kernel, "def f():\n    return 1 / 0\nf()", { stop_on_error: true });
  const next = cell(kernel, "print('never')");
  const reply = await failing.done;
  assert.equal(reply.status, "error");
  assert.deepEqual([failing.error.ename, failing.error.evalue], ["ZeroDivisionError", "division by zero"]);
  assert.match(failing.error.traceback.join("\n"), /1 \/ 0/);
  assert.deepEqual([(await next.done).status, next.stdout], ["aborted", ""]);
  assert.equal((await run(kernel, "print('again')")).stdout, "again\n");

  const going = cell(kernel, "raise KeyError('k')", { stop_on_error: false }); // the library's default
  const after = cell(kernel, "print('yes')");
  assert.equal((await going.done).status, "error");
  assert.deepEqual([(await after.done).status, after.stdout], ["ok", "yes\n"]);
});

test("input", async (t) => {
  const kernel = await start(t, kernels);
  const asked = await run(kernel, "a = input('name? ')\nb = input()\nprint(a, b)", { answers: ["Zoë", "2"] });
  assert.equal(asked.stdout, "name? Zoë 2\n");
  const none = await run(kernel, "input()");
  assert.equal(none.error.ename, "EOFError");
});

test("an endless loop is interrupted, and what was there before is still there", async (t) => {
  const kernel = await start(t, kernels);
  await run(kernel, "kept = 'kept'");
  const loop = cell(kernel, "n = 0\nprint('on', flush=True)\nwhile True:\n    n += 1");
  await soon(loop.heard);
  assert.equal(kernel.status, "busy");
  await kernel.interrupt();
  assert.equal((await loop.done).status, "error");
  assert.equal(loop.error.ename, "KeyboardInterrupt");
  const after = await run(kernel, "print(kept, n > 0)");
  assert.equal(after.stdout, "kept True\n");
});

test("completion, inspection, and whether code is complete", async (t) => {
  const kernel = await start(t, kernels);
  await run(kernel, "import math\ndef greet(name):\n    'Says hello.'\n");
  const complete = async (code) => (await soon(kernel.requestComplete({ code, cursor_pos: [...code].length }))).content;
  const names = await complete("é = gre");
  assert.deepEqual([names.matches, names.cursor_start, names.cursor_end], [["greet"], 4, 7]);
  const attributes = await complete("math.sq");
  assert.deepEqual([attributes.matches, attributes.cursor_start], [["math.sqrt"], 0]);
  assert.deepEqual((await complete("nothing.of")).matches, []);

  const inspect = async (code) => (await soon(kernel.requestInspect({ code, cursor_pos: 2, detail_level: 0 }))).content;
  const greet = await inspect("greet('x')");
  assert.match(greet.data["text/plain"], /greet\(name\)[^]*Says hello\./);
  assert.equal((await inspect("nobody")).found, false);

  const isComplete = async (code) => (await soon(kernel.requestIsComplete({ code }))).content;
  assert.equal((await isComplete("1 + 1")).status, "complete");
  assert.deepEqual(await isComplete("for i in x:"), { status: "incomplete", indent: "    " });
  assert.equal((await isComplete("1 +* 1")).status, "invalid");

  // None of it is seen in the kernel.
  const names2 = await run(kernel, "sorted(n for n in globals() if not n.startswith('_'))");
  assert.equal(names2.result.data["text/plain"], "['greet', 'math']");
  assert.equal(names2.reply.execution_count, 2);
});

test("help with JavaScript", async (t) => {
  const kernel = await start(t, kernels, "javascript");
  await run(kernel, "const greet = (name) => `Hello, ${name}`\nlet box = { inner: { alpha: 1, get trap() { throw 1 } } }\n'kept'");
  const complete = async (code) => (await soon(kernel.requestComplete({ code, cursor_pos: [...code].length }))).content;
  const names = await complete("é + gre");
  assert.deepEqual([names.matches, names.cursor_start, names.cursor_end], [["greet"], 4, 7]);
  assert.deepEqual((await complete("box.inner.al")).matches, ["box.inner.alpha"]);
  assert.deepEqual((await complete("Math.sq")).matches, ["Math.sqrt"]);
  assert.deepEqual((await complete("box.inner.trap.x")).matches, []);
  const inspect = async (code) => (await soon(kernel.requestInspect({ code, cursor_pos: 2, detail_level: 0 }))).content;
  assert.match((await inspect("greet('x')")).data["text/plain"], /\(name\) =>/);
  assert.equal((await inspect("nobody")).found, false);
  const isComplete = async (code) => (await soon(kernel.requestIsComplete({ code }))).content;
  for (const [code, status] of [["1 + 1", "complete"], ["await greet() // (", "complete"], ["`a ${1", "incomplete"], ["1 +", "incomplete"], ["f())", "invalid"], ["import a from 'b'", "unknown"]]) {
    assert.equal((await isComplete(code)).status, status, code);
  }
  assert.deepEqual(await isComplete("if (a) {"), { status: "incomplete", indent: "  " });
  assert.equal((await run(kernel, "_")).result.data["text/plain"], "'kept'"); // the help is not seen in the kernel
});

test("a restart forgets, and the kernel goes on under its id", async (t) => {
  const kernel = await start(t, kernels);
  const { id } = kernel;
  await run(kernel, "x = 1");
  await soon(kernel.restart());
  assert.equal(kernel.id, id);
  const gone = await run(kernel, "x");
  assert.equal(gone.error.ename, "NameError");
  assert.equal(gone.reply.execution_count, 1);
});

test("a second client sees what the first one does", async (t) => {
  const kernel = await start(t, kernels);
  const watcher = kernels.connectTo({ model: kernel.model });
  t.after(() => watcher.dispose());
  await soon(watcher.info);
  const seen = when(watcher.anyMessage, ({ msg }) => msg.header.msg_type === "stream" && msg.content.text === "shared\n", "the other client's output");
  await run(kernel, "y = 5\nprint('shared')");
  await seen;
  assert.equal((await run(watcher, "y")).result.data["text/plain"], "5");
});

test("a cell goes on without its client, who comes back", async (t) => {
  const kernel = await start(t, kernels);
  const running = cell(kernel, "import time\nprint('started', flush=True)\ntime.sleep(1)\nprint('finished')");
  await soon(running.heard);
  await soon(kernel.reconnect());
  assert.equal((await running.done).status, "ok");
  assert.equal(running.stdout, "started\nfinished\n");
});

test("many cells in order, and much output", async (t) => {
  const kernel = await start(t, kernels);
  const cells = Array.from({ length: 30 }, (_, i) => cell(kernel, `log = [${i}] if ${i} == 0 else log + [${i}]`));
  await Promise.all(cells.map((c) => c.done));
  assert.equal((await run(kernel, "log == list(range(30))")).result.data["text/plain"], "True");
  const much = await run(kernel, "for i in range(2000):\n    print(i, 'x' * 40)");
  assert.equal(much.stdout.split("\n").length, 2001);
});

test("sessions: start, rename, another kernel, shut down", async () => {
  const session = await sessions.startNew({ path: `dir/${process.pid}.ipynb`, name: "nb", type: "notebook", kernel: { name: "python3" } });
  await run(session.kernel, "1");
  await session.setPath("dir/renamed.ipynb");
  await sessions.refreshRunning();
  assert.ok([...sessions.running()].some((m) => m.path === "dir/renamed.ipynb"));
  const old = session.kernel.id;
  await soon(session.changeKernel({ name: "python3" }));
  assert.notEqual(session.kernel.id, old);
  await run(session.kernel, "2");
  await kernels.refreshRunning();
  assert.ok(![...kernels.running()].some((m) => m.id === old), "the old kernel still runs");
  await session.shutdown();
  session.dispose();
  await sessions.refreshRunning();
  assert.ok(![...sessions.running()].some((m) => m.path === "dir/renamed.ipynb"));
});

test("a kernel that is shut down is dead for all", async (t) => {
  const kernel = await start(t, kernels);
  const watcher = kernels.connectTo({ model: kernel.model });
  t.after(() => watcher.dispose());
  await soon(watcher.info);
  const dead = when(watcher.statusChanged, (status) => status === "dead", "the end");
  await kernel.shutdown();
  await dead;
  await assert.rejects(services().then((api) => api.getKernelModel(kernel.id, settings())).then((m) => assert.ok(m)));
});

test("a wrong token", async () => {
  const res = await fetch(`${url}api/kernels`, { headers: { authorization: "token wrong" } });
  assert.equal(res.status, 401);
  assert.match((await res.json()).message, /key/);
  const good = await fetch(`${url}api/kernels?token=${key}`);
  assert.equal(good.status, 200);
});

/** The functions of the REST API alone. */
const services = async () => (await import("@jupyterlab/services")).default.KernelAPI;
