// How pages present themselves: policy, accessibility, keyboard, small screens.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, open, packageFile, playground, run, text, type, visit } from "./lib.mjs";

const axe = packageFile("axe-core/axe.min.js");
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Fails when axe finds something serious. */
async function accessible(page, what) {
  await page.evaluate(axe); // a script element would break the page's policy
  const { violations } = await page.evaluate((runOnly) => axe.run(document, { runOnly, resultTypes: ["violations"] }), tags);
  const serious = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`), [], what);
}

for (const theme of ["light", "dark"]) {
  for (const path of ["/", "/examples", "/signin", "/runs", "/docs", "/nothing-here"]) {
    test(`${path} is accessible in the ${theme} theme`, async (t) => {
      const page = await visit(t, open + path, { colorScheme: theme, expected: [/40[14]/] });
      if (path === "/") await page.locator(".cm-content").waitFor();
      await accessible(page, path);
    });
  }

  test(`a finished run is accessible in the ${theme} theme`, async (t) => {
    const page = await playground(t, { colorScheme: theme });
    await type(page, "import sys, sandpiper as sp\nprint('out')\nprint('err', file=sys.stderr)\nsp.table([{'a': 1}])\nsp.line([1, 3, 2], title='A line')\n1 / 0\n");
    await run(page);
    await accessible(page, "output");
    await page.locator("#share").click();
    await page.locator("#share-form button").click();
    await page.locator("#share-url").waitFor();
    await accessible(page, "share dialog");
  });
}

for (const path of ["/", "/examples", "/docs", "/signin"]) {
  test(`${path} fits a phone of 360 pixels`, async (t) => {
    const page = await visit(t, open + path, { viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true });
    if (path === "/") await page.locator(".cm-content").waitFor();
    const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
    assert.ok(scroll <= inner && inner === 360, `the page is ${scroll} pixels wide in a window of ${inner}`);
  });
}

test("on a phone, Run is in reach and shows the output", async (t) => {
  const page = await playground(t, { viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true });
  const box = await page.locator("#thumb-run").boundingBox();
  assert.ok(box.y > 500 && box.y + box.height <= 720 && box.height >= 24, JSON.stringify(box));
  await page.locator("#thumb-run").tap();
  await page.locator("#screen pre").first().waitFor();
  assert.equal(await page.locator("#screen").isVisible(), true);
  assert.equal(await page.locator(".cm-content").isVisible(), false);
  await page.locator('.thumb [data-view="code"]').tap();
  assert.equal(await page.locator(".cm-content").isVisible(), true);
});

test("the keyboard alone writes, leaves the editor and runs", async (t) => {
  const page = await playground(t);
  await type(page, "if True:");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.type("print('by keyboard')");
  const inEditor = () => page.evaluate(() => document.activeElement.closest(".cm-editor") !== null);
  assert.equal(await inEditor(), true, "Tab indents");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert.equal(await inEditor(), false, "Esc and Tab leave the editor");
  assert.match(await text(page, "#escape-hint"), /Esc/);
  await page.locator("#run").focus();
  await page.keyboard.press("Enter");
  await page.getByText("by keyboard", { exact: true }).last().waitFor();
  assert.notEqual(await page.evaluate(() => document.activeElement.tagName), "BODY", "the focus is not lost");
});

async function headersOf(path, headers = {}) {
  const answer = await api(open, path, undefined, headers);
  await answer.text(); // a page that is not read keeps its connection, and this process, for a minute
  return answer.headers;
}

test("every page has a strict policy", async () => {
  for (const path of ["/", "/examples", "/signin", "/runs", "/docs", "/nothing-here"]) {
    const headers = await headersOf(path, { Accept: "text/html" });
    const policy = headers.get("content-security-policy") ?? "";
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]) assert.ok(policy.includes(part), `${path}: ${policy}`);
    assert.match(policy, /script-src 'self' 'nonce-[^']{16,}'/, path);
    assert.doesNotMatch(policy, /unsafe-(inline|eval)|\*/, path);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
    assert.equal(headers.get("referrer-policy"), "no-referrer", path);
    assert.equal(headers.get("cross-origin-opener-policy"), "same-origin", path);
  }
  const nonces = await Promise.all([1, 2].map(async () => /nonce-([^']+)/.exec((await headersOf("/")).get("content-security-policy"))[1]));
  assert.notEqual(nonces[0], nonces[1]);
});

test("the theme can be chosen and stays", async (t) => {
  const page = await playground(t, { colorScheme: "light" });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  while (!/dark/.test(await page.locator("#theme").getAttribute("aria-label"))) await page.locator("#theme").click();
  const dark = await background();
  assert.notEqual(light, dark);
  await page.reload();
  assert.equal(await background(), dark);
});

test("the plain text editor is a textarea and runs", async (t) => {
  const page = await playground(t);
  await page.locator("#more summary").click();
  await page.locator("#plain").click();
  const area = page.locator("#editor textarea");
  await area.fill("print('from a textarea')");
  await run(page);
  await page.locator("#screen pre", { hasText: "from a textarea" }).waitFor();
});

test("the editor can be typed in soon", async (t) => {
  const page = await visit(t, open);
  await page.locator(".cm-content").waitFor();
  const bytes = await page.evaluate(() => performance.getEntriesByType("resource").reduce((sum, r) => sum + r.encodedBodySize, performance.getEntriesByType("navigation")[0].encodedBodySize));
  assert.ok(bytes > 50_000 && bytes <= 250_000, `the page needs ${bytes} bytes`);
});
