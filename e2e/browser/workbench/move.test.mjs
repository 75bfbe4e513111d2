// Programs of the playground that go on in a sandbox.

import assert from "node:assert/strict";
import { test } from "node:test";
import { closed as base } from "../lib.mjs";
import { call, openTab, patience, picture, snapshot, until, wellMade } from "./box.mjs";

/** Opens the playground, with a program in it, in a browser that signed in. */
async function playground(t, files, options = {}) {
  const page = await openTab(t, "settings", options);
  const packed = Buffer.from(JSON.stringify({ l: "python", f: files })).toString("base64url");
  await page.goto(`${base}/#code=0${packed}`);
  await page.locator("main.live").waitFor();
  return page;
}

/** Opens the program in a sandbox that is gone when the test ends. */
async function move(t, page) {
  await page.locator("#more summary").click();
  await page.getByRole("button", { name: "Open in a sandbox" }).click();
  await page.waitForURL(/\/sandboxes\/[^/]+\/terminal/, { timeout: patience });
  const id = page.url().match(/sandboxes\/([^/]+)/)[1];
  t.after(() => call("DELETE", `/api/sandbox/${id}`));
  return id;
}

for (const width of [1280, 360]) {
  test(`a program goes on in a sandbox at ${width} pixels`, async (t) => {
    const options = { viewport: { width, height: 800 }, colorScheme: width === 360 ? "dark" : "light" };
    const page = await playground(t, [["main.py", "import lib.words\nprint(lib.words.said + '-moved')\n"], ["lib/words.py", "said = 'it is'\n"]], options);
    await move(t, page);
    const note = page.locator("#moved");
    await note.getByText("program && python3 ./main.py").waitFor();
    await page.locator(".term:not([hidden]) .xterm-rows").waitFor();
    await page.locator("#term-status").waitFor({ state: "hidden", timeout: patience });
    await wellMade(page, `the terminal with a command at ${width} px`);
    await picture(page, `moved-${width}`);
    const shown = async () => (await page.locator(".term:not([hidden]) .xterm-rows").innerText()).replaceAll("\u00a0", " ");
    await note.getByRole("button", { name: "Type it" }).click();
    await until("the command is typed", async () => (await shown()).replaceAll("\n", "").includes("python3 ./main.py"));
    assert.ok(!(await shown()).includes("it is-moved"), "it does not run by itself");
    await page.keyboard.press("Enter");
    await until("the program runs", async () => (await shown()).includes("it is-moved"));
    await note.waitFor({ state: "detached" });
  });
}

test("a program that needs more is offered a sandbox, and told what is missing", async (t) => {
  const page = await playground(t, [["main.py", "import requests\n"]], { expected: [/status of 501|status of 503|status of 4/] });
  await page.locator("#run").click();
  const offer = page.locator("#screen").getByRole("button", { name: "Open in a sandbox" });
  await offer.waitFor({ timeout: patience });
  if (snapshot !== "wasm") return; // there it opens a container
  await offer.click();
  const note = page.locator("#sandbox-note");
  await note.getByText("Docker").waitFor();
  await wellMade(page, "what is missing");
  await picture(page, "missing");
  await note.getByRole("button", { name: "Open in a WebAssembly sandbox" }).click();
  await page.waitForURL(/\/terminal/, { timeout: patience });
  const id = page.url().match(/sandboxes\/([^/]+)/)[1];
  t.after(() => call("DELETE", `/api/sandbox/${id}`));
});
