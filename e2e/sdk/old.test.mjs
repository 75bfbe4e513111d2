// Clients of earlier years find everything where it was then: 0.110 below
// /api/toolbox and its WebSockets on the preview of port 2280, 0.138 by asking
// for the address of the toolbox.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { apiURL, key, snapshot, text, unique, until } from "./lib.mjs";

const require = createRequire(import.meta.url);

for (const version of ["sdk-0.110", "sdk-0.138"]) {
  test(`${version}: files, commands, sessions, a terminal, lists`, async (t) => {
    const { Daytona } = require(version);
    const daytona = new Daytona({ apiKey: key, apiUrl: apiURL, target: "eu" });
    const labels = { run: unique("old") };
    const sandbox = await daytona.create({ snapshot, labels, language: "python" });
    t.after(() => sandbox.delete());
    assert.equal(sandbox.state, "started");
    assert.equal(sandbox.target, "eu");

    await sandbox.fs.uploadFile(Buffer.from("old\n"), "old.txt");
    assert.equal((await sandbox.fs.downloadFile("old.txt")).toString(), "old\n");
    assert.ok((await sandbox.fs.listFiles(".")).some((f) => f.name === "old.txt"));
    assert.equal((await sandbox.process.executeCommand("cat old.txt")).result, "old\n");
    assert.match(await sandbox.getWorkDir(), /^\//);
    const run = await sandbox.process.codeRun("print(6 * 7)");
    assert.deepEqual([run.exitCode, run.result.trim()], [0, "42"]);

    const id = unique("session");
    await sandbox.process.createSession(id);
    const { cmdId } = await sandbox.process.executeSessionCommand(id, { command: "echo first; sleep 0.3; echo second", runAsync: true });
    let out = "";
    await sandbox.process.getSessionCommandLogs(id, cmdId, (chunk) => (out += chunk), () => {});
    assert.equal(out, "first\nsecond\n");
    await sandbox.process.deleteSession(id);

    let said = "";
    const pty = await sandbox.process.createPty({ id: unique("pty"), cols: 80, rows: 24, onData: (data) => void (said += text(data)) });
    await pty.waitForConnection();
    await pty.sendInput("echo pty-$((6*7))\n");
    await until("the terminal", () => said.includes("pty-42"));
    await pty.kill();
    await pty.disconnect();

    const page = await daytona.list(labels, 1, 10);
    assert.deepEqual([page.total, page.items[0].id], [1, sandbox.id]);
    await sandbox.stop();
    await sandbox.start();
    assert.equal((await sandbox.fs.downloadFile("old.txt")).toString(), "old\n");
    await assert.rejects(daytona.get("no such sandbox"), /no such sandbox/);
  });
}

test("the API before sandboxes", async () => {
  const call = async (method, path, body) => {
    const res = await fetch(apiURL + path, { method, headers: { authorization: `Bearer ${key}`, "content-type": "application/json" }, body: body && JSON.stringify(body) });
    return [res.status, await res.json()];
  };
  const [status, made] = await call("POST", "/workspace", { snapshot, user: "daytona", env: { A: "b" }, autoStopInterval: 30 });
  assert.equal(status, 200, JSON.stringify(made));
  const state = await until("the workspace", async () => {
    const [, w] = await call("GET", `/workspace/${made.id}`);
    assert.ok(["creating", "started"].includes(w.state), `its state is ${w.state}`);
    return w.state === "started" && w.state;
  });
  assert.equal(state, "started");
  assert.equal((await call("DELETE", `/workspace/${made.id}?force=true`))[0], 200);
});
