// Links: the private one, the short one, and what becomes of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, ended, open, playground, run, said, text, type, typed, visit } from "./lib.mjs";

const clipboard = { permissions: ["clipboard-read", "clipboard-write"] };

/** Shares the program of a page by a short link and returns its URL. */
async function share(page) {
  await page.locator("#share").click();
  await page.locator("#share-form button").click();
  await page.locator("#share-url").waitFor();
  return page.locator("#share-url").inputValue();
}

test("Ctrl-S copies a link that holds the program itself", async (t) => {
  const page = await playground(t, clipboard);
  await type(page, "print('kept in the address: ü ✓')");
  await page.keyboard.press("ControlOrMeta+s");
  await page.waitForFunction(() => location.hash.startsWith("#code="));
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(link, page.url());
  const other = await playground(t, { path: new URL(link).pathname + new URL(link).hash });
  assert.equal(await typed(other), "print('kept in the address: ü ✓')");
});

test("a short link opens for others, with what it printed", async (t) => {
  const page = await playground(t);
  await type(page, "print('shared with you')");
  await run(page);
  const link = await share(page);
  assert.match(new URL(link).pathname, /^\/s\/[A-Za-z0-9_-]{10}[A-Za-z0-9]$/);
  assert.equal(new URL(page.url()).pathname, new URL(link).pathname);
  assert.match(await page.locator("#share-dialog svg.qr").getAttribute("aria-label"), /QR/);

  const other = await playground(t, { path: new URL(link).pathname });
  assert.equal(await typed(other), "print('shared with you')");
  assert.match(await text(other, "#screen"), /shared with you/);
  assert.equal(await other.locator('meta[name="robots"]').getAttribute("content"), "noindex");
  assert.match(await run(other), /Finished/);
  assert.equal(await said(other), "shared with you\n");
  assert.equal(await other.locator("#delete-share").isVisible(), false, "others cannot delete it");
  assert.equal(await (await api(open, new URL(link).pathname + "/raw")).text(), "print('shared with you')");
});

test("the same program gets the same link", async (t) => {
  const links = [];
  for (let i = 0; i < 2; i++) {
    const page = await playground(t);
    await type(page, "print('the very same')");
    links.push(await share(page));
  }
  assert.equal(links[0], links[1]);
});

test("a changed program says so and leaves the address", async (t) => {
  const page = await playground(t);
  await type(page, "print('before the change')");
  const link = await share(page);
  const other = await playground(t, { path: new URL(link).pathname });
  await type(other, "print('after')");
  await other.locator("#notices", { hasText: "Changed since it was shared" }).waitFor();
  assert.equal(new URL(other.url()).pathname, "/");
});

test("its author deletes a link", async (t) => {
  const page = await playground(t);
  await type(page, "print('soon gone')");
  const link = await share(page);
  page.on("dialog", (d) => d.accept());
  await page.locator("#share-result [data-delete]").click();
  await page.getByText("The link is deleted.").waitFor();
  const gone = await visit(t, link, { expected: [/404/] });
  assert.match(await gone.locator("main").innerText(), /not|nothing|gone|expired/i);
  assert.equal((await api(open, new URL(link).pathname + "/raw")).status, 404);
});

test("what is written comes back after a reload", async (t) => {
  const page = await playground(t);
  await type(page, "print('a draft')");
  await page.waitForFunction(() => Object.keys(localStorage).some((k) => localStorage[k].includes("a draft")));
  await page.reload();
  await page.locator(".cm-content").waitFor();
  assert.equal(await typed(page), "print('a draft')");
});

test("the page works where storage is refused", async (t) => {
  const page = await visit(t, "about:blank");
  await page.context().addInitScript(() => {
    Object.defineProperty(window, "localStorage", { get: () => { throw new DOMException("refused", "SecurityError"); } });
  });
  await page.goto(open);
  await page.locator(".cm-content").waitFor();
  assert.match(await run(page), /Finished/);
});

test("a run can be copied as curl", async (t) => {
  const page = await playground(t, clipboard);
  await type(page, "print('it\\'s copied')");
  for (const [kind, start] of [["curl", /^curl/], ["python", /import|urllib|requests/], ["javascript", /fetch\(/]]) {
    await page.locator("#more summary").click();
    await page.locator(`[data-copy="${kind}"]`).click();
    await page.waitForFunction(async (s) => new RegExp(s).test(await navigator.clipboard.readText()), start.source);
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(copied.includes(open) && copied.includes("copied"), copied);
    if (await page.locator("#more").evaluate((e) => e.open)) await page.locator("#more summary").click();
  }
});

test("an example opens from the gallery", async (t) => {
  const page = await playground(t);
  await page.getByRole("link", { name: "Examples" }).click();
  const link = page.locator("#examples-dialog a", { hasText: /./ }).nth(1);
  await link.waitFor();
  const name = (await link.innerText()).trim();
  await link.click();
  await page.locator(".cm-content").waitFor();
  assert.match(page.url(), /example=/);
  assert.ok((await page.title()).length > 0 && name.length > 0);
  await page.locator("#run").click();
  await ended(page);
});
