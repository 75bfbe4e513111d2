// Commands, code and sessions.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { DaytonaConflictError, DaytonaGoneError, DaytonaNotFoundError, DaytonaTimeoutError } from "@daytona/sdk";
import { client, create, fails, shared, unique, until, wasm } from "./lib.mjs";

const box = shared();

test("a command has output, an exit code, a folder and variables", async () => {
  const { process } = box.it;
  assert.deepEqual([(await process.executeCommand("echo hello; exit 3")).exitCode, (await process.executeCommand("echo hello")).result], [3, "hello\n"]);
  assert.equal((await process.executeCommand("pwd", "/tmp")).result.trim(), "/tmp");
  assert.equal((await process.executeCommand("echo $A-$B", undefined, { A: "1", B: "two words" })).result.trim(), "1-two words");
  assert.equal((await process.executeCommand("printf 'a\\nb\\nc\\n' | grep -v b | wc -l")).result.trim(), "2");
  assert.match((await process.executeCommand("ls /none")).result, /none/);
});

if (!wasm) test("the user may do everything, and is not told off for it", async () => {
  const got = await box.it.process.executeCommand("sudo -n id -u");
  assert.deepEqual([got.exitCode, got.result], [0, "0\n"]);
});

test("a command that takes too long is ended", async () => {
  const began = Date.now();
  await fails(box.it.process.executeCommand("sleep 300", undefined, undefined, 1), DaytonaTimeoutError, 408);
  const took = Date.now() - began;
  assert.ok(took < 120_000, `it took ${took} ms`);
});

test("what stays in the background does not hold a command up", async () => {
  const began = Date.now();
  const { exitCode } = await box.it.process.executeCommand("nohup sleep 300 > /dev/null 2>&1 & echo started");
  assert.equal(exitCode, 0);
  const took = Date.now() - began;
  assert.ok(took < 120_000, `it took ${took} ms`);
});

test("code runs in the language of the sandbox", async (t) => {
  const { process } = box.it;
  const run = await process.codeRun("import sys\nprint(6 * 7, sys.argv[1:])", { argv: ["a"], env: { X: "y" } });
  assert.deepEqual([run.exitCode, run.result.trim()], [0, "42 ['a']"]);
  const failed = await process.codeRun("raise ValueError('no')");
  assert.notEqual(failed.exitCode, 0);
  assert.match(failed.result, /ValueError: no/);
  const other = await create(t, client(), { language: "typescript" });
  const typed = await other.process.codeRun("const n: number = 6 * 7; console.log(n)");
  assert.deepEqual([typed.exitCode, typed.result.trim()], [0, "42"]);
});

// What figures.py draws: type, title and elements.
const figures = [
  ["line", "A line", [{ label: "up", points: [[0, 1], [1, 2], [2, 4]] }]],
  ["scatter", "", [{ label: "", points: [[1, 3], [2, 4]] }]],
  ["bar", "", [{ group: "fruit", label: "apple", value: "3" }, { group: "fruit", label: "pear", value: "4.5" }]],
  ["bar", "", [{ group: "", label: "apple", value: "3" }, { group: "", label: "pear", value: "4.5" }]],
  ["pie", "", [{ angle: 90, label: "a", radius: 1 }, { angle: 270, label: "b", radius: 1 }]],
  ["box_and_whisker", "", [{ first_quartile: 2, label: "1", max: 4, median: 3, min: 1, outliers: [40], third_quartile: 4 }]],
  ["composite_chart", "Both", 2],
  ["unknown", "", []],
  ["line", "", [{ label: "", points: [[86400, 1], [172800, 2]] }]],
];

