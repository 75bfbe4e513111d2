// Files, ports and processes of a sandbox in the browser.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { box, call, openTab, patience, picture, snapshot, toolbox, until, wellMade } from "./box.mjs";

const dir = "/tmp/shelf";
const enc = encodeURIComponent;
const put = (name, text) => toolbox("POST", `/files/upload-v2?path=${enc(`${dir}/${name}`)}`, new TextEncoder().encode(text));
const get = (name) => toolbox("GET", `/files/download?path=${enc(`${dir}/${name}`)}`);
const names = async () => (await toolbox("GET", `/files?path=${enc(dir)}`)).map((f) => f.name).sort();

async function shelf(t, options) {
  await toolbox("DELETE", `/files?path=${enc(dir)}&recursive=true`).catch(() => undefined);
  await put("notes.txt", "first line\n");
  await put("sub/inner.py", "print(1)\n");
  await put("<b>odd & name's.txt", "odd\n");
  const page = await openTab(t, `files?path=${enc(dir)}`, options);
  await page.getByRole("button", { name: "notes.txt", exact: true }).waitFor({ timeout: patience });
  return page;
}

for (const [theme, width] of [["light", 1280], ["dark", 360]]) {
  test(`the tabs are well made, ${theme}, ${width} pixels`, async (t) => {
    const look = { colorScheme: theme, viewport: { width, height: 760 } };
    const page = await shelf(t, look);
    await wellMade(page, "files");
    const [download, remove] = await Promise.all(["Download notes.txt", "Delete notes.txt"].map((name) => page.getByLabel(name, { exact: true }).boundingBox()));
    assert.equal(Math.round(download.y + download.height / 2), Math.round(remove.y + remove.height / 2), "what can be done with a file is on one line");
    const colour = (name) => page.getByRole("button", { name, exact: true }).evaluate((b) => getComputedStyle(b).color);
    assert.notEqual(await colour("Delete…"), await colour("Delete notes.txt"), "a button that does nothing yet looks like it");
    await picture(page, `files-${theme}-${width}`);
    for (const tab of ["ports", "processes"]) {
      await page.goto(new URL(tab, page.url()).href);
      await page.locator(`#${tab}`).waitFor();
      if (tab === "ports") assert.match(await page.locator("#port-empty pre").textContent(), snapshot === "wasm" ? /^serve / : /^python3 /);
      await wellMade(page, tab);
      await picture(page, `${tab}-${theme}-${width}`);
    }
  });
}

test("a sandbox that does not run has no files to work with, and says so", async (t) => {
  const page = await shelf(t, { expected: [/409|503/] });
  await call("POST", `/api/sandbox/${box.id}/stop`);
  await page.locator("#work-note").filter({ hasText: "not running" }).waitFor({ timeout: patience });
  assert.equal(await page.getByText("Upload files").isVisible(), false);
  await call("POST", `/api/sandbox/${box.id}/start`);
  await page.getByText("Upload files").waitFor({ timeout: patience });
});

test("folders are walked, with an address each", async (t) => {
  const page = await shelf(t);
  await page.getByRole("link", { name: "sub/" }).click();
  await page.getByRole("button", { name: "inner.py", exact: true }).waitFor();
  assert.match(page.url(), /path=%2Ftmp%2Fshelf%2Fsub/);
  await page.goBack();
  await page.getByRole("button", { name: "<b>odd & name's.txt", exact: true }).waitFor();
});

test("dropped files are uploaded, and replace only what they may", async (t) => {
  const page = await shelf(t, { expected: [/412/] });
  const drop = (name, text) =>
    page.evaluate(([name, text]) => {
      const data = new DataTransfer();
      data.items.add(new File([text], name));
      document.getElementById("files").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }, [name, text]);
  await drop("new.txt", "new content");
  await page.getByRole("button", { name: "new.txt", exact: true }).waitFor({ timeout: patience });
  assert.equal(await get("new.txt"), "new content");
  await drop("new.txt", "other");
  await page.getByRole("heading", { name: "Replace new.txt?" }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await get("new.txt"), "new content");
  await drop("new.txt", "other");
  await page.getByRole("heading", { name: "Replace new.txt?" }).waitFor();
  await page.getByRole("button", { name: "Replace" }).click();
  await until("it is replaced", async () => (await get("new.txt")) === "other");
});

