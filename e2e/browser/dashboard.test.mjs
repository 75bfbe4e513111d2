// The places where sandboxes are looked after: what happens to a sandbox appears
// by itself, whoever did it, and everything works without a mouse and on a phone.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { closed, key, packageFile, visit } from "./lib.mjs";

const axe = packageFile("axe-core/axe.min.js");

/** A call of the control API, as an SDK makes it. */
async function call(method, path, body) {
  const answer = await fetch(`${closed}/api${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${answer.ok ? "" : await answer.text()}`);
  return answer.headers.get("content-type")?.includes("json") ? answer.json() : undefined;
}

/** Makes a sandbox that is gone when the test ends. */
async function sandbox(t, name, more = {}) {
  const s = await call("POST", "/sandbox", { name: `${name}-${process.pid}-${Date.now() % 100_000}`, snapshot: "wasm", ...more });
  t.after(() => fetch(`${closed}/api/sandbox/${s.id}`, { method: "DELETE", headers: { Authorization: `Bearer ${key}` } }));
  return s;
}

/** Goes to a page as somebody who is led to the sign-in first. */
async function signedIn(t, path, options) {
  const page = await visit(t, closed + path, options);
  await page.locator("#key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(closed + path);
  return page;
}

/** Fails when axe finds something, or when the page is wider than its window. */
async function sound(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`));
  assert.deepEqual(found, [], `axe on ${what}`);
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= window, `${what} is ${wide} px wide in a window of ${window}`);
}

test("a form that does not come is a dialog that can be closed", async (t) => {
  const s = await sandbox(t, "away");
  const page = await signedIn(t, `/sandboxes/${s.id}/settings`, { expected: [/Failed to (load resource|fetch)/, /409/] });
  const change = page.getByRole("link", { name: `Change of ${s.name}` }).first();
  await page.route("**/labels", (route) => route.abort());
  await change.click();
  const dialog = page.getByRole("dialog", { name: "That did not work" });
  await dialog.getByText("The server does not answer").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.unroute("**/labels");
  await change.evaluate((a, url) => a.setAttribute("href", url), `/sandboxes/${s.id}/archive`); // which a started one cannot
  await change.click();
  await dialog.getByText("not possible now").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
});

test("a page says when its browser was signed out", async (t) => {
  const page = await signedIn(t, "/sandboxes", { expected: [/401/] });
  const s = await sandbox(t, "seen"); // so that the page is connected
  await page.locator(`#row-${s.id}`).waitFor();
  await page.request.post(`${closed}/signout`);
  await page.getByText("You are signed out").waitFor();
  await page.locator("#lost").getByRole("link", { name: "Sign in" }).click();
  await page.waitForURL(/\/signin\?next=%2Fsandboxes/);
});

test("a page whose first connection fails says so, and connects later", async (t) => {
  const page = await signedIn(t, "/sandboxes", { expected: [/Failed to load resource/, /Failed to fetch/] });
  let failures = ["abort", "refuse"];
  await page.route("**/sandboxes/events", (route) => {
    const how = failures.shift();
    if (how === "abort") return route.abort();
    return how ? route.fulfill({ status: 503, body: "busy" }) : route.continue();
  });
  await page.reload();
  await page.getByText("The connection to the server is lost").waitFor();
  const s = await sandbox(t, "late");
  await page.locator(`#row-${s.id}`).waitFor();
  await page.locator("#lost").waitFor({ state: "hidden" });
  assert.deepEqual(failures, []);
});

test("the list follows what others do by the API", async (t) => {
  const page = await signedIn(t, "/sandboxes");
  const s = await sandbox(t, "live", { labels: { team: "blue" } });
  const row = page.locator(`#row-${s.id}`);
  await row.getByText("Started").waitFor();
  await call("POST", `/sandbox/${s.id}/stop`);
  await row.getByText("Stopped").waitFor();
  await call("PUT", `/sandbox/${s.id}/labels`, { labels: { team: "green" } });
  await row.getByText("team=green").waitFor();
  await row.getByRole("button", { name: `Start ${s.name}` }).click();
  await row.getByText("Started").waitFor();
  await call("DELETE", `/sandbox/${s.id}`);
  await row.waitFor({ state: "detached" });
});

test("a list that lost its connection has no stale row afterwards", async (t) => {
  const page = await signedIn(t, "/sandboxes", { expected: [/Failed to load resource|ERR_|sse:error/] });
  const s = await sandbox(t, "stale");
  const row = page.locator(`#row-${s.id}`);
  await row.getByText("Started").waitFor();
  await page.context().setOffline(true);
  await page.route("**/sandboxes/events*", (route) => route.abort());
  await page.evaluate(() => document.getElementById("live")._htmx.sse.reader.cancel());
  await page.locator("#lost").waitFor();
  await call("POST", `/sandbox/${s.id}/stop`);
  await page.unroute("**/sandboxes/events*");
  await page.context().setOffline(false);
  await row.getByText("Stopped").waitFor();
  await page.locator("#lost").waitFor({ state: "hidden" });
});

