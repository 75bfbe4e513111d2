// Errors as the SDK's classes, and what is not to be had.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DaytonaAuthenticationError, DaytonaBadRequestError, DaytonaError, DaytonaForbiddenError, DaytonaNotFoundError } from "@daytona/sdk";
import { apiURL, client, create, fails, key, snapshot } from "./lib.mjs";

const daytona = client();

async function call(method, path, body, secret = key) {
  const res = await fetch(apiURL + path, {
    method,
    headers: { authorization: `Bearer ${secret}`, ...(body ? { "content-type": "application/json" } : {}) },
    body: body && JSON.stringify(body),
  });
  return { status: res.status, body: await res.json().catch(() => undefined), headers: res.headers };
}

test("a wrong key, an unknown sandbox, an unknown snapshot, a bad size", async () => {
  await fails(client({ apiKey: "dtn_wrong" }).get("x"), DaytonaAuthenticationError, 401, /key/);
  await fails(daytona.get("no such sandbox"), DaytonaNotFoundError, 404, /no such sandbox/);
  await fails(daytona.create({ snapshot: "no such snapshot" }), DaytonaNotFoundError, 404, /no such snapshot/);
  await fails(daytona.create({ snapshot, resources: { cpu: 100000 } }), DaytonaBadRequestError, 400, /100000/);
});

test("what this version does not have answers 501 and says why", async () => {
  for (const ask of [() => daytona.volume.list(), () => daytona.secret.list()]) {
    await fails(ask(), DaytonaError, 501, /this version/);
  }
});

test("a key does no more than it may", async (t) => {
  const sandbox = await create(t, daytona);
  const name = `reader-${Date.now()}`;
  const made = await call("POST", "/api-keys", { name, permissions: [] });
  assert.equal(made.status, 201);
  t.after(() => call("DELETE", `/api-keys/${name}`));
  const reader = client({ apiKey: made.body.value });
  assert.equal((await reader.get(sandbox.id)).id, sandbox.id);
  await fails(reader.create({ snapshot }), DaytonaForbiddenError, 403, /write:sandboxes/);
  await fails((await reader.get(sandbox.id)).delete(), DaytonaForbiddenError, 403, /delete:sandboxes/);
  await fails((await reader.get(sandbox.id)).process.executeCommand("true"), DaytonaForbiddenError, 403);
});

test("errors have the shape of the API and name the field", async () => {
  const { status, body } = await call("POST", "/sandbox", { cpu: "many" });
  assert.equal(status, 400);
  assert.deepEqual([body.statusCode, body.error, body.field], [400, "Bad Request", "cpu"]);
  assert.match(body.message, /cpu/);
  const none = await call("GET", "/nowhere");
  assert.deepEqual([none.status, none.body.statusCode], [404, 404]);
});

test("pages of other origins may use the API with a key", async () => {
  const res = await fetch(`${apiURL}/sandbox`, {
    method: "OPTIONS",
    headers: { origin: "https://elsewhere.example", "access-control-request-method": "PUT", "access-control-request-headers": "authorization,x-daytona-sdk-version,traceparent" },
  });
  assert.equal(res.status, 204);
  assert.equal(res.headers.get("access-control-allow-origin"), "*");
  assert.equal(res.headers.get("access-control-allow-credentials"), null);
  assert.match(res.headers.get("access-control-allow-methods"), /PUT.*DELETE/);
  assert.match(res.headers.get("access-control-allow-headers"), /x-daytona-sdk-version/);
});
