// A sandbox whose pages are visited, for the tests of this folder.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { closed as base, key, line, packageFile, patience, signInLink, visit } from "../lib.mjs";

export { line, patience };
export const snapshot = process.env.SANDPIPER_SNAPSHOT;
export const box = { id: "" };

const axe = packageFile("axe-core/axe.min.js");
let state; // of a browser that signed in

export async function call(method, path, body, headers = {}) {
  const raw = typeof body === "string" || body instanceof Uint8Array;
  const answer = await fetch(base + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, ...(body && !raw ? { "Content-Type": "application/json" } : {}), ...headers },
    body: body && !raw ? JSON.stringify(body) : body,
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return /^[[{]/.test(text) ? JSON.parse(text) : text;
}

export const toolbox = (method, path, body) => call(method, `/toolbox/${box.id}${path}`, body);

/** Waits until a question has an answer that holds. */
export async function until(what, ask, time = patience) {
  const end = Date.now() + time;
  for (let last; ; await new Promise((r) => setTimeout(r, 50))) {
    try {
      if ((last = await ask())) return last;
    } catch (e) {
      last = e;
    }
    if (Date.now() > end) assert.fail(`${what}: ${last}`);
  }
}

before(async () => {
  box.id = (await call("POST", "/api/sandbox", { snapshot, autoStopInterval: 0 })).id;
  await started();
});

after(async () => {
  if (box.id) await call("DELETE", `/api/sandbox/${box.id}`);
});

export async function started() {
  await until("the sandbox is started", async () => (await call("GET", `/api/sandbox/${box.id}`)).state === "started");
}

/** Opens a tab of the sandbox in a browser that signed in. */
export async function openTab(t, tab, { origin = base, ...options } = {}) {
  const url = `${origin}/sandboxes/${box.id}/${tab}`;
  if (!state) {
    const page = await visit(t, signInLink, options);
    state = await page.context().storageState();
    await page.goto(url);
    return page;
  }
  return visit(t, url, { storageState: state, ...options });
}

/** Fails when axe finds something serious, or the page is wider than its window. */
export async function wellMade(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] }));
  const serious = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`), [], what);
  const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
  assert.ok(scroll <= inner, `${what}: the page is ${scroll} pixels wide in a window of ${inner}`);
}

/** Saves what a page looks like where a person asked for it. */
export async function picture(page, name) {
  const dir = process.env.SANDPIPER_PICTURES;
  if (dir) await page.screenshot({ path: `${dir}/${snapshot}-${name}.png` });
}
