// What the tests with the official SDK share: clients, sandboxes that end with
// their test, and a git server.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Daytona } from "@daytona/sdk";

/** The server under test; the Go test that starts it sets these. */
export const apiURL = need("DAYTONA_API_URL");
export const key = need("DAYTONA_API_KEY");
/** What sandboxes start from: wasm, or a snapshot of the container engine. */
export const snapshot = need("SANDPIPER_SNAPSHOT");
export const wasm = snapshot === "wasm";

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are started by go test ./e2e`);
  return value;
}

/** A name that no earlier run has used. */
export const unique = (name) => `${name}-${process.pid}-${Date.now().toString(36)}`;

/** A client that is closed after the tests of the file. */
export function client(config = {}) {
  const daytona = new Daytona({ apiKey: key, apiUrl: apiURL, target: "us", ...config });
  after(() => daytona[Symbol.asyncDispose]());
  return daytona;
}

/** Deletes a sandbox; one that is gone is fine. */
export async function drop(sandbox) {
  try {
    await sandbox?.delete(60);
  } catch (e) {
    if (e.statusCode !== 404) throw e;
  }
}

/** Makes a sandbox that ends with the test. */
export async function create(t, daytona, params = {}) {
  const sandbox = await daytona.create({ snapshot, ...params });
  t.after(() => drop(sandbox));
  return sandbox;
}

/**
 * One sandbox for all tests of a file: its methods are there once a test runs.
 * prepare is called with it before the first one.
 */
export function shared(params = {}, prepare = async () => {}) {
  const box = {};
  const daytona = client();
  before(async () => {
    box.it = await daytona.create({ snapshot, ...params });
    box.work = await box.it.getWorkDir();
    await prepare(box.it);
  });
  after(() => drop(box.it));
  return box;
}

/** How long anything that is waited for may take on the busiest machine. */
const patience = 120_000;

/**
 * Waits until probe returns something, and returns it. When that takes too long,
 * show tells what there is instead.
 */
export async function until(what, probe, show) {
  for (const end = Date.now() + patience; ; ) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) assert.fail(`waited in vain for ${what}${show ? `; found ${JSON.stringify(await show())}` : ""}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Asserts that a promise fails with an error of a class and a status, and returns it. */
export async function fails(promise, type, status, message = /./) {
  try {
    await promise;
  } catch (e) {
    assert.ok(e instanceof type, `${e?.constructor?.name} (${e?.statusCode}: ${e?.message}) is no ${type.name}`);
    assert.equal(e.statusCode, status, e.message);
    assert.match(e.message, message);
    return e;
  }
  assert.fail(`nothing failed where ${type.name} was expected`);
}

export const text = (bytes) => Buffer.from(bytes).toString("utf8");
