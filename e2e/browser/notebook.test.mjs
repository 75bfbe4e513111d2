// The notebook: cells over a session, what they say, and how the page keeps them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { closed, key, open, packageFile, patience, text, visit } from "./lib.mjs";

const axe = packageFile("axe-core/axe.min.js");

/** The cookie of somebody who is signed in: visitors may have a few sessions only. */
let cookie;
before(async () => {
  const answer = await fetch(`${open}/signin`, { method: "POST", body: new URLSearchParams({ key }), redirect: "manual" });
  const [name, value] = answer.headers.get("set-cookie").split(";")[0].split("=");
  cookie = { name, value, url: open };
});

/** Opens a notebook and waits until its first cell is there. */
async function notebook(t, { path = "/notebook/new?language=python", ...options } = {}) {
  const page = await visit(t, open + path, { cookies: [cookie], ...options });
  await page.locator(".cell").first().waitFor();
  return page;
}

const cell = (page, n) => page.locator(".cell").nth(n);

/** Puts code into a cell and leaves it in the editor. */
async function write(page, n, code) {
  await cell(page, n).focus();
  await page.keyboard.press("Enter");
  await cell(page, n).locator(".cm-content").waitFor();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("Backspace");
  await page.keyboard.insertText(code);
}

/** Waits until no cell runs or waits. */
async function idle(page) {
  await page.waitForFunction(() => !document.querySelector('.cell[data-mark="running"], .cell[data-mark="queued"]'), undefined, { timeout: patience });
}

/** Runs code in a cell and waits for its end. */
async function run(page, n, code) {
  await write(page, n, code);
  await page.keyboard.press("ControlOrMeta+Enter");
  await cell(page, n).locator('.cell-count:text-matches("\\\\[\\\\d+\\\\]")').waitFor({ timeout: patience });
  await idle(page);
  return text(page, `.cell >> nth=${n} >> .cell-outputs`);
}

const kept = (page) => page.locator("#saved", { hasText: "Kept" }).waitFor();

async function menu(page, what) {
  await page.locator("#more summary").click();
  await page.locator(`#more [data-do=${what}]`).click();
}

for (const [language, first, second, want] of [
  ["python", "x = 20\nprint('said')", "x + 22", "42"],
  ["javascript", "let x = 20; console.log('said')", "x + 22", "42"],
  ["ruby", "x = 20\nputs 'said'", "x + 22", "42"],
]) {
  test(`${language}: a cell goes on where the last one ended`, async (t) => {
    const page = await notebook(t, { path: `/notebook/new?language=${language}` });
    assert.match(await text(page, "#session-state"), /Not started/);
    assert.match(await run(page, 0, first), /said/);
    await cell(page, 0).focus();
    await page.keyboard.press("Escape");
    await page.keyboard.press("b");
    assert.equal(await run(page, 1, second), want);
    assert.equal(await cell(page, 1).locator(".cell-count").innerText(), "[2]");
    await page.locator("#session-state", { hasText: /^Idle$/ }).waitFor();
  });
}

test("the notebook survives a reload with its outputs, and so does the session", async (t) => {
  const page = await notebook(t);
  await run(page, 0, "x = 7\nprint('first')");
  await kept(page);
  assert.match(page.url(), /\/notebook\/[a-z0-9]{16}$/);
  await page.reload();
  await cell(page, 0).locator(".out", { hasText: "first" }).waitFor();
  assert.match(await cell(page, 0).locator(".code-text").innerText(), /x = 7/);
  assert.match(await run(page, 0, "x * 6"), /42/);
});

test("an error has a traceback that leads to the line", async (t) => {
  const page = await notebook(t);
  assert.match(await run(page, 0, "a = 1\n\na / 0\n"), /ZeroDivisionError/);
  await cell(page, 0).locator(".traceback .linklike").first().click();
  await cell(page, 0).locator(".cm-editor.cm-focused").waitFor();
  assert.equal(await cell(page, 0).getAttribute("data-mark"), "failed");
});

test("after an error the cells that wait do not run", async (t) => {
  const page = await notebook(t);
  await write(page, 0, "1 / 0");
  await page.keyboard.press("Escape");
  await page.keyboard.press("b");
  await write(page, 1, "print('not reached')");
  await page.locator("[data-do=run-all]").click();
  await cell(page, 0).locator(".traceback").waitFor();
  await idle(page);
  assert.equal(await text(page, ".cell >> nth=1 >> .cell-count"), "[ ]");
});

test("a cell asks for input", async (t) => {
  const page = await notebook(t);
  await write(page, 0, "name = input('Name? ')\nprint('Hello', name)");
  await page.keyboard.press("ControlOrMeta+Enter");
  await page.locator(".typing input").fill("Ada");
  await page.locator(".typing input").press("Enter");
  await cell(page, 0).locator(".out", { hasText: "Hello Ada" }).waitFor();
});