test("an edit does not overwrite somebody else's", async (t) => {
  const page = await shelf(t, { expected: [/412/] });
  await page.getByRole("button", { name: "notes.txt", exact: true }).click();
  await page.locator(".cm-content").click();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.type("mine");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  assert.equal(await get("notes.txt"), "first line\nmine");
  await put("notes.txt", "theirs, which is longer");
  await page.keyboard.press("Tab");
  await page.locator(".cm-content").click();
  await page.keyboard.type("again");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Save over the other change?" }).waitFor();
  await picture(page, "files-conflict");
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await get("notes.txt"), "theirs, which is longer");
});

test("deleting says what is lost", async (t) => {
  const page = await shelf(t);
  await page.getByLabel("Choose notes.txt").check();
  await page.getByLabel("Choose sub").check();
  await page.getByRole("button", { name: "Delete 2…" }).click();
  await page.getByText("a folder with all that is inside").waitFor();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await until("they are gone", async () => (await names()).join() === "<b>odd & name's.txt");
});

test("a page that somebody uploaded is saved, not run", async (t) => {
  const page = await shelf(t);
  await put("evil.svg", '<svg xmlns="http://www.w3.org/2000/svg"><script>parent.evil = 1</script></svg>');
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.getByRole("button", { name: "evil.svg", exact: true }).click();
  await page.locator(".cm-content").waitFor();
  assert.equal(await page.evaluate(() => window.evil), undefined);
});

test("a command's log is followed, its streams apart", async (t) => {
  await toolbox("POST", "/process/session", { sessionId: "work" }).catch(() => undefined);
  await toolbox("POST", "/process/session/work/exec", { command: "echo to-out; echo to-err >&2; read line; echo got $line; exit 0", runAsync: true });
  const page = await openTab(t, "processes");
  await page.getByText("Running").first().waitFor({ timeout: patience });
  await page.getByRole("button", { name: /^Log of/ }).first().click();
  await page.locator("#log-text .out", { hasText: "to-out" }).waitFor();
  await page.locator("#log-text .err", { hasText: "to-err" }).waitFor();
  await page.getByLabel("Close the log").click();
  await page.getByRole("button", { name: "Send input…" }).click();
  await page.locator("#work-field").fill("hello");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.locator(".state.ok", { hasText: "Exit 0" }).first().waitFor({ timeout: patience });
  await page.getByRole("button", { name: "Kill Session work" }).click();
  await page.getByRole("button", { name: "Kill it" }).click();
  await until("the session is gone", async () => (await toolbox("GET", "/process/session")).length === 0);
});

test("a folder is downloaded whole, as tar or zip", async (t) => {
  const page = await shelf(t);
  await put("dépôt/日本.txt", "kept\n");
  await page.getByRole("button", { name: "Refresh" }).click();
  const saved = async (link) => {
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    return { name: download.suggestedFilename(), path: await download.path() };
  };
  const whole = await saved(page.getByRole("link", { name: "Download as zip", exact: true }));
  assert.equal(whole.name, "shelf.zip");
  const listed = execFileSync("python3", ["-m", "zipfile", "-l", whole.path]).toString();
  for (const name of ["shelf/notes.txt", "shelf/sub/inner.py", "shelf/dépôt/日本.txt"]) assert.ok(listed.includes(name), listed);
  const part = await saved(page.getByRole("link", { name: "Download dépôt as tar" }));
  assert.equal(part.name, "dépôt.tar");
  assert.equal(execFileSync("tar", ["-xOf", part.path, "dépôt/日本.txt"]).toString(), "kept\n");
});

