// What the browser tests share: a browser, pages that report every problem they
// have, pages of others to embed into, and the playground's controls.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer as createTunnel } from "node:net";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

/** The servers under test; the Go test that starts them sets these. */
export const open = need("SANDPIPER_OPEN_URL"); // anyone may run
export const closed = need("SANDPIPER_CLOSED_URL"); // only with a key or a sign-in
export const signInLink = need("SANDPIPER_SIGNIN_URL"); // of the closed one, good once
export const key = need("SANDPIPER_KEY"); // of both

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are started by go test ./e2e`);
  return value;
}

/** How long a page may take for something that needs a run, on the busiest machine. */
export const patience = 120_000;

let browser;
let visitors = 0;

before(async () => {
  browser = await chromium.launch({
    executablePath: need("CHROMIUM"),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});

after(() => browser?.close());

/**
 * Opens a page in a fresh context, with options.cookies, that ends with the test.
 * Any script error, console error or policy violation fails the test, except those
 * that match one of options.expected. On our own pages each context runs from an
 * address of its own, so that the limit of runs per address does not depend on how
 * fast tests are.
 */
export async function visit(t, url, options = {}) {
  const { expected = [], cookies = [], ...context } = options;
  const address = `10.${process.pid & 255}.${++visitors >> 8}.${visitors & 255}`;
  const ctx = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: "light",
    ...context,
  });
  if (url.startsWith(open) || url.startsWith(closed)) {
    await ctx.route(/\/v1\/runs?(\/|$)/, (route) => route.continue({ headers: { ...route.request().headers(), "x-forwarded-for": address } }));
  }
  await ctx.addCookies(cookies);
  ctx.setDefaultTimeout(patience);
  const problems = [];
  const note = (text) => expected.some((e) => e.test(text)) || problems.push(text);
  await ctx.addInitScript(() => {
    addEventListener("securitypolicyviolation", (e) => console.error(`policy violation: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
  });
  ctx.on("page", (page) => {
    page.on("pageerror", (e) => note(`script error: ${e.stack ?? e}`));
    page.on("console", (m) => m.type() === "error" && note(`console: ${m.text()} (${m.location().url})`));
    page.on("crash", () => note("the page crashed"));
  });
  t.after(async () => {
    await ctx.close();
    assert.deepEqual(problems, [], "problems in the page");
  });
  const page = await ctx.newPage();
  await page.goto(url);
  return page;
}

/** Serves pages of somebody else, on an origin of their own, until the test ends. */
export async function foreign(t, pages) {
  const server = createServer((req, res) => {
    const page = pages[req.url];
    res.writeHead(page === undefined ? 404 : 200, { "Content-Type": req.url.endsWith(".js") ? "text/javascript" : req.url.endsWith(".css") ? "text/css" : "text/html; charset=utf-8" });
    res.end(page);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  return `http://localhost:${server.address().port}`; // a site of its own: the servers are at 127.0.0.1
}

/** A line to the closed server that can be cut. */
export async function line(t) {
  const open = new Set();
  let cut = false;
  const server = createTunnel((client) => {
    if (cut) return client.destroy();
    const { hostname, port } = new URL(closed);
    const up = connect(Number(port), hostname);
    const end = () => (client.destroy(), up.destroy(), open.delete(end));
    end.hush = () => [client, up].forEach((s) => s.unpipe().resume()); // what comes is taken, and goes nowhere
    open.add(end);
    for (const s of [client, up]) s.on("close", end).on("error", end);
    client.pipe(up);
    up.pipe(client);
  });
  await new Promise((r) => server.listen(0, "127.0.0.1", r));
  t.after(() => (server.close(), [...open].forEach((end) => end())));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    cut: () => [...open].forEach((end) => end()),
    off: (on) => (cut = on),
    hush: () => [...open].forEach((end) => end.hush()),
  };
}

/** A fetch from outside any browser. */
export async function api(base, path, body, headers = {}) {
  return fetch(base + path, {
    method: body === undefined ? "GET" : "POST",
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

/** A file of an npm package. */
export function packageFile(name) {
  const require = createRequire(import.meta.url);
  return readFileSync(require.resolve(name), "utf8");
}

/** Opens the playground and waits until its editor can be typed in. */
export async function playground(t, { path = "/", base = open, ...options } = {}) {
  const page = await visit(t, base + path, options);
  await page.locator(".cm-content").waitFor();
  return page;
}

/** Replaces the text of the open file. */
export async function type(page, code) {
  const editor = page.locator(".cm-content");
  await editor.click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("Backspace");
  await page.keyboard.insertText(code);
}

/** The text of the open file. */
export async function typed(page) {
  return (await page.locator(".cm-content .cm-line").allTextContents()).join("\n");
}

/** Chooses a language and puts code into its editor. */
export async function program(page, language, code) {
  if ((await page.locator("#language").inputValue()) !== language) await page.locator("#language").selectOption(language);
  await type(page, code);
}

/** Presses Run and waits for the end. Returns the status line. */
export async function run(page) {
  await page.locator("#run").click();
  return ended(page);
}

/** Waits for the end of a run and returns the status line. */
export async function ended(page) {
  await page.locator("#run, #thumb-run").filter({ visible: true }).first().waitFor();
  await page.waitForFunction(() => !document.querySelector("#status .state.busy, #status .state.paused"), undefined, { timeout: patience });
  return text(page, "#status");
}

/** What the program wrote, as the page shows it. */
export async function said(page, stream = "out") {
  return (await page.locator(`#screen pre.${stream}`).allTextContents()).join("");
}

/** Waits until the page shows that the program wrote something. */
export async function says(page, wanted) {
  await page.locator("#screen pre", { hasText: wanted }).first().waitFor();
}

export async function text(page, selector) {
  return (await page.locator(selector).innerText()).replace(/\s+/g, " ").trim();
}
