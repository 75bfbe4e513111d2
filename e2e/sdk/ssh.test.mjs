// Access by SSH as the SDK gives it out and takes it back.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { shared } from "./lib.mjs";

const run = promisify(execFile);
const box = shared();

/** Runs a command by the command line that the server gave. */
function ssh(access, command) {
  const [program, ...args] = access.sshCommand.split(" ");
  const options = ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"];
  return run(program, [...options, ...args, command], { timeout: 60_000 });
}

test("a token opens its sandbox until it is revoked", async () => {
  const sandbox = box.it;
  const access = await sandbox.createSshAccess(10);
  assert.equal(access.sandboxId, sandbox.id);
  assert.match(access.token, /^ssh_[a-z0-9]{26,}$/);
  const left = (new Date(access.expiresAt) - new Date(access.createdAt)) / 60_000;
  assert.equal(left, 10);
  assert.equal((await ssh(access, "echo hello")).stdout, "hello\n");

  const valid = await sandbox.validateSshAccess(access.token);
  assert.deepEqual([valid.valid, valid.sandboxId], [true, sandbox.id]);
  await sandbox.revokeSshAccess(access.token);
  assert.equal((await sandbox.validateSshAccess(access.token)).valid, false);
  await assert.rejects(ssh(access, "true"));
});

test("a token lasts an hour when nobody says how long", async () => {
  const access = await box.it.createSshAccess();
  assert.equal(new Date(access.expiresAt) - new Date(access.createdAt), 3_600_000);
  assert.equal((await box.it.validateSshAccess("ssh_forged")).valid, false);
});
