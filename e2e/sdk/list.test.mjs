// Lists of sandboxes, snapshots and warm pools.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DaytonaNotFoundError } from "@daytona/sdk";
import { client, create, drop, fails, snapshot, unique, until } from "./lib.mjs";

const daytona = client();

test("sandboxes by label, state and name, page by page", async (t) => {
  const run = unique("run");
  for (const name of ["a", "b", "c"]) await create(t, daytona, { name: `${run}-${name}`, labels: { run, name } });
  const names = async (query) => {
    const all = [];
    for await (const s of daytona.list(query)) all.push(s.name.slice(run.length + 1));
    return all;
  };
  assert.deepEqual(await names({ labels: { run }, limit: 2, sort: "name", order: "asc" }), ["a", "b", "c"]);
  assert.deepEqual(await names({ labels: { run }, limit: 1, sort: "name", order: "desc" }), ["c", "b", "a"]);
  assert.deepEqual(await names({ labels: { run, name: "b" } }), ["b"]);
  assert.deepEqual(await names({ name: `${run.toUpperCase()}-A` }), ["a"]);
  assert.deepEqual(await names({ labels: { run }, states: ["stopped", "archived"] }), []);
  assert.deepEqual((await names({ labels: { run }, states: ["started"], snapshots: [snapshot] })).length, 3);
  assert.deepEqual(await names({ labels: { run }, createdAtBefore: new Date(0) }), []);
});

test("snapshots by name, and one made of a sandbox", async (t) => {
  const first = await daytona.snapshot.get(snapshot);
  assert.equal(first.name, snapshot);
  assert.equal(first.state, "active");
  const page = await daytona.snapshot.list(1, 100);
  assert.ok(page.items.some((s) => s.name === snapshot) && page.total >= 1 && page.page === 1);
  await fails(daytona.snapshot.get("no such snapshot"), DaytonaNotFoundError, 404);
  const source = await create(t, daytona);
  await source.fs.uploadFile(Buffer.from("in the snapshot"), "inside.txt");
  const name = unique("made");
  await source.createSnapshot(name, 120);
  const made = await until("the snapshot", async () => {
    const s = await daytona.snapshot.get(name);
    return s.state === "active" && s;
  });
  const copy = await daytona.create({ snapshot: name });
  try {
    assert.equal((await copy.fs.downloadFile("inside.txt")).toString(), "in the snapshot");
  } finally {
    await copy.delete(60, true);
  }
  await daytona.snapshot.delete(made);
});

test("a warm pool fills, serves and drains", async () => {
  for (const old of await daytona.warmPool.list()) if (old.snapshot === snapshot) await daytona.warmPool.delete(old.id);
  const pool = await daytona.warmPool.create({ snapshot, pool: 1 });
  try {
    await until("a warm sandbox", async () => (await daytona.warmPool.list()).find((p) => p.id === pool.id)?.currentSize === 1, () => daytona.warmPool.list());
    const sandbox = await daytona.create({ snapshot, name: unique("warm") });
    try {
      assert.equal(sandbox.state, "started");
      assert.equal(sandbox.warmPoolId, undefined);
      assert.equal((await sandbox.process.executeCommand("echo warm")).result.trim(), "warm");
    } finally {
      await drop(sandbox);
    }
    assert.equal((await daytona.warmPool.update(pool.id, { pool: 0 })).pool, 0);
  } finally {
    await daytona.warmPool.delete(pool.id);
  }
});