test("a port has the name of its program, a QR code and a public switch", async (t) => {
  const server = process.env.SANDPIPER_SNAPSHOT === "wasm" ? "serve / --port 8123" : "python3 -m http.server 8123 --bind 127.0.0.1";
  await toolbox("POST", "/process/session", { sessionId: "server" });
  t.after(() => toolbox("DELETE", "/process/session/server"));
  await toolbox("POST", "/process/session/server/exec", { command: server, runAsync: true });
  const page = await openTab(t, "ports");
  const row = page.locator("#port-rows li").filter({ hasText: "8123" });
  await row.locator("code.program").waitFor({ timeout: patience });
  if (process.env.SANDPIPER_SNAPSHOT !== "wasm") assert.match(await row.locator("code.program").textContent(), /^python3 -m http.server 8123/);
  await row.getByRole("button", { name: "QR code of the link to port 8123" }).click();
  await until("the code is a picture", () => page.locator("#port-qr img").evaluate((img) => img.naturalWidth > 100));
  assert.match(await page.locator("#port-link-url").inputValue(), /8123/);
  await wellMade(page, "ports with a link");
  await picture(page, "ports-link");
  const isPublic = async () => (await call("GET", `/api/sandbox/${box.id}`)).public;
  await page.getByLabel("Public: whoever").check();
  await until("the sandbox is public", isPublic);
  await page.getByLabel("Public: whoever").uncheck();
  await until("the sandbox is private again", async () => !(await isPublic()));
});

test("processes show what they use, and logs are searched", async (t) => {
  await toolbox("POST", "/process/session", { sessionId: "busy" });
  t.after(() => toolbox("DELETE", "/process/session/busy"));
  await toolbox("POST", "/process/session/busy/exec", { command: "echo alpha; echo beta; echo Alpha again; while true; do :; done", runAsync: true });
  const page = await openTab(t, "processes");
  await until("some process uses the processor", async () => (await page.locator("#process-lines td:nth-child(2)").allTextContents()).some((s) => parseInt(s) >= 1));
  assert.match(await page.locator("#process-lines tr").last().innerText(), /[kM]B/);
  await wellMade(page, "processes that run");
  await picture(page, "processes-run");
  await page.getByRole("button", { name: /^Log of echo alpha/ }).click();
  await page.locator("#log-text").getByText("again").waitFor({ timeout: patience });
  await page.getByLabel("Find in the log").fill("alpha");
  await page.keyboard.press("Enter");
  await page.getByText("1 of 2").waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("2 of 2").waitFor();
  assert.equal(await page.evaluate(() => getSelection().toString()), "Alpha");
  await wellMade(page, "a log that is searched");
  await picture(page, "log-find");
});

/** Opens a file of the shelf and types at its end. */
async function edit(page, name, text) {
  await page.getByRole("button", { name, exact: true }).click();
  await page.locator(".cm-content").click();
  await page.keyboard.press("ControlOrMeta+End");
  if (text) await page.keyboard.type(text);
}

test("what is not saved is not lost without a question", async (t) => {
  const page = await shelf(t);
  await edit(page, "notes.txt", "mine");
  const view = page.locator("#file-view");
  const ways = {
    "the button Close": () => view.getByRole("button", { name: "Close", exact: true }).click(),
    "a click beside it": () => page.mouse.click(3, 3),
    Escape: () => page.keyboard.press("Escape"),
    "Escape again": () => page.keyboard.press("Escape"),
  };
  for (const [way, close] of Object.entries(ways)) {
    await close();
    await page.getByRole("heading", { name: "Close without saving?" }).waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    assert.match(await page.locator(".cm-content").innerText(), /mine/, way);
  }
  const asked = new Promise((ok) => page.once("dialog", (d) => d.dismiss().then(() => ok(d.type()))));
  await page.getByRole("link", { name: "Ports" }).first().evaluate((a) => a.click());
  assert.equal(await asked, "beforeunload");
  assert.match(await page.locator(".cm-content").innerText(), /mine/, "leaving the page");
  await view.getByRole("button", { name: "Close", exact: true }).click();
  await page.locator("#work-ask").getByRole("button", { name: "Close", exact: true }).click();
  await view.waitFor({ state: "hidden" });
  assert.equal(await get("notes.txt"), "first line\n");
  await edit(page, "notes.txt");
  await page.keyboard.press("Escape");
  await view.waitFor({ state: "hidden" }); // nothing was changed, so nothing is asked
});

test("saving twice at once is no change by somebody else, and a change during it is one", async (t) => {
  const page = await shelf(t, { expected: [/412/] });
  await edit(page, "notes.txt", "mine");
  let writes = 0;
  await page.route("**/files/upload-v2*", async (route) => {
    const answer = await route.fetch();
    if (++writes === 2) await put("notes.txt", "theirs"); // after ours is written, before the page knows
    await route.fulfill({ response: answer });
  });
  await page.keyboard.press("ControlOrMeta+s");
  await page.keyboard.type(" and more");
  await page.keyboard.press("ControlOrMeta+s");
  await page.getByText("Saved.").waitFor();
  await until("both were written", () => writes === 2);
  assert.equal(await get("notes.txt"), "theirs");
  await page.keyboard.type("!");
  await page.keyboard.press("ControlOrMeta+s");
  await page.getByRole("heading", { name: "Save over the other change?" }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await get("notes.txt"), "theirs");
});

