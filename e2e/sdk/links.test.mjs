// Linked sandboxes, with the official SDK: they go together, and in containers
// they reach each other.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { DaytonaNotFoundError } from "@daytona/sdk";
import { client, create, drop, fails, snapshot, unique, until, wasm } from "./lib.mjs";

const daytona = client();

/** Asks a sandbox for a page: what it answers, "" when nothing does. */
async function get(sandbox, host) {
  return (await sandbox.process.executeCommand(`curl -s -m 5 http://${host}:3000/who`)).result;
}

/** Starts a server in a sandbox that says who it is. */
async function serve(sandbox, who) {
  await sandbox.process.executeCommand(`mkdir -p /tmp/www && echo ${who} >/tmp/www/who && cd /tmp/www && (python3 -m http.server 3000 >/dev/null 2>&1 &)`);
  await until(`the server of ${who}`, async () => (await get(sandbox, "localhost")) === `${who}\n`);
}

test("linked sandboxes go together", async () => {
  const parent = await daytona.create({ snapshot });
  const child = await daytona.create({ snapshot, linkedSandbox: parent.id, ephemeral: true });
  assert.equal(child.linkedSandboxId, parent.id);
  await drop(parent);
  await until("the child to go", () => fails(daytona.get(child.id), DaytonaNotFoundError, 404).then(() => true, () => false));
});

if (!wasm) test("linked containers reach each other by name and ID, strangers do not", async (t) => {
  const parent = await create(t, daytona, { name: unique("parent") });
  const link = (name, more) => create(t, daytona, { name: unique(name), linkedSandbox: parent.id, ephemeral: true, ...more });
  const [one, two, stranger] = await Promise.all([link("one"), link("two", { networkBlockAll: true }), create(t, daytona)]);
  await Promise.all([serve(parent, "parent"), serve(one, "one"), serve(two, "two"), serve(stranger, "stranger")]);
  const address = (await parent.process.executeCommand("hostname -i")).result.trim().split(" ")[0];

  for (const [from, to, who] of [[one, parent, "parent"], [parent, one, "one"], [parent, two, "two"], [two, parent, "parent"], [two, one, "one"]]) {
    assert.equal(await get(from, to.name), `${who}\n`, `${from.name} asks ${to.name}`);
    assert.equal(await get(from, to.id), `${who}\n`, `${from.name} asks ${to.name} by its ID`);
  }
  assert.deepEqual(await Promise.all([parent.name, one.id, address].map((host) => get(stranger, host))), ["", "", ""]);

  const access = await parent.createSshAccess(10);
  const [program, ...args] = access.sshCommand.split(" ");
  const options = ["-W", `${two.name}:3000`, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"];
  const ssh = spawn(program, [...options, ...args]);
  t.after(() => ssh.kill());
  ssh.stdin.write("GET /who HTTP/1.0\r\n\r\n");
  assert.match(await text(ssh.stdout), /\r\n\r\ntwo\n$/, "what is forwarded to a linked sandbox");

  await drop(one);
  assert.equal(await get(parent, one.name), "");
  await parent.stop();
  await parent.start();
  await serve(parent, "again");
  assert.equal(await get(two, parent.name), "again\n");
  assert.equal(await get(parent, two.id), "two\n");
});