test("a sandbox is made by the form, changed, and deleted with a way back", async (t) => {
  const page = await signedIn(t, "/sandboxes/new", { expected: [/422/] });
  const name = `form-${process.pid}-${Date.now() % 100_000}`;
  await page.getByLabel("Start from").selectOption("wasm");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.locator("#code-curl").filter({ hasText: name }).waitFor();
  await page.locator("#codes summary").nth(1).click();
  const opened = await page.locator("#codes details[open]").count();
  await page.getByText("Environment and labels").click();
  await page.getByLabel("Labels").fill("half");
  await page.locator("#new-codes").getByText("Write one name=value").waitFor();
  await page.getByLabel("Labels").fill("half=whole");
  await page.locator("#codes pre").filter({ hasText: "whole" }).first().waitFor();
  assert.equal(await page.locator("#codes details[open]").count(), opened, "what was open is open again");
  await page.getByLabel("Labels").fill("oops");
  await page.getByRole("button", { name: "Make the sandbox" }).click();
  await page.locator("#new").getByText("write one name=value", { exact: false }).waitFor();
  await page.getByLabel("Labels").fill("made=by form");
  await page.getByRole("button", { name: "Make the sandbox" }).click();
  await page.waitForURL(/activity$/);
  await page.locator("#box-head").getByText("Started").waitFor();
  await page.getByRole("heading", { name: "Idle clock" }).waitFor();

  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByText("made=by form").waitFor();
  await page.getByRole("link", { name: `Change of ${name}` }).first().press("Enter");
  await page.getByLabel("One name=value on each line").fill("changed=yes");
  await page.getByRole("button", { name: "Save labels" }).click();
  await page.locator("#settings").getByText("changed=yes").waitFor();

  const remove = async () => {
    await page.getByRole("link", { name: `Delete of ${name}` }).click();
    await page.getByLabel("To be sure").fill(name);
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("Will be deleted with all its files").waitFor();
  };
  await remove();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Will be deleted with all its files").waitFor({ state: "detached" });
  await remove();
  await page.waitForURL(/\/sandboxes\?gone=/);
  await page.getByText(`Sandbox ${name} is deleted`).waitFor();
});