if (!wasm) test("what matplotlib shows comes back as charts", async () => {
  const code = await readFile(new URL("../../sandbox/toolbox/kernel/testdata/figures.py", import.meta.url), "utf8");
  const run = await box.it.process.codeRun(code);
  assert.deepEqual([run.exitCode, run.result], [0, ""]);
  const { charts } = run.artifacts;
  const told = charts.map(({ type, title, elements }) => [type, title, type === "composite_chart" ? elements.length : elements]);
  assert.deepEqual(told, figures);
  for (const { png } of charts) assert.equal(png.slice(0, 5), "iVBOR");
});

test("a session remembers where it is and what it knows", async () => {
  const { process } = box.it;
  const id = unique("session");
  await process.createSession(id);
  await fails(process.createSession(id), DaytonaConflictError, 409);
  assert.equal((await process.executeSessionCommand(id, { command: "cd /tmp && NAME=known" })).exitCode, 0);
  const run = await process.executeSessionCommand(id, { command: "pwd; echo $NAME; echo problem >&2" });
  assert.deepEqual([run.exitCode, run.stdout, run.stderr], [0, "/tmp\nknown\n", "problem\n"]);
  assert.equal((await process.executeSessionCommand(id, { command: "false" })).exitCode, 1);
  const session = await process.getSession(id);
  assert.equal(session.commands.length, 3);
  assert.ok((await process.listSessions()).some((s) => s.sessionId === id));
  await process.deleteSession(id);
  await fails(process.getSession(id), DaytonaNotFoundError, 404);
});

test("a command of a session is followed while it runs", async () => {
  const { process } = box.it;
  const id = unique("async");
  await process.createSession(id);
  const { cmdId } = await process.executeSessionCommand(id, { command: "echo out1; echo err1 >&2; read line; echo out2; echo err2 >&2; exit 4", runAsync: true, suppressInputEcho: true });
  const seen = { out: "", err: "" };
  const followed = process.getSessionCommandLogs(id, cmdId, (chunk) => (seen.out += chunk), (chunk) => (seen.err += chunk));
  // It goes on only when what it has said so far was seen.
  // (The client keeps the last bytes back, which may begin another stream.)
  await until("the first lines", () => seen.out.startsWith("out") && seen.err.startsWith("err"), () => seen);
  await process.sendSessionCommandInput(id, cmdId, "go on\n");
  await followed;
  assert.deepEqual(seen, { out: "out1\nout2\n", err: "err1\nerr2\n" });
  const command = await until("the exit code", async () => {
    const c = await process.getSessionCommand(id, cmdId);
    return c.exitCode === undefined || c.exitCode === null ? undefined : c;
  });
  assert.equal(command.exitCode, 4);
  const logs = await process.getSessionCommandLogs(id, cmdId);
  assert.deepEqual([logs.stdout, logs.stderr], [seen.out, seen.err]);
  await process.deleteSession(id);
});

test("a command gets input while it runs, and none afterwards", async () => {
  const { process } = box.it;
  const id = unique("input");
  await process.createSession(id);
  const { cmdId } = await process.executeSessionCommand(id, { command: "read line; echo got:$line", runAsync: true });
  await process.sendSessionCommandInput(id, cmdId, "some words\n");
  await until("the answer", async () => (await process.getSessionCommandLogs(id, cmdId)).stdout.includes("got:some words"), () => process.getSessionCommandLogs(id, cmdId));
  await until("the end", async () => (await process.getSessionCommand(id, cmdId)).exitCode === 0);
  await fails(process.sendSessionCommandInput(id, cmdId, "more\n"), DaytonaGoneError, 410);
  await process.deleteSession(id);
});

test("much output arrives whole and in order", async () => {
  const { process } = box.it;
  const id = unique("much");
  await process.createSession(id);
  const { cmdId } = await process.executeSessionCommand(id, { command: "seq 1 50000", runAsync: true });
  let out = "";
  await process.getSessionCommandLogs(id, cmdId, (chunk) => (out += chunk), () => {});
  const lines = out.trimEnd().split("\n");
  assert.equal(lines.length, 50000);
  assert.ok(lines.every((line, i) => line === String(i + 1)));
  await process.deleteSession(id);
});
