// Without JavaScript everything that matters works.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open, text, visit } from "./lib.mjs";

const noScript = { javaScriptEnabled: false };

test("the form runs a program and shows its output", async (t) => {
  const page = await visit(t, open, noScript);
  const code = page.locator('textarea[name="content"]');
  assert.ok((await code.inputValue()).length > 20, "the welcome program is there");
  await code.fill("name = input()\nprint('hello', name, '<b>&')\n");
  await page.locator("#given summary").click();
  await page.locator("#stdin").fill("plain web\n");
  await page.locator("#run").click();
  assert.match(await text(page, "#screen"), /hello plain web <b>&/);
  assert.match(await text(page, "#status"), /Finished/);
  assert.match(await code.inputValue(), /print\('hello'/, "the program is kept");
});

test("an error is shown with its place", async (t) => {
  const page = await visit(t, open, noScript);
  await page.locator('textarea[name="content"]').fill("print('a')\nprint(1 / 0)\n");
  await page.locator("#run").click();
  assert.match(await text(page, "#screen"), /ZeroDivisionError/);
  assert.match(await text(page, "#screen .marks"), /main\.py:2/);
});

test("another language can be chosen", async (t) => {
  const page = await visit(t, open + "/?language=lua", noScript);
  assert.equal(await page.locator("#language").inputValue(), "lua");
  await page.locator('textarea[name="content"]').fill("print('from lua')");
  await page.locator("#run").click();
  assert.match(await text(page, "#screen"), /from lua/);
});

test("the gallery and a shared program open", async (t) => {
  const page = await visit(t, open + "/examples", noScript);
  await page.locator("main a").nth(1).click();
  assert.ok((await page.locator('textarea[name="content"]').first().inputValue()).length > 10);
  await page.locator("#share").click();
  assert.match(await text(page, "main"), /Link/);
  const link = await page.locator("#share-url").inputValue();
  await page.goto(link);
  assert.equal(await page.locator("#run").isVisible(), true);
});