test("an edit keeps the ends of the lines", async (t) => {
  const page = await shelf(t);
  const kept = { "windows.txt": ["one\r\ntwo\r\n", "one\r\ntwo\r\nnew\r\nline"], "mac.txt": ["one\rtwo\r", "one\rtwo\rnew\rline"], "mixed.txt": ["one\r\ntwo\n", "one\r\ntwo\nnew\nline"] };
  for (const [name, [before]] of Object.entries(kept)) await put(name, before);
  await page.getByRole("button", { name: "Refresh" }).click();
  for (const [name, [, after]] of Object.entries(kept)) {
    await edit(page, name, "new\nline");
    await page.keyboard.press("ControlOrMeta+s");
    await page.getByText("Saved.").waitFor();
    assert.equal(JSON.stringify(await get(name)), JSON.stringify(after), name);
    await page.keyboard.press("Escape");
    await page.locator("#file-view").waitFor({ state: "hidden" });
  }
});

/** Drops files, by their names and texts, on the page. */
const dropAll = (page, files) =>
  page.evaluate((files) => {
    const data = new DataTransfer();
    for (const [name, text] of Object.entries(files)) data.items.add(new File([text], name));
    document.getElementById("files").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, files);

test("uploads stay in the folder they were dropped on, and can be stopped", async (t) => {
  const page = await shelf(t);
  const held = [];
  await page.route("**/files/upload-v2*", (route) => void held.push(route));
  await dropAll(page, { "a1.txt": "a1", "a2.txt": "a2" });
  await until("the first is on its way", () => held.length === 1);
  await page.getByRole("link", { name: "sub/" }).click();
  await page.getByRole("button", { name: "inner.py", exact: true }).waitFor();
  await dropAll(page, { "b1.txt": "b1", "b2.txt": "b2", "b3.txt": "b3" });
  await held[0].continue();
  await until("the second is on its way", () => held.length === 2);
  await held[1].continue();
  await until("the second batch began", () => held.length === 3);
  await held[2].continue();
  await until("its second file is on its way", () => held.length === 4);
  await page.getByRole("button", { name: "Stop uploading" }).click();
  await page.getByText("Stopped: 1 of 3 files are in /tmp/shelf/sub.").waitFor();
  assert.deepEqual((await names()).filter((n) => /^[ab]\d/.test(n)), ["a1.txt", "a2.txt"]);
  assert.equal(await get("sub/b1.txt"), "b1");
  assert.equal(held.length, 4, "nothing more was sent");
});

test("many files that are there already are one question", async (t) => {
  const page = await shelf(t, { expected: [/412/] });
  const old = { "a.txt": "old", "b.txt": "old", "c.txt": "old" };
  for (const [name, text] of Object.entries(old)) await put(name, text);
  const now = { "a.txt": "new", "b.txt": "new", "c.txt": "new", "d.txt": "new" };
  const texts = async () => (await Promise.all(Object.keys(now).map((name) => get(name).catch(() => "none")))).join();
  await dropAll(page, now);
  await page.getByRole("heading", { name: "Replace a.txt?" }).waitFor();
  await page.getByRole("button", { name: "Replace", exact: true }).click();
  await page.getByRole("heading", { name: "Replace b.txt?" }).waitFor();
  await page.getByRole("button", { name: "Skip all" }).click();
  await page.getByText("Uploaded 2 files to /tmp/shelf. 2 that were there already").waitFor();
  assert.equal(await texts(), "new,old,old,new");
  await dropAll(page, now);
  await page.getByRole("button", { name: "Replace all" }).click();
  await page.getByText("Uploaded 4 files to /tmp/shelf.").waitFor();
  assert.equal(await texts(), "new,new,new,new");
});

test("ports appear after a look that failed, and what went wrong stays to be read", async (t) => {
  const server = process.env.SANDPIPER_SNAPSHOT === "wasm" ? "serve / --port 8124" : "python3 -m http.server 8124 --bind 127.0.0.1";
  await toolbox("POST", "/process/session", { sessionId: "late" });
  t.after(() => toolbox("DELETE", "/process/session/late"));
  await toolbox("POST", "/process/session/late/exec", { command: server, runAsync: true });
  await until("it listens", async () => (await toolbox("GET", "/port")).ports.includes(8124));
  const page = await openTab(t, "settings", { expected: [/status of (400|503)/] });
  let failures = 0;
  await page.route("**/preview-url", (route) => (failures++ ? route.continue() : route.fulfill({ status: 503, json: { message: "not now" } })));
  await page.goto(new URL("ports", page.url()).href);
  await page.locator("#port-rows li").filter({ hasText: "8124" }).waitFor({ timeout: patience });
  assert.ok(failures > 1);
  await page.getByRole("button", { name: "Share port 8124" }).click();
  await page.locator("#work-field").fill("0");
  await page.getByRole("button", { name: "Make a link" }).click();
  const note = page.locator("#work-note.error");
  await note.waitFor();
  const box = page.getByLabel("Public: whoever");
  await call("POST", `/api/sandbox/${page.url().match(/sandboxes\/([^/]+)/)[1]}/public/true`);
  await until("the box follows", () => box.isChecked());
  await call("POST", `/api/sandbox/${page.url().match(/sandboxes\/([^/]+)/)[1]}/public/false`);
  await until("the box follows back", async () => !(await box.isChecked()));
  assert.ok(await note.isVisible(), "two looks later the error is still there");
});

test("the focus stays while processes come and go", async (t) => {
  await toolbox("POST", "/process/session", { sessionId: "one" });
  t.after(() => toolbox("DELETE", "/process/session/one"));
  await toolbox("POST", "/process/session/one/exec", { command: "read line", runAsync: true });
  const page = await openTab(t, "processes");
  const log = page.getByRole("button", { name: "Log of read line" });
  await log.focus();
  await toolbox("POST", "/process/session", { sessionId: "two" });
  t.after(() => toolbox("DELETE", "/process/session/two"));
  await page.getByRole("heading", { name: "Session two" }).waitFor();
  assert.ok(await log.evaluate((b) => b === document.activeElement), "beside a new session");
  await page.keyboard.press("Enter");
  await page.locator("#log-status").getByText("Following").waitFor();
  await toolbox("POST", "/process/session", { sessionId: "three" });
  t.after(() => toolbox("DELETE", "/process/session/three"));
  await page.locator("h2", { hasText: "Session three" }).waitFor({ state: "attached" });
  await page.keyboard.press("Escape");
  await until("the focus is back after the log", () => log.evaluate((b) => b === document.activeElement));
});

test("a log pauses where it is, and is saved whole", async (t) => {
  await toolbox("POST", "/process/session", { sessionId: "long" });
  t.after(() => toolbox("DELETE", "/process/session/long"));
  await toolbox("POST", "/process/session/long/exec", { command: "seq 2000; read line; echo af''ter-$line", runAsync: true });
  const page = await openTab(t, "processes");
  await page.getByRole("button", { name: /^Log of seq/ }).click();
  const text = page.locator("#log-text");
  await until("all is read", async () => (await text.textContent()).endsWith("2000\n"));
  let reads = 0;
  page.on("request", (r) => (reads += Number(/logs\?follow/.test(r.url()))));
  await page.getByRole("button", { name: "Pause" }).click();
  const { commands } = await toolbox("GET", "/process/session/long");
  await toolbox("POST", `/process/session/long/command/${commands[0].id}/input`, { data: "pause" });
  await until("the command has ended", async () => (await toolbox("GET", "/process/session/long")).commands[0].exitCode === 0);
  assert.doesNotMatch(await text.textContent(), /after/);
  await page.getByRole("button", { name: "Go on" }).click();
  await until("the rest is shown", async () => (await text.textContent()).endsWith("after-pause\n"));
  await page.locator("#log-status").getByText("The command has ended.").waitFor();
  assert.equal(reads, 0, "it was not read again");
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#log-save").click()]);
  const lines = readFileSync(await download.path(), "utf8").split("\n");
  assert.deepEqual([lines[0], lines[1999], lines.at(-2)], ["1", "2000", "after-pause"]);
});