test("a key is shown once and can be revoked", async (t) => {
  const page = await signedIn(t, "/keys");
  const name = `key-${process.pid}-${Date.now() % 100_000}`;
  await page.getByRole("link", { name: "New key" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Make the key" }).click();
  const secret = await page.locator("#key-secret").textContent();
  const with_ = () => fetch(`${closed}/api/sandbox`, { headers: { Authorization: `Bearer ${secret}` } }).then((r) => r.status);
  assert.equal(await with_(), 200);
  await page.reload();
  assert.ok(!(await page.content()).includes(secret), "the key is shown again");
  await page.getByRole("link", { name: `Revoke ${name}` }).click();
  await page.getByRole("button", { name: "Revoke it" }).click();
  await page.locator(".keys").getByText(name, { exact: true }).waitFor({ state: "detached" });
  assert.equal(await with_(), 401);
});

for (const [width, colorScheme] of [[1280, "light"], [360, "dark"]]) {
  test(`every place is sound at ${width} px, ${colorScheme}`, async (t) => {
    const page = await signedIn(t, "/sandboxes", { viewport: { width, height: 800 }, colorScheme });
    const s = await sandbox(t, "look", { labels: { a: "b" } });
    await page.locator(`#row-${s.id}`).waitFor();
    await sound(page, "the list");
    for (const path of ["/sandboxes/new", "/snapshots", "/keys", "/settings", ...["activity", "metrics", "settings", "delete"].map((tab) => `/sandboxes/${s.id}/${tab}`)]) {
      await page.goto(closed + path);
      await sound(page, path);
    }
    await page.goto(`${closed}/sandboxes/${s.id}/activity`);
    await page.locator(".box-head .menu > summary").click();
    const menu = await page.locator(".box-head .menu > .items").boundingBox();
    assert.ok(menu.x >= 0 && menu.x + menu.width <= width, `the menu is from ${menu.x} to ${menu.x + menu.width}`);
  });
}

test("forms work without scripts", async (t) => {
  const page = await signedIn(t, "/sandboxes/new", { javaScriptEnabled: false });
  const name = `plain-${process.pid}-${Date.now() % 100_000}`;
  await page.getByLabel("Start from").selectOption("wasm");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Make the sandbox" }).click();
  await page.waitForURL(/activity$/);
  await page.getByRole("button", { name: `Stop ${name}` }).click();
  await page.locator("#box-head").getByText("Stopped").waitFor();
  const { id } = await call("GET", `/sandbox/${name}`);
  await call("DELETE", `/sandbox/${id}`);
});

test("a link to a port can be ended by who made it", async (t) => {
  const s = await sandbox(t, "linked");
  const toolbox = (path, body) => fetch(`${closed}/toolbox/${s.id}${path}`, { method: "POST", headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" }, body: JSON.stringify(body) });
  await toolbox("/process/session", { sessionId: "web" });
  await toolbox("/process/session/web/exec", { command: "serve / --port 8125", runAsync: true });
  const page = await signedIn(t, `/sandboxes/${s.id}/ports`, { expected: [/status of (401|50\d)/] });
  await page.getByRole("button", { name: "Share port 8125" }).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  await page.getByText("A link to port 8125 for 60 minutes").waitFor();
  const link = await page.locator("#port-link-url").inputValue();
  const visitor = await page.context().newPage();
  let asked = 0;
  const lets = async () => (await visitor.goto(`${link}?${asked++}`)).status(); // an address of its own: nothing comes from a cache
  while ((await lets()) !== 200) assert.ok(asked < 100, "the link lets nobody in");
  await sound(page, "the tab Ports with a link");
  await page.getByRole("button", { name: "End this link" }).click();
  await page.getByText("That link to port 8125 no longer works.").waitFor();
  assert.equal(await lets(), 401);
  assert.ok(await page.locator("#port-link").isHidden());
  await page.close(); // it asks for the ports all the time, and the sandbox goes now
});

test("keys and runs appear by themselves", async (t) => {
  const name = `key-${process.pid}-${Date.now() % 100_000}`;
  const page = await signedIn(t, "/keys");
  const row = page.locator("#keys li").filter({ hasText: name });
  await call("POST", "/api-keys", { name, permissions: [] });
  await row.waitFor();
  await call("DELETE", `/api-keys/${name}`);
  await row.waitFor({ state: "detached" });
  const runs = await page.context().newPage();
  await runs.goto(`${closed}/runs`);
  await page.evaluate(() => fetch("/v1/run", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ language: "javascript", code: "1" }) }));
  await runs.locator("#rows li").filter({ hasText: "JavaScript" }).first().waitFor();
  await page.evaluate(() => {
    const tired = new AbortController();
    setTimeout(() => tired.abort(), 1000);
    return fetch("/v1/run", { method: "POST", signal: tired.signal, headers: { "Content-Type": "application/json" }, body: JSON.stringify({ language: "javascript", code: "for (;;);" }) }).catch(() => {});
  });
  await runs.locator("#rows li").filter({ hasText: "the connection that asked for it was closed" }).waitFor();
  await runs.setViewportSize({ width: 360, height: 740 });
  await sound(runs, "the list of runs");
  await runs.getByLabel("Ended").selectOption("Failed");
  await runs.getByText("No run is like that").waitFor();
});

test("a log of megabytes is saved as a whole, of which the page shows the end", async (t) => {
  const s = await sandbox(t, "chatty");
  const toolbox = (path, body) => fetch(`${closed}/toolbox/${s.id}${path}`, { method: "POST", headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" }, body: JSON.stringify(body) });
  await toolbox("/process/session", { sessionId: "log" });
  await toolbox("/process/session/log/exec", { command: "seq 1 300000; echo ünd >&2", runAsync: true });
  const page = await signedIn(t, `/sandboxes/${s.id}/processes`, { viewport: { width: 360, height: 740 } });
  await page.locator(".box-tabs [aria-current]").evaluate((tab) => {
    const [own, all] = [tab.getBoundingClientRect(), tab.parentElement.getBoundingClientRect()];
    if (own.left < all.left || own.right > all.right) throw new Error("the current tab is out of sight");
  });
  await page.getByRole("button", { name: /^Log/ }).first().click();
  await page.getByText("The command has ended.").waitFor();
  assert.ok((await page.locator("#log-text").textContent()).length < 1.1 * 2 ** 20);
  const [file] = await Promise.all([page.waitForEvent("download"), page.locator("#log-save").click()]);
  const text = readFileSync(await file.path(), "utf8");
  const lines = Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join("");
  assert.equal(text.length, lines.length + 4);
  assert.ok(text === `${lines}ünd\n`);
  await page.route("**/logs", (route) => route.fulfill({ headers: { "X-Log-Dropped": "2048" }, body: "\x01\x01\x01rest\n" }));
  await page.locator("#log-save").click();
  await page.getByText("The file lacks the first 2.0 kB").waitFor();
  await page.close(); // it asks for the processes all the time, and the sandbox goes now
});
