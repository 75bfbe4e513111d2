// The desktop of a real container in a real browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { closed as base, key, line, packageFile, patience, signInLink, visit } from "../lib.mjs";

const axe = packageFile("axe-core/axe.min.js");
const source = process.env.SANDPIPER_DESKTOP_IMAGE ? { image: process.env.SANDPIPER_DESKTOP_IMAGE } : { snapshot: "sandpiper-desktop" };
const home = "/home/daytona";
let id;
let state; // of a browser that signed in

async function call(method, path, body, accept = [200, 201, 204]) {
  const answer = await fetch(base + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, ...(body ? { "Content-Type": "application/json" } : {}) },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(accept.includes(answer.status), `${method} ${path}: ${answer.status} ${text}`);
  return text && text.startsWith("{") ? JSON.parse(text) : text;
}

const toolbox = (method, path, body, accept) => call(method, `/toolbox/${id}${path}`, body, accept);

/** Waits until a question has the answer that is wanted. */
async function until(what, ask) {
  const end = Date.now() + patience;
  for (let last; ; await new Promise((r) => setTimeout(r, 100))) {
    try {
      const got = await ask();
      if (got) return got;
      last = got;
    } catch (e) {
      last = e;
    }
    if (Date.now() > end) assert.fail(`${what}: ${last}`);
  }
}

/** What a file in the sandbox holds, "" while it is not there. */
async function file(name) {
  const answer = await fetch(`${base}/toolbox/${id}/files/download?path=${encodeURIComponent(`${home}/${name}`)}`, { headers: { Authorization: `Bearer ${key}` } });
  return answer.ok ? (await answer.text()).trim() : "";
}

before(async () => {
  const made = await call("POST", "/api/sandbox", { ...source, name: "desktop-test", autoStopInterval: 0 });
  id = made.id;
  await until("the sandbox is started", async () => (await call("GET", `/api/sandbox/${id}`)).state === "started");
});

after(async () => {
  if (id) await call("DELETE", `/api/sandbox/${id}`);
});

// noVNC logs this as an error when a connection ends while it still draws what it got.
const cutOff = /Got data while (disconnected|in an invalid state)/;

/** Opens the page of the desktop in a browser that signed in. */
async function desktop(t, { expected = [], ...options } = {}) {
  const place = state ? `${base}/sandboxes/${id}/desktop` : signInLink;
  const page = await visit(t, place, { ...(state ? { storageState: state } : {}), expected: [cutOff, ...expected], ...options });
  if (state) return page;
  state = await page.context().storageState();
  await page.goto(`${base}/sandboxes/${id}/desktop`);
  return page;
}

async function connected(page) {
  await page.locator("#desk[data-connected]").waitFor({ timeout: patience });
  return page;
}

/** Waits until the picture has more than a few colours. */
async function pictured(page) {
  await page.waitForFunction(
    () => {
      const canvas = document.querySelector("#picture canvas");
      if (!canvas?.width) return false;
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const colours = new Set();
      for (let i = 0; i < data.length; i += 4 * 97) colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
      return colours.size > 5;
    },
    undefined,
    { timeout: patience },
  );
}

async function control(page, on) {
  const button = page.locator("#control");
  if (((await button.getAttribute("aria-pressed")) === "true") !== on) await button.click();
  assert.equal(await button.getAttribute("aria-pressed"), String(on));
}

async function type(page, text) {
  await page.locator("#picture canvas").focus();
  await page.keyboard.type(text, { delay: 15 });
}