test("a loop is interrupted and what it did stays", async (t) => {
  const page = await notebook(t);
  await write(page, 0, "n = 0\nprint('begun')\nwhile True: n += 1");
  await page.keyboard.press("ControlOrMeta+Enter");
  await cell(page, 0).locator(".out", { hasText: "begun" }).waitFor();
  await page.locator("#interrupt").click();
  await cell(page, 0).locator(".traceback, .said").first().waitFor();
  await idle(page);
  assert.match(await run(page, 0, "n > 0"), /True/);
});

test("a session is paused, comes back by itself, and is forked", async (t) => {
  const page = await notebook(t);
  await run(page, 0, "x = 1");
  await menu(page, "pause");
  await page.locator("#session-state", { hasText: "Paused" }).waitFor();
  assert.match(await text(page, "#session-facts"), /Paused in .* m?s/);
  assert.match(await run(page, 0, "x += 1\nx"), /2/);
  const [fork] = await Promise.all([page.context().waitForEvent("page"), menu(page, "fork")]);
  await fork.locator(".cell .out, .cell .rich", { hasText: "2" }).first().waitFor();
  assert.match(await run(fork, 0, "x += 10\nx"), /12/);
  assert.match(await run(page, 0, "x"), /2/);
  assert.match(await text(fork, "#session-facts"), /a fork/);
});

test("cells are added, moved, turned into text, deleted and brought back by keys", async (t) => {
  const page = await notebook(t);
  await write(page, 0, "first");
  await page.keyboard.press("Escape");
  for (const key of ["b", "m", "Enter"]) await page.keyboard.press(key);
  await page.locator(".cm-content").waitFor();
  await page.keyboard.insertText("# Title\n\n<img src=x onerror=alert(1)> [link](javascript:alert(1)) ![p](https://example.com/p.png) &amp;");
  await page.keyboard.press("ControlOrMeta+Enter");
  const prose = cell(page, 1).locator(".prose");
  assert.equal(await prose.locator("h2").innerText(), "Title");
  assert.match(await prose.innerText(), /<img src=x onerror=alert\(1\)> link Picture: p \(not loaded\) &/);
  assert.equal(await prose.locator("img").count(), 0);
  assert.equal(await prose.locator("a[href^='javascript']").count(), 0);
  await page.keyboard.press("Shift+ArrowUp");
  assert.equal(await cell(page, 0).getAttribute("data-kind"), "markdown");
  for (const key of ["d", "d"]) await page.keyboard.press(key);
  assert.equal(await page.locator(".cell").count(), 1);
  await page.keyboard.press("z");
  assert.equal(await page.locator(".cell").count(), 2);
  assert.equal(await cell(page, 0).getAttribute("data-kind"), "markdown");
});

test("two tabs with one notebook do not undo each other", async (t) => {
  const one = await notebook(t);
  await write(one, 0, "# from one");
  await kept(one);
  const two = await one.context().newPage();
  await two.goto(one.url());
  await two.locator(".code-text", { hasText: "from one" }).waitFor();
  await write(two, 0, "# from two");
  await kept(two);
  await one.locator(".cell", { hasText: "from two" }).waitFor();
});

test("a notebook goes out as .ipynb and comes back the same", async (t) => {
  const page = await notebook(t);
  await run(page, 0, "import sandpiper as sp\nprint('out')\nsp.table([{'a': 1}])\n40 + 2");
  const [download] = await Promise.all([page.waitForEvent("download"), menu(page, "export")]);
  const file = JSON.parse(readFileSync(await download.path(), "utf8"));
  assert.deepEqual([file.nbformat, file.nbformat_minor, file.metadata.kernelspec.name], [4, 5, "python"]);
  assert.equal(file.cells[0].execution_count, 1);
  assert.deepEqual(file.cells[0].outputs.at(-1).data["text/plain"], ["42"]);
  const before = page.url();
  await page.locator("#import").setInputFiles({ name: "again.ipynb", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(file)) });
  await page.waitForURL((url) => url.href !== before);
  await cell(page, 0).locator(".sheet td", { hasText: "1" }).waitFor();
  assert.equal(await text(page, ".cell >> nth=0 >> .cell-count"), "[1]");
});

test("a file that is no notebook is refused with a reason", async (t) => {
  const page = await notebook(t);
  await page.locator("#import").setInputFiles({ name: "a.ipynb", mimeType: "application/json", buffer: Buffer.from(`{"cells":3}`) });
  await page.locator("#work-note", { hasText: "not a Jupyter notebook" }).waitFor();
});

