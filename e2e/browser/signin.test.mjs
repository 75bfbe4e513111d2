// A closed server: who gets in, and who does not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, closed, key, run, signInLink, text, visit } from "./lib.mjs";

/** Signs in by the form, and waits until that is done. */
async function signIn(page) {
  await page.locator("#key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname !== "/signin");
}

test("a stranger is told how to get in", async (t) => {
  const page = await visit(t, closed, { expected: [/401/] });
  assert.equal(new URL(page.url()).pathname, "/signin");
  assert.match(await text(page, "main"), /signed in[\s\S]*API key/i);
  assert.equal((await api(closed, "/v1/run", { language: "python", code: "1" })).status, 401);
});

test("the printed link signs one browser in, once", async (t) => {
  const page = await visit(t, signInLink, { expected: [/401/] });
  assert.doesNotMatch(page.url(), /token/, "the secret leaves the address");
  const [cookie] = await page.context().cookies();
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, "Lax");
  await page.goto(closed);
  await page.locator(".cm-content").waitFor();
  assert.match(await run(page), /Finished/);
  await page.goto(closed + "/runs");
  assert.match(await text(page, "main"), /Python/);

  const late = await visit(t, signInLink, { expected: [/40[13]/] });
  assert.deepEqual(await late.context().cookies(), [], "the link is used up");

  await page.getByText("Account", { exact: true }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/\/signin/);
  await page.goto(closed + "/runs");
  assert.doesNotMatch(await text(page, "main"), /Finished/);
});

test("the API key signs in by the form, a wrong one does not", async (t) => {
  const page = await visit(t, closed + "/signin", { expected: [/40[0-9]|422/] });
  await page.locator("#key").fill("sp_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  assert.match(await text(page, '[role="alert"]'), /key/i);
  await signIn(page);
  await page.goto(closed);
  await page.locator(".cm-content").waitFor();
  assert.match(await run(page), /Finished/);
});

test("another site cannot use the visitor's session", async (t) => {
  const page = await visit(t, closed + "/signin");
  await signIn(page);
  const [cookie] = await page.context().cookies();
  const answer = await fetch(closed + "/v1/run", {
    method: "POST",
    headers: { "Content-Type": "application/json", Cookie: `${cookie.name}=${cookie.value}`, Origin: "https://elsewhere.example", "Sec-Fetch-Site": "cross-site" },
    body: JSON.stringify({ language: "python", code: "print(1)" }),
  });
  assert.ok([401, 403].includes(answer.status), String(answer.status));
});
