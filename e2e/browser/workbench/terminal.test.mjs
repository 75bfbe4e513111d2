// Terminals of a sandbox in the browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { box, call, line, openTab, patience, picture, snapshot, started, toolbox, until, wellMade } from "./box.mjs";

const rows = (page) => page.locator(".term:not([hidden]) .xterm-rows");
const shown = async (page) => (await rows(page).innerText()).replaceAll("\u00a0", " ");
const sees = (page, text, time) => until(`the terminal shows ${text}`, async () => (await shown(page)).includes(text), time);

async function terminal(t, options = {}, name = "") {
  const page = await openTab(t, `terminal${name && `?t=${name}`}`, options);
  await rows(page).waitFor({ timeout: patience });
  await page.locator("#term-status").waitFor({ state: "hidden", timeout: patience });
  await page.locator(".term:not([hidden]) .xterm-screen").click();
  await prompted(page);
  return page;
}

const type = async (page, text) => {
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
};

/** Where the first line that matches begins. */
async function spot(page, text) {
  const { x, y, height } = await rows(page).locator("> div", { hasText: text }).first().boundingBox();
  return [x + 20, y + height / 2];
}

/** Pastes a text, as the browser does. */
const paste = (page, text) =>
  page.evaluate((text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);

/** Waits for the shell to ask for a command. */
const prompted = (page) => until("there is a prompt", async () => /[$#]$/.test((await shown(page)).trimEnd()));

/** Forgets all terminals. */
async function clear() {
  for (const p of (await toolbox("GET", "/process/pty")).sessions) await toolbox("DELETE", `/process/pty/${p.id}`);
}

test.beforeEach(clear);

test("what is typed runs, in the size of the window", async (t) => {
  const page = await terminal(t);
  await type(page, "echo $((6 * 7))-answer");
  await sees(page, "42-answer");
  const size = async () => (await toolbox("GET", "/process/pty")).sessions[0];
  const wide = (await size()).cols;
  assert.ok(wide > 100, `${wide} columns`);
  await page.setViewportSize({ width: 700, height: 700 });
  await until("the terminal is narrower", async () => (await size()).cols < wide - 20);
  const { cols, rows: lines } = await size();
  await type(page, snapshot === "wasm" ? "echo $(tput lines) $(tput cols) now" : "echo $(stty size) now");
  await sees(page, `${lines} ${cols} now`);
  await type(page, "echo '日本語 👩‍👩‍👧 é naïve'");
  await sees(page, "日本語 👩‍👩‍👧 é naïve");
  await type(page, "printf '\\033[38;2;200;100;50mtrue\\033[0m\\n'");
  await sees(page, "true");
});

for (const [theme, width] of [["light", 1280], ["dark", 1280], ["light", 360], ["dark", 360]]) {
  test(`the page is well made, ${theme}, ${width} pixels`, async (t) => {
    const phone = width < 600;
    const page = await terminal(t, { colorScheme: theme, viewport: { width, height: phone ? 720 : 800 }, ...(phone ? { hasTouch: true, isMobile: true } : {}) });
    await type(page, "ls -la /; printf '\\033[31mred \\033[32mgreen \\033[34mblue\\033[0m\\n'");
    await sees(page, "red green blue");
    await wellMade(page, `terminal ${theme} ${width}`);
    await picture(page, `terminal-${theme}-${width}`);
    if (!phone) return;
    await page.getByRole("button", { name: "Ctrl" }).tap();
    await page.keyboard.type("c");
    await page.getByRole("button", { name: "Tilde" }).tap();
    await sees(page, "~");
  });
}

test("a cut line loses nothing", async (t) => {
  const wire = await line(t);
  const page = await terminal(t, { origin: wire.origin, expected: [/WebSocket|ERR_|Failed to load|htmx:sse:error/] });
  await type(page, "for i in 1 2 3 4 5 6 7 8; do seq -f \"$i-%g\" 2000; sleep 1; done; echo e''nd");
  const reached = async () => Number(/^(\d)-\d+/m.exec(await shown(page))?.[1] ?? 0);
  for (let last = 0, cuts = 0; cuts < 4 && last < 8; cuts++) {
    await until(`the output is past ${last}`, async () => (await reached()) > last);
    last = await reached();
    wire.cut();
  }
  await sees(page, "end");
  wire.off(true);
  wire.cut();
  await page.locator("#term-status").filter({ hasText: "Trying again" }).waitFor({ timeout: patience });
  await picture(page, "terminal-cut");
  wire.off(false);
  await page.locator("#term-status").waitFor({ state: "hidden", timeout: patience });
  await type(page, "echo b''ack");
  await sees(page, "back");
  assert.doesNotMatch(await shown(page), /lost|no longer kept/);
});

test("a page that is loaded again, and another, see the same screen", async (t) => {
  const page = await terminal(t);
  await type(page, "echo s''ame-screen");
  await sees(page, "same-screen");
  await page.reload();
  await sees(page, "same-screen");
  const other = await terminal(t);
  await sees(other, "same-screen");
  await type(other, "echo f''rom-elsewhere");
  await sees(page, "from-elsewhere");
});

test("terminals are tabs, with an address each", async (t) => {
  const page = await terminal(t);
  await type(page, "echo f''irst");
  await sees(page, "first");
  await page.locator("#term-new").click();
  await until("there are two tabs", async () => (await page.getByRole("tab").count()) === 2);
  assert.match(page.url(), /t=2/);
  await prompted(page);
  await type(page, "exit 3");
  await page.locator("#term-status").filter({ hasText: "exit code 3" }).waitFor({ timeout: patience });
  await page.getByRole("button", { name: "Start a new one" }).click();
  await page.locator("#term-status").waitFor({ state: "hidden", timeout: patience });
  await page.goBack();
  await sees(page, "first");
  await page.locator("#term-close").click();
  await page.getByRole("button", { name: "Close it" }).click();
  await until("one tab is left", async () => (await page.getByRole("tab").count()) === 1);
  assert.deepEqual((await toolbox("GET", "/process/pty")).sessions.map((s) => s.id), ["2"]);
});

test("pasting many lines asks where the program does not know of pasting", async (t) => {
  const page = await terminal(t);
  await type(page, "printf '\\033[?2004l'; echo rea''dy; cat");
  await sees(page, "ready");
  await paste(page, "one\ntwo\nthree\n"); // whole lines: the echo of keys may be torn by what cat writes of those before
  await page.getByRole("heading", { name: "Paste 3 lines?" }).waitFor();
  await page.getByRole("button", { name: "Paste" }).click();
  await sees(page, "three");
});

test("links open only where they lead to the web, and the keyboard leaves", async (t) => {
  const page = await terminal(t);
  await page.keyboard.press("Control+Shift+L");
  assert.equal(await page.evaluate(() => document.activeElement.id), "term-new");
  await page.locator(".term:not([hidden]) .xterm-screen").click();
  await page.keyboard.press("Control+Shift+F");
  assert.equal(await page.evaluate(() => document.activeElement.id), "term-search-text");
});

test("a flood neither freezes the page nor fills it, and Ctrl-C ends it", async (t) => {
  const text = ("0123456789abcdef ".repeat(4) + "\n").repeat(1 << 10);
  const blob = text.repeat(Math.ceil(20e6 / text.length));
  await toolbox("POST", `/files/upload-v2?path=${encodeURIComponent("/tmp/flood")}`, new TextEncoder().encode(blob));
  const page = await terminal(t);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable");
  const heap = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    return (await cdp.send("Performance.getMetrics")).metrics.find((m) => m.name === "JSHeapUsedSize").value;
  };
  const before = await heap();
  const began = Date.now();
  await type(page, "cat /tmp/flood; echo; echo flood-o''ver");
  await until("the flood began", async () => (await shown(page)).includes("0123456789abcdef 0123"));
  let most = 0;
  let ended = false;
  const over = sees(page, "flood-over", 300_000).finally(() => (ended = true));
  while (!ended) {
    most = Math.max(most, await heap());
    await new Promise((r) => setTimeout(r, 1000));
  }
  await over;
  const seconds = (Date.now() - began) / 1000;
  t.diagnostic(`${Math.round(blob.length / 1e6)} MB in ${seconds.toFixed(1)} s, ${(blob.length / 1e6 / seconds).toFixed(1)} MB/s; heap ${(before / 1e6).toFixed(0)} MB before, ${(most / 1e6).toFixed(0)} MB at most`);
  assert.ok(most - before < 60e6, `the heap grew by ${(most - before) / 1e6} MB`);
  await type(page, "clear; yes still-$((40 + 2))"); // without an end of its own
  await sees(page, "still-42");
  const pressed = Date.now();
  await page.keyboard.press("Control+c");
  await prompted(page);
  t.diagnostic(`Ctrl-C was seen after ${Date.now() - pressed} ms`);
});

test("a stopped sandbox is said, and goes on", async (t) => {
  const page = await terminal(t, { expected: [/WebSocket|40[049]|409|503/] });
  await call("POST", `/api/sandbox/${box.id}/stop`);
  await page.locator("#term-status").filter({ hasText: "not running" }).waitFor({ timeout: patience });
  await picture(page, "terminal-stopped");
  await call("POST", `/api/sandbox/${box.id}/start`);
  await started();
  await page.locator("#term-status").waitFor({ state: "hidden", timeout: patience });
  await page.locator(".term:not([hidden]) .xterm-screen").click();
  await prompted(page);
  await type(page, "echo a''gain");
  await sees(page, "again");
});

test("an address of a terminal that is gone leads to one that is there, and says so", async (t) => {
  await toolbox("POST", "/process/pty", { id: "1" });
  const page = await openTab(t, "terminal?t=7");
  await rows(page).waitFor({ timeout: patience });
  await page.locator("#term-status").filter({ hasText: "There is no terminal 7" }).waitFor();
  assert.equal(await page.getByRole("tab", { selected: true }).innerText(), "Terminal 1");
  await wellMade(page, "a terminal in the place of another");
  await page.getByRole("button", { name: "Start terminal 7" }).click();
  await page.locator("#term-status").waitFor({ state: "hidden" });
  assert.equal(await page.getByRole("tab", { selected: true }).innerText(), "Terminal 7");
  assert.match(page.url(), /t=7/);
});

test("two pages that start the first terminal share it", async (t) => {
  let made;
  const page = await openTab(t, "settings", { expected: [/409/] });
  await page.route("**/process/pty", async (route) => {
    if (route.request().method() === "POST") made ??= await toolbox("POST", "/process/pty", { id: "1" }); // the other page, a little sooner
    await route.continue();
  });
  await page.goto(new URL("terminal", page.url()).href);
  await rows(page).waitFor({ timeout: patience });
  await page.locator("#term-status").waitFor({ state: "hidden" });
  await prompted(page);
  assert.ok(made, "the other page was sooner");
});

test("what is typed on a line that died silently is said to be lost", async (t) => {
  const wire = await line(t);
  const page = await terminal(t, { origin: wire.origin, expected: [/WebSocket|ERR_|Failed to load|htmx:sse:error/] });
  await type(page, "echo b''efore");
  await sees(page, "before");
  wire.hush();
  await page.keyboard.type("xy");
  await sees(page, "that you typed may not have arrived");
  await page.locator("#term-status").waitFor({ state: "hidden" });
  await type(page, "echo a''fter");
  await sees(page, "after");
});

test("a terminal whose line is cut is closed only after a question, and only if that works", async (t) => {
  const wire = await line(t);
  const page = await terminal(t, { origin: wire.origin, expected: [/WebSocket|ERR_|Failed to load|htmx:sse:error/] });
  wire.off(true);
  wire.cut();
  await page.locator("#term-status").filter({ hasText: "Trying again" }).waitFor({ timeout: patience });
  await page.locator("#term-close").click();
  await page.getByRole("button", { name: "Close it" }).click();
  await page.locator("#term-status").filter({ hasText: "The server does not answer" }).waitFor();
  assert.equal(await page.getByRole("tab").count(), 1);
  wire.off(false);
  await page.locator("#term-status").waitFor({ state: "hidden" });
});

test("a program hears of the mouse, and of pasting where it asked", async (t) => {
  const page = await terminal(t);
  const { x, y } = await page.locator(".term:not([hidden]) .xterm-screen").boundingBox();
  await type(page, "printf '\\033[?1000h\\033[?1006h\\033[?2004h'; echo rea''dy; cat -v");
  await sees(page, "ready");
  await page.mouse.click(x + 2, y + 2);
  await page.keyboard.press("Enter");
  await sees(page, "^[[<0;1;1M^[[<0;1;1m"); // the button goes down and up in the first cell
  await paste(page, "one\ntwo\n");
  await page.keyboard.press("Enter");
  await sees(page, "^[[200~one");
  await sees(page, "^[[201~");
});

test("what is selected is copied, and what is found is shown", async (t) => {
  const page = await terminal(t, { permissions: ["clipboard-read", "clipboard-write"] });
  await type(page, "clear; seq -f 'line-%g' 300; echo copy''-me");
  await sees(page, "copy-me");
  await page.keyboard.press("Control+Shift+F");
  await page.keyboard.type("line-17");
  await page.keyboard.press("Enter");
  await sees(page, "line-17");
  await page.keyboard.press("Escape");
  await page.mouse.dblclick(...(await spot(page, /^line-17/)));
  await page.keyboard.press("Control+Shift+C");
  await until("it is on the clipboard", async () => /^line-17/.test(await page.evaluate(() => navigator.clipboard.readText())));
  await page.keyboard.press("Control+Shift+V");
  await sees(page, "line-17");
});

test("a link of the output opens apart from the page", async (t) => {
  const page = await terminal(t);
  await page.context().route("https://example.org/**", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>there</title>" }));
  await type(page, "clear; echo https://example.org/a''bc");
  await sees(page, "https://example.org/abc");
  const opened = page.context().waitForEvent("page");
  const [x, y] = await spot(page, /^https:/);
  await page.mouse.move(x, y);
  await page.mouse.move(x + 1, y);
  await page.locator(".xterm-cursor-pointer").waitFor(); // the link was found
  await page.mouse.click(x + 1, y);
  const other = await opened;
  await other.waitForLoadState();
  assert.equal(other.url(), "https://example.org/abc");
  assert.deepEqual(await other.evaluate(() => [opener, document.referrer]), [null, ""]);
});

test("the keys of a phone reach the program, and what is said can be read aloud", async (t) => {
  const page = await terminal(t, { viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true });
  await type(page, "cat -v");
  await sees(page, "cat -v");
  for (const name of ["Esc", "Up", "Home", "PgUp", "Del", "Pipe"]) await page.getByRole("button", { name, exact: true }).tap();
  await page.keyboard.press("Enter");
  await sees(page, "^[^[[A^[[H^[[5~^[[3~|");
  await page.getByRole("button", { name: "Ctrl" }).tap();
  await page.keyboard.type("c");
  await prompted(page);
  await page.locator(".term-bar summary").tap();
  await page.getByLabel("Announce output to screen readers").check();
  await page.keyboard.press("Escape");
  await page.locator(".term:not([hidden]) .xterm-screen").click();
  await type(page, "echo al''oud");
  await page.locator(".xterm-accessibility", { hasText: "aloud" }).waitFor();
});
