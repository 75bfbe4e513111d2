// What a program shows beside text: pictures, tables, HTML, Markdown, files.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { playground, run, type } from "./lib.mjs";

/** A Python program that displays bundles. */
function displaying(...bundles) {
  const lines = bundles.map((data) => `    f.write(${JSON.stringify(JSON.stringify({ data }) + "\n")})\n`);
  return `with open("/dev/display", "w") as f:\n${lines.join("")}print("done")\n`;
}

test("a picture is an image, which cannot run scripts", async (t) => {
  const page = await playground(t);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><script>parent.hacked = 1</script><rect width="40" height="30"/></svg>`;
  await type(page, displaying({ "image/svg+xml": svg, "text/plain": "a square" }));
  await run(page);
  const img = page.locator("#screen .rich img");
  assert.equal(await img.getAttribute("alt"), "a square");
  await page.waitForFunction(() => document.querySelector("#screen .rich img").naturalWidth === 40);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
});

test("a chart of the helper module is a picture with a name", async (t) => {
  const page = await playground(t);
  await type(page, "import sandpiper as sp\nsp.bar(['a', 'b', 'c'], [3, 1, 2], title='Three bars')\n");
  await run(page);
  const img = page.locator("#screen .rich img");
  await page.waitForFunction(() => document.querySelector("#screen .rich img").naturalWidth > 100);
  assert.match(await img.getAttribute("alt"), /Three bars|bar/i);
});

test("a table sorts and copies as CSV", async (t) => {
  const page = await playground(t, { permissions: ["clipboard-read", "clipboard-write"] });
  await type(page, `import sandpiper as sp\nsp.table([{"name": "b", "n": 2}, {"name": "a, quoted", "n": 10}, {"name": "c", "n": None}])\n`);
  await run(page);
  const column = () => page.locator("#screen tbody tr td:first-child").allInnerTexts();
  assert.deepEqual(await column(), ["b", "a, quoted", "c"]);
  await page.locator("#screen th button", { hasText: "name" }).click();
  assert.deepEqual(await column(), ["a, quoted", "b", "c"]);
  assert.equal(await page.locator("#screen th").first().getAttribute("aria-sort"), "ascending");
  const numbers = page.locator("#screen th button", { hasText: /^n$/ });
  await numbers.click();
  await numbers.click();
  assert.deepEqual(await column(), ["a, quoted", "b", "c"]);
  await page.getByRole("button", { name: "Copy as CSV" }).click();
  await page.waitForFunction(async () => (await navigator.clipboard.readText()).includes("quoted"));
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'name,n\r\nb,2\r\n"a, quoted",10\r\nc,\r\n');
});

test("SQL gives a table, once", async (t) => {
  const page = await playground(t);
  await page.locator("#language").selectOption("sql");
  await type(page, "select 1 as one, 'two' as two;\n");
  await run(page);
  assert.deepEqual(await page.locator("#screen tbody td").allInnerTexts(), ["1", "two"]);
  assert.equal((await page.locator("#screen").innerText()).match(/two/g).length, 2, "the heading and the value, no text twin");
});

test("HTML runs in a frame that reaches nothing of ours", async (t) => {
  const page = await playground(t, { expected: [/SecurityError|Failed to (read|fetch|load)|Refused|Content Security Policy|policy violation|sandbox/i] });
  const html = `<p id="said">starting</p><script>
    const tried = {};
    const attempt = (name, f) => { try { f(); tried[name] = "worked"; } catch (e) { tried[name] = e.name; } };
    attempt("parent", () => parent.document.title);
    attempt("storage", () => localStorage.length);
    attempt("cookie", () => document.cookie);
    tried.origin = self.origin;
    fetch("/v1/runs").then(() => (tried.fetch = "worked"), (e) => (tried.fetch = e.name)).finally(() => (document.getElementById("said").textContent = JSON.stringify(tried)));
  </script>`;
  await type(page, displaying({ "text/html": html }));
  await run(page);
  const element = page.locator("#screen .rich iframe");
  assert.doesNotMatch(await element.getAttribute("sandbox"), /allow-same-origin/);
  const inside = page.frameLocator("#screen .rich iframe").locator("#said");
  await inside.filter({ hasText: "origin" }).waitFor();
  assert.deepEqual(JSON.parse(await inside.innerText()), {
    parent: "SecurityError", storage: "SecurityError", cookie: "SecurityError", origin: "null", fetch: "TypeError",
  });
});

test("Markdown is shown in its own frame", async (t) => {
  const page = await playground(t);
  await type(page, displaying({ "text/markdown": "# Title\n\n- one\n- two\n" }));
  await run(page);
  const frame = page.frameLocator("#screen .rich iframe");
  assert.equal(await frame.locator("h1").innerText(), "Title");
  assert.equal(await frame.locator("li").count(), 2);
});

test("files from out/ can be seen and downloaded", async (t) => {
  const page = await playground(t);
  await type(page, "import os\nos.makedirs('out/sub', exist_ok=True)\nopen('out/data.csv', 'w').write('a,b\\n1,2\\n')\nopen('out/sub/raw.bin', 'wb').write(bytes(range(256)))\n");
  await run(page);
  const left = page.locator("#screen .left");
  assert.match(await left.innerText(), /data\.csv[\s\S]*a,b[\s\S]*sub\/raw\.bin/);
  for (const [name, want] of [["data.csv", Buffer.from("a,b\n1,2\n")], ["raw.bin", Buffer.from(Array.from({ length: 256 }, (_, i) => i))]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator(`#screen .left a[download="${name}"]`).click()]);
    assert.deepEqual(readFileSync(await download.path()), want);
  }
});

test("a broken display line is told to the program's author", async (t) => {
  const page = await playground(t);
  await type(page, `open("/dev/display", "w").write("not json\\n")\nprint("on it goes")\n`);
  assert.match(await run(page), /Finished/);
  assert.match(await page.locator("#screen .log").innerText(), /display: a line must be a JSON object/);
});