async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] }));
  const serious = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`), [], what);
}

test("the desktop is started from its page and seen there", async (t) => {
  const page = await desktop(t);
  await page.getByRole("button", { name: "Start the desktop" }).click();
  await connected(page);
  await pictured(page);
  assert.equal((await toolbox("GET", "/computeruse/status")).status, "active");
});

test("what is typed in control reaches a terminal, and while watching it does not", async (t) => {
  const page = await connected(await desktop(t));
  await pictured(page);
  await control(page, true);
  await toolbox("POST", "/process/execute", { command: `sh -c "DISPLAY=:0 setsid xfce4-terminal --maximize >/dev/null 2>&1 &"`, timeout: 20 });
  await until("the terminal is there", async () => (await toolbox("GET", "/computeruse/display/windows")).windows.some((w) => /terminal/i.test(w.title) && w.isActive));
  // The first letters may come before the shell does, so the command is typed until it has run.
  await until("the first command", async () => {
    await type(page, "\necho one > one.txt\n");
    return (await file("one.txt")) === "one";
  });
  await control(page, false);
  await type(page, "echo two > two.txt\n");
  await control(page, true);
  await type(page, "echo three > three.txt\n");
  await until("the third command", async () => (await file("three.txt")) === "three");
  assert.equal(await file("two.txt"), "", "a page that watches typed");
});

test("the keyboard leaves the picture, with nothing held down", async (t) => {
  const page = await connected(await desktop(t));
  await control(page, true);
  await type(page, "\n");
  await page.keyboard.press("Tab");
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
  assert.equal(await focused(), "CANVAS", "Tab is the desktop's");
  await page.keyboard.press("Control+Shift+L");
  assert.equal(await focused(), "control");
  await page.keyboard.press("Tab");
  assert.notEqual(await focused(), "CANVAS");
  await until("what is typed afterwards is plain", async () => {
    await type(page, "\necho plain > plain.txt\n");
    return (await file("plain.txt")) === "plain";
  });
});

test("a text is put on the desktop's clipboard", async (t) => {
  const page = await connected(await desktop(t));
  await control(page, true);
  await page.locator("#clip > summary").click();
  await page.locator("#clip-text").fill("crosses over: äß€");
  await page.locator("#clip-send").click();
  await page.keyboard.press("Escape");
  await until("the text is pasted", async () => {
    await type(page, "cat > clip.txt\n");
    await page.keyboard.press("Control+Shift+V");
    await type(page, "\n");
    await page.keyboard.press("Control+D");
    return (await file("clip.txt")).includes("crosses over: äß€");
  });
});

test("what is copied on the desktop comes to the page, and to the visitor's clipboard where that was asked for", async (t) => {
  const page = await connected(await desktop(t, { permissions: ["clipboard-read", "clipboard-write"] }));
  const copy = (text) => toolbox("POST", "/process/execute", { command: `printf %s '${text}' | DISPLAY=:0 xclip -selection clipboard >/dev/null 2>&1`, timeout: 20 });
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await control(page, true);
  await page.locator("#clip > summary").click();
  await copy("from inside: äß€");
  await until("the page has the text", async () => (await page.locator("#clip-text").inputValue()) === "from inside: äß€");
  assert.notEqual(await clipboard(), "from inside: äß€", "nobody asked for the visitor's clipboard");
  await page.locator("#clip-sync").check();
  await copy("and now on both");
  await until("the visitor's clipboard has the text", async () => (await clipboard()) === "and now on both");
});

test("the desktop takes the size of the page", async (t) => {
  const page = await connected(await desktop(t));
  const width = async () => (await toolbox("GET", "/computeruse/display/info")).displays[0].width;
  const wide = await width();
  await control(page, true);
  await page.locator("#view > summary").click();
  await page.getByLabel("Change the desktop to the page's size").check();
  const stage = await page.evaluate(() => document.getElementById("picture").clientWidth);
  assert.notEqual(stage, wide);
  await until("the desktop's size", async () => (await width()) === stage);
  await page.getByLabel("Fit the picture to the page").check();
});

test("on a phone a tap is where the finger is", async (t) => {
  const page = await connected(await desktop(t, { viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true }));
  await pictured(page);
  await control(page, true);
  const canvas = page.locator("#picture canvas");
  const tapped = async (across, down) => {
    const { x, y, width, height } = await canvas.boundingBox();
    await page.touchscreen.tap(x + across * width, y + down * height);
    const { displays } = await toolbox("GET", "/computeruse/display/info");
    await until(`the pointer is ${across} across and ${down} down`, async () => {
      const at = await toolbox("GET", "/computeruse/mouse/position");
      return Math.abs(at.x / displays[0].width - across) < 0.05 && Math.abs(at.y / displays[0].height - down) < 0.05;
    });
  };
  await tapped(0.25, 0.6);
  await tapped(0.75, 0.4);
});

/** Opens a window that writes down what it is sent, and returns what it has written. */
async function listening(t) {
  const name = `events-${Date.now()}.txt`;
  await toolbox("POST", "/process/execute", { command: `sh -c "DISPLAY=:0 setsid stdbuf -oL xev -name listens -geometry 700x500+20+20 -event keyboard -event button > ${home}/${name} 2>&1 &"`, timeout: 20 });
  t.after(() => toolbox("POST", "/process/execute", { command: "pkill -x xev", timeout: 20 }));
  await until("the window is there", async () => (await toolbox("GET", "/computeruse/display/windows")).windows.some((w) => w.title === "listens" && w.isActive));
  return () => file(name);
}

test("keys that the browser keeps are sent from the menu, at every quality and in full screen", async (t) => {
  const page = await connected(await desktop(t));
  await pictured(page);
  await control(page, true);
  const heard = await listening(t);
  const send = async (name) => {
    await page.locator("#keys > summary").click();
    await page.locator("#keys").getByRole("button", { name, exact: true }).click();
  };
  await send("Ctrl+W");
  await until("the window hears Ctrl and W", async () => /state 0x4, keycode \d+ \(keysym 0x77, w\)/.test(await heard()));
  // This one is the desktop's own: it asks whether to log out, and hears all keys meanwhile.
  const asks = async () => /"xfce4-session".* \d{3}x\d{3}\+/.test((await toolbox("POST", "/process/execute", { command: 'sh -c "DISPLAY=:0 xwininfo -root -tree"', timeout: 20 })).result);
  await send("Ctrl+Alt+Del");
  await until("the desktop asks whether to log out", asks);
  await until("the question is gone", async () => (await send("Esc"), !(await asks())));
  await page.locator("#view > summary").click();
  await page.getByLabel("Picture", { exact: true }).selectOption("low");
  await page.keyboard.press("Escape");
  await page.locator("#full").click();
  await page.waitForFunction(() => document.fullscreenElement);
  await send("F11");
  await until("the window hears F11", async () => /keysym 0xffc8, F11/.test(await heard()));
  await pictured(page);
  await page.locator("#full").click();
  await page.waitForFunction(() => !document.fullscreenElement);
  await page.locator("#view > summary").click();
  await page.getByLabel("Picture", { exact: true }).selectOption("good");
});

test("on a phone a long press is the other button, two fingers turn the wheel, and apart they make it larger", async (t) => {
  const page = await connected(await desktop(t, { viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true }));
  await pictured(page);
  await control(page, true);
  const heard = await listening(t);
  const { x, y, width, height } = await page.locator("#picture canvas").boundingBox();
  const at = (dx, dy) => ({ x: x + width * (0.2 + dx), y: y + height * (0.3 + dy) });
  const cdp = await page.context().newCDPSession(page);
  const touch = (type, ...touchPoints) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: touchPoints.map((p, id) => ({ ...p, id })) });
  await touch("touchStart", at(0, 0));
  await until("the long press is the third button", async () => /ButtonPress[^]*button 3/.test(await heard()));
  await touch("touchEnd");
  await touch("touchStart", at(0, 0), at(0.1, 0));
  for (let i = 1; i <= 10; i++) await touch("touchMove", at(0, i * 0.03), at(0.1, i * 0.03));
  await touch("touchEnd");
  await until("two fingers turn the wheel", async () => /button [45],/.test(await heard()));
  await touch("touchStart", at(0, 0), at(0.1, 0));
  for (let i = 1; i <= 10; i++) await touch("touchMove", at(-i * 0.01, 0), at(0.1 + i * 0.04, 0));
  await touch("touchEnd");
  await until("two fingers that part turn it with Ctrl held", async () => /state 0x4, button 4,/.test(await heard()));
});

test("the picture comes back when the line was cut", async (t) => {
  const wire = await line(t);
  const page = await desktop(t, { expected: [/WebSocket|ERR_|Failed to load|htmx:sse:error/] });
  await page.goto(`${wire.origin}/sandboxes/${id}/desktop`);
  await connected(page);
  wire.off(true);
  wire.cut();
  await page.locator("#desk:not([data-connected])").waitFor();
  wire.off(false);
  await connected(page);
  await pictured(page);
});

test("what agents do is listed and marked, live", async (t) => {
  const page = await connected(await desktop(t, { reducedMotion: "reduce" }));
  await page.evaluate(() => new MutationObserver((all) => all.forEach((m) => m.addedNodes.forEach((n) => (window.marked = n.className)))).observe(document.getElementById("marks"), { childList: true }));
  await toolbox("POST", "/computeruse/mouse/click", { x: 321, y: 234 });
  const entry = page.locator("#actions-list li", { hasText: "mouse.click" }).last();
  await entry.waitFor();
  assert.match(await entry.innerText(), /321/);
  await page.waitForFunction(() => /click/.test(window.marked ?? ""));
  await page.locator("#actions-pause").click();
  const before = await page.locator("#actions-list li").count();
  await toolbox("POST", "/computeruse/mouse/move", { x: 20, y: 30 });
  await page.getByText("1 new action", { exact: true }).waitFor();
  assert.equal(await page.locator("#actions-list li").count(), before);
  await page.locator("#actions-pause").click();
  assert.ok((await page.locator("#actions-list li").count()) > before);
});

test("a page that finds an agent at work only watches at first", async (t) => {
  await toolbox("POST", "/computeruse/mouse/move", { x: 200, y: 300 });
  const page = await connected(await desktop(t));
  await page.getByRole("button", { name: "Take control" }).waitFor();
  await page.getByText("An agent is at work here").waitFor();
});

test("a link shows the picture to somebody without an account until it is ended", async (t) => {
  const owner = await connected(await desktop(t));
  await owner.locator("#desk-side summary", { hasText: "People and links" }).click();
  await owner.getByRole("button", { name: "Make a link to watch" }).click();
  const link = await owner.locator("input[id^=link-]").last().inputValue();
  const viewer = await visit(t, link, { viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true });
  await connected(viewer);
  await pictured(viewer);
  await accessible(viewer, "the shared page");
  assert.doesNotMatch(await viewer.content(), /desktop-test|\/sandboxes/);
  await owner.getByText("One person watches by a link", { exact: false }).waitFor();
  const before = await file("viewer.txt");
  await type(viewer, "echo viewer > viewer.txt\n");
  await owner.getByRole("button", { name: "End it" }).click();
  await viewer.getByText("This link was ended", { exact: false }).waitFor();
  assert.equal((await fetch(link)).status, 404);
  assert.equal(await file("viewer.txt"), before);
});

test("the picture comes back when the screen was restarted", async (t) => {
  const page = await connected(await desktop(t));
  await toolbox("POST", "/computeruse/process/xvfb/restart");
  await until("the page lost the screen, and has one again", () => page.evaluate(() => performance.getEntriesByName("desktop-connected").length > 1));
  await connected(page);
});

for (const colorScheme of ["light", "dark"]) {
  test(`the page is accessible and fits a phone in the ${colorScheme} theme`, async (t) => {
    const page = await connected(await desktop(t, { colorScheme }));
    for (const closed = page.locator(".desk-part:not([open]) > summary"); (await closed.count()) > 0; ) await closed.first().click();
    await accessible(page, "at 1280 pixels");
    await page.setViewportSize({ width: 360, height: 720 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `the page is ${width} pixels wide in a window of 360`);
    await accessible(page, "at 360 pixels");
  });
}

test("the screen is recorded, and the film plays", async (t) => {
  const page = await connected(await desktop(t));
  await page.locator("#recordings > summary").click();
  await page.getByRole("button", { name: "Start a recording" }).click();
  await page.getByText("being recorded now").waitFor();
  await toolbox("POST", "/computeruse/mouse/move", { x: 400, y: 300 });
  await new Promise((r) => setTimeout(r, 2000)); // so that there is something to see
  await page.getByRole("button", { name: "Stop the recording" }).click();
  await page.getByRole("button", { name: /^Play / }).first().click();
  await page.waitForFunction(() => (document.querySelector("#films video")?.duration ?? 0) > 0.5 || document.querySelector("#films video")?.error, undefined, { timeout: patience });
  assert.equal(await page.evaluate(() => document.querySelector("#films video").error?.message ?? ""), "");
  await page.getByRole("button", { name: /^Delete / }).first().click();
  await page.getByRole("button", { name: /for good$/ }).click();
  await page.getByText("None yet. A recording is a film").waitFor();
});

test("recordings have a port, for members only", async (t) => {
  const place = `http://33333-${id}.localhost:${new URL(base).port}/`;
  const page = await desktop(t, { expected: [/ERR_ABORTED/] });
  await page.goto(place);
  await page.getByRole("heading", { name: "Recordings" }).waitFor();
  await page.getByRole("button", { name: "Start a recording" }).click();
  await page.getByRole("button", { name: "Stop the recording" }).click();
  await page.getByRole("button", { name: /^Delete / }).first().click();
  await page.getByRole("button", { name: /for good$/ }).click();
  await page.locator("#films-none").waitFor();
  assert.equal(page.url(), place);
  await accessible(page, "the recordings at their port");
  const stranger = await visit(t, place);
  await stranger.locator("#key").waitFor(); // the form to sign in
  assert.equal(new URL(stranger.url()).origin, base);
});

test("a sandbox that stops says so, and a WebAssembly one has no screen", async (t) => {
  const page = await connected(await desktop(t, { expected: [/ERR_INCOMPLETE_CHUNKED_ENCODING|WebSocket/] })); // its streams end with it
  await call("POST", `/api/sandbox/${id}/stop`);
  await page.getByText(/The sandbox is stopp(ed|ing)/).waitFor({ timeout: patience });
  const small = await call("POST", "/api/sandbox", { snapshot: "wasm" });
  t.after(() => call("DELETE", `/api/sandbox/${small.id}`));
  await page.goto(`${base}/sandboxes/${small.id}/desktop`);
  await page.getByText("No screen in this sandbox").waitFor();
  await accessible(page, "without a screen");
});
