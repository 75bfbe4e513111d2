// The life of a sandbox, with the official SDK as it comes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DaytonaConflictError, DaytonaNotFoundError } from "@daytona/sdk";
import { client, create, drop, fails, snapshot, unique, until, wasm } from "./lib.mjs";

const daytona = client();

test("a sandbox is started when create returns, and is what was asked for", async (t) => {
  const name = unique("box");
  const sandbox = await create(t, daytona, { name, labels: { who: "me" }, envVars: { GREETING: "hello" }, autoStopInterval: 30, language: "python" });
  assert.equal(sandbox.state, "started");
  assert.equal(sandbox.name, name);
  assert.equal(sandbox.target, "us");
  assert.equal(sandbox.autoStopInterval, 30);
  assert.equal(sandbox.labels.who, "me");
  assert.equal(sandbox.labels["code-toolbox-language"], "python");
  assert.equal(sandbox.env.GREETING, "hello");
  assert.match(sandbox.id, /^[0-9a-f-]{36}$/);
  assert.equal((await sandbox.process.executeCommand("echo $GREETING")).result.trim(), "hello");
  assert.equal((await daytona.get(name)).id, sandbox.id);
  assert.equal((await daytona.get(sandbox.id)).name, name);
  await fails(daytona.create({ snapshot, name }), DaytonaConflictError, 409);
});

test("files outlive a stop, processes and previews do not", async (t) => {
  const sandbox = await create(t, daytona);
  await sandbox.fs.uploadFile(Buffer.from("kept"), "kept.txt");
  const before = await sandbox.getPreviewLink(2280);
  await sandbox.stop();
  assert.equal(sandbox.state, "stopped");
  await assert.rejects(sandbox.process.executeCommand("true"), (e) => e.statusCode >= 400 && e.statusCode < 500 && /stopped/.test(e.message));
  await sandbox.start();
  assert.equal(sandbox.state, "started");
  assert.equal((await sandbox.fs.downloadFile("kept.txt")).toString(), "kept");
  const after = await sandbox.getPreviewLink(2280);
  assert.notEqual(after.token, before.token);
  const ask = (token) => fetch(`${after.url}/work-dir`, { headers: { "x-daytona-preview-token": token } });
  assert.equal((await ask(after.token)).status, 200);
  assert.equal((await ask(before.token)).status, 401);
});

test("stop by force, delete and wait", async () => {
  const sandbox = await daytona.create({ snapshot });
  await sandbox.stop(60, true);
  assert.equal(sandbox.state, "stopped");
  await sandbox.delete(60, true);
  assert.equal(sandbox.state, "destroyed");
  await fails(daytona.get(sandbox.id), DaytonaNotFoundError, 404);
});

test("settings", async (t) => {
  const sandbox = await create(t, daytona);
  assert.deepEqual(await sandbox.setLabels({ a: "1", b: "2" }), { a: "1", b: "2" });
  await sandbox.setAutostopInterval(0);
  await sandbox.setAutoArchiveInterval(60);
  await sandbox.setAutoDeleteInterval(120);
  await sandbox.setTtl(600);
  await sandbox.refreshActivity();
  await sandbox.refreshData();
  assert.deepEqual([sandbox.autoStopInterval, sandbox.autoArchiveInterval, sandbox.autoDeleteInterval], [0, 60, 120]);
  assert.deepEqual(sandbox.labels, { a: "1", b: "2" });
  const left = new Date(sandbox.autoDestroyAt) - Date.now();
  assert.ok(left > 590 * 60_000 && left <= 600 * 60_000, `${left} ms are left`);
  await sandbox.updateEnv({ LATER: "yes" });
  assert.equal((await sandbox.process.executeCommand("echo $LATER")).result.trim(), "yes");
});

test("an ephemeral sandbox is gone when it stops", async () => {
  const sandbox = await daytona.create({ snapshot, ephemeral: true });
  assert.equal(sandbox.autoDeleteInterval, 0);
  await sandbox.stop();
  await until("the end of the sandbox", async () => {
    try {
      return (await daytona.get(sandbox.id)).state === "destroyed";
    } catch (e) {
      return e.statusCode === 404;
    }
  });
});

test("archive and start again", async (t) => {
  const sandbox = await create(t, daytona);
  await sandbox.fs.uploadFile(Buffer.from("packed"), "packed.txt");
  await sandbox.stop();
  await sandbox.archive();
  await until("the archive", async () => (await sandbox.refreshData(), sandbox.state === "archived"), () => sandbox.state);
  await sandbox.start();
  assert.equal((await sandbox.fs.downloadFile("packed.txt")).toString(), "packed");
});

test("a fork has the files of its parent and a life of its own", async (t) => {
  const sandbox = await create(t, daytona);
  await sandbox.fs.uploadFile(Buffer.from("one"), "shared.txt");
  const fork = await sandbox.fork({ name: unique("fork") });
  t.after(() => drop(fork)); // before its parent, which may not go first
  assert.equal((await fork.fs.downloadFile("shared.txt")).toString(), "one");
  await fork.fs.uploadFile(Buffer.from("two"), "shared.txt");
  assert.equal((await sandbox.fs.downloadFile("shared.txt")).toString(), "one");
  await drop(fork);
});

if (!wasm) test("resources can change while it runs", async (t) => {
  const sandbox = await create(t, daytona);
  await sandbox.resize({ cpu: 2, memory: 2 });
  await sandbox.refreshData();
  assert.deepEqual([sandbox.cpu, sandbox.memory, sandbox.state], [2, 2, "started"]);
});

if (wasm) test("create returns fast where nothing has to be waited for", async (t) => {
  const times = [];
  while (times.length < 5) {
    const began = performance.now();
    const sandbox = await create(t, daytona);
    times.push(performance.now() - began);
    assert.equal(sandbox.state, "started");
  }
  assert.ok(Math.min(...times) < 2000, `create took ${times} ms`); // the others waited for the processor
});

test("events tell of changes without polling", async (t) => {
  const sandbox = await create(t, daytona);
  const other = client();
  const watched = await other.get(sandbox.id);
  await watched.refreshActivity(); // subscribes
  await until("the connection for events", () => other.eventDispatcher?.isConnected);
  await sandbox.stop();
  await until("the event", () => watched.state === "stopped", () => watched.state);
});