test("the session's files are listed, uploaded and deleted", async (t) => {
  const page = await notebook(t);
  await run(page, 0, "import os\nos.makedirs('out', exist_ok=True)\nopen('out/a.txt', 'w').write('hello')");
  await page.locator("#files-toggle").click();
  await page.locator("#files-list a", { hasText: "out/a.txt" }).waitFor();
  await page.locator("#upload").setInputFiles({ name: "b.csv", mimeType: "text/csv", buffer: Buffer.from("1,2\n") });
  await page.locator("#files-list a", { hasText: "b.csv" }).waitFor();
  assert.match(await run(page, 0, "open('b.csv').read()"), /1,2/);
  await page.getByRole("button", { name: "Delete b.csv" }).click();
  await page.locator("#work-ask .danger").click();
  await page.locator("#files-list a", { hasText: "b.csv" }).waitFor({ state: "detached" });
});

test("a hundred cells have one editor", async (t) => {
  const cells = Array.from({ length: 100 }, (_, i) => ({ cell_type: "code", id: `c${i}`, metadata: {}, source: `print(${i})\n`.repeat(10), outputs: [], execution_count: null }));
  const page = await notebook(t);
  await page.locator("#import").setInputFiles({ name: "many.ipynb", mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells })) });
  await page.waitForFunction(() => document.querySelectorAll(".cell").length === 100);
  await cell(page, 50).locator(".code-text").click();
  await page.locator(".cm-content").waitFor();
  await cell(page, 51).locator(".code-text").click();
  assert.equal(await page.locator(".cm-editor").count(), 1);
});

for (const theme of ["light", "dark"]) {
  test(`the pages are accessible in the ${theme} theme`, async (t) => {
    const page = await notebook(t, { path: "/notebook/new?example=python-input", colorScheme: theme });
    await accessible(page);
    await page.locator("#files-toggle").click();
    await accessible(page);
    await page.goto(`${open}/notebook`);
    await accessible(page);
  });
}

async function accessible(page) {
  await page.evaluate(axe); // a script element would break the page's policy
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`), []);
}

for (const path of ["/notebook", "/notebook/new?example=python-charts"]) {
  test(`${path} fits a phone of 360 pixels`, async (t) => {
    const page = await visit(t, open + path, { viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true });
    await page.locator(".cell, #examples-title").first().waitFor();
    const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
    assert.ok(scroll <= inner && inner === 360, `the page is ${scroll} pixels wide in a window of ${inner}`);
  });
}

test("without JavaScript the page says what it needs", async (t) => {
  const page = await visit(t, `${open}/notebook/new`, { javaScriptEnabled: false });
  assert.match(await text(page, "main"), /Notebooks need scripts/);
});

test("strangers to a closed server are shown the way in", async (t) => {
  const page = await visit(t, `${closed}/notebook`);
  assert.match(page.url(), /\/signin\?next=/);
});

test("a cell is split at the cursor, and merged again", async (t) => {
  const page = await notebook(t);
  await write(page, 0, "a = 1\nb = 2");
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ControlOrMeta+Shift+Minus");
  await cell(page, 1).locator(".cm-content").waitFor();
  assert.equal((await cell(page, 0).locator(".cell-source").innerText()).trim(), "a = 1");
  assert.equal((await cell(page, 1).locator(".cell-source").innerText()).trim(), "b = 2");
  await page.keyboard.press("Escape");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Shift+M");
  await page.waitForFunction(() => document.querySelectorAll(".cell").length === 1);
  assert.equal((await cell(page, 0).locator(".cell-source").innerText()).trim(), "a = 1\nb = 2");
});

test("displays are updated in place and cleared, also after a reload", async (t) => {
  const page = await notebook(t);
  const said = await run(page, 0, "print('gone')\nfrom IPython.display import clear_output\nclear_output()\nbar = display('0 %', display_id=True)\nprint('between')\nbar.update('100 %')\nclear_output(wait=True)");
  assert.match(said, /^\s*100 %\s*between\s*$/);
  await kept(page);
  await page.reload();
  await cell(page, 0).locator(".cell-outputs", { hasText: "100 %" }).waitFor();
  assert.doesNotMatch(await text(page, ".cell-outputs"), /gone|\b0 %/);
});

test("output that is too long is cut with a note", async (t) => {
  const page = await notebook(t);
  await run(page, 0, "for i in range(1020): print('x' * 999)");
  await cell(page, 0).locator(".cell-outputs", { hasText: "The rest is left out" }).waitFor();
});

test("on a phone the tools of a cell lie on no text", async (t) => {
  const page = await notebook(t, { viewport: { width: 360, height: 740 } });
  await cell(page, 0).focus();
  const [tools, source] = await Promise.all([".cell-tools", ".cell-source"].map((part) => cell(page, 0).locator(part).boundingBox()));
  assert.ok(tools.y >= source.y + source.height, `tools at ${tools.y}, text from ${source.y} to ${source.y + source.height}`);
});
