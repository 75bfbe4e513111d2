// Desktops: what people do with them on the snapshot that has one, and what
// sandboxes without one say.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { shared, snapshot, until, wasm } from "./lib.mjs";

const desktop = snapshot === "sandpiper-desktop";
let use;
const box = shared({}, async (it) => {
  use = it.computerUse;
  if (!desktop) return;
  const started = await use.start();
  assert.ok(started.message);
  assert.ok(Object.values(started.status).every((p) => p.running), JSON.stringify(started.status));
});

if (!desktop) test("a clear refusal that names the snapshot with a desktop", async () => {
  await assert.rejects(use.start(), (e) => {
    assert.match(e.message, /sandpiper-desktop/);
    return wasm ? e.statusCode === 501 : e.statusCode >= 400;
  });
});

if (desktop) {
  const windows = async () => (await use.display.getWindows()).windows;
  const active = async (title) => (await windows()).find((w) => w.isActive && w.title.includes(title));

  /** Opens an editor of a new file; both go with the test. */
  async function edit(t, name, content = "") {
    const path = `/tmp/${name}`;
    await box.it.fs.uploadFile(Buffer.from(content), path);
    await box.it.process.executeCommand(`nohup mousepad --disable-server ${path} >/dev/null 2>&1 & echo $! >/tmp/${name}.pid`);
    t.after(async () => {
      await box.it.process.executeCommand(`kill $(cat /tmp/${name}.pid)`);
      await until("the end of the editor", async () => (await windows()).every((w) => !w.title.includes(name)), windows);
    });
    await until(`an active window ${name}`, () => active(name), windows);
    return { path, text: await placed(name) };
  }

  /**
   * Waits until the text of the editor lies in its window as the screen has it: a
   * window is moved after it was made, and the editor hears of that later.
   */
  async function placed(name) {
    let seen;
    return until("the text of the editor in its window", async () => {
      const { matches } = await use.accessibility.findNodes({ scope: "focused", role: "text", states: ["multi line"] });
      const window = await active(name);
      seen = { window, matches };
      const near = (a, b) => Math.abs(a - b) < 20; // frames and scroll bars
      return window && matches.find(({ bounds: b }) => b?.width > 0 && near(b.x, window.x) && near(b.x + b.width, window.x + window.width) && near(b.y + b.height, window.y + window.height));
    }, () => seen);
  }

  const saved = async (path) => (await box.it.fs.downloadFile(path)).toString("utf8");

  /** Waits until the editor has saved what the test wants. */
  const holds = (path, wanted) => until(`the file with ${wanted}`, async () => wanted.test(await saved(path)), () => saved(path));

  test("status, and that of each process", async () => {
    assert.equal((await use.getStatus()).status, "active");
    for (const name of ["xvfb", "xfce4", "x11vnc", "novnc"]) {
      assert.equal((await use.getProcessStatus(name)).running, true, name);
      assert.equal((await use.getProcessLogs(name)).processName, name);
      assert.equal((await use.getProcessErrors(name)).processName, name);
    }
  });

  test("screenshots: whole, a region, compressed and smaller", async () => {
    const size = (shot) => {
      const png = Buffer.from(shot.screenshot, "base64");
      assert.equal(png.subarray(1, 4).toString(), "PNG");
      assert.equal(png.length, shot.sizeBytes);
      return [png.readUInt32BE(16), png.readUInt32BE(20)];
    };
    const { displays } = await use.display.getInfo();
    const { width, height } = displays[0];
    assert.deepEqual([displays.length, width, height], [1, 1280, 800]);
    assert.deepEqual(size(await use.screenshot.takeFullScreen(true)), [width, height]);
    // This client sends height, width, y, x of whole pictures of a region in
    // the places of x, y, width, height: only these numbers survive that.
    const region = { x: 200, y: 300, width: 300, height: 200 };
    assert.deepEqual(size(await use.screenshot.takeRegion(region)), [300, 200]);
    assert.deepEqual(size(await use.screenshot.takeCompressedRegion(region, { scale: 0.5 })), [150, 100]);
    const jpeg = await use.screenshot.takeCompressed({ format: "jpeg", quality: 40 });
    assert.equal(Buffer.from(jpeg.screenshot, "base64").readUInt16BE(0), 0xffd8);
    await assert.rejects(use.screenshot.takeCompressedRegion({ ...region, x: 5000 }), (e) => e.statusCode === 400);
  });

  test("the pointer moves, and is where it was moved to", async () => {
    await use.mouse.move(321, 123);
    const { x, y } = await use.mouse.getPosition();
    assert.deepEqual([x, y], [321, 123]);
    await assert.rejects(use.mouse.move(-5, 100_000), (e) => e.statusCode === 400);
  });

  test("type, press and hotkey write a file", async (t) => {
    const { path } = await edit(t, "typed.txt");
    await use.keyboard.type("Grüße, 世界");
    await use.keyboard.press("Return");
    await use.keyboard.press("a", ["shift"]);
    await use.keyboard.hotkey("ctrl+s");
    await holds(path, /^Grüße, 世界\nA/);
  });

  test("a double click selects a word, and a drag a line", async (t) => {
    const { path, text } = await edit(t, "selected.txt", "word other\n");
    const { x, y } = text.bounds;
    await use.mouse.click(x + 15, y + 10, "left", true);
    await use.keyboard.type("changed");
    await use.keyboard.hotkey("ctrl+s");
    await holds(path, /^changed other\n$/);
    await use.mouse.drag(x + 400, y + 10, x + 1, y + 10);
    await use.keyboard.type("gone");
    await use.keyboard.hotkey("ctrl+s");
    await holds(path, /^gone\n$/);
  });

  test("scrolling shows other lines", async (t) => {
    const { text } = await edit(t, "long.txt", Array.from({ length: 500 }, (_, i) => `line ${i}`).join("\n"));
    const { x, y, width, height } = text.bounds;
    // What is on the screen; the blinking cursor of the first line is left out.
    const region = { x: x + 5, y: y + 60, width: Math.min(width, 300), height: Math.min(height, 200) };
    const empty = 2000; // more than a picture without text has
    const look = async () => (await use.screenshot.takeCompressedRegion(region)).screenshot;
    const settled = () =>
      until("a picture with text that stays", async () => {
        const shot = await look();
        await new Promise((resolve) => setTimeout(resolve, 200));
        return shot.length > empty && shot === (await look()) && shot;
      });
    // The editor may still be arranging itself in the first picture, or be late
    // with one of the others: what it shows then does not come back.
    await until("other lines, and the first ones again", async () => {
      const top = await settled();
      assert.equal(await use.mouse.scroll(x + 50, y + 50, "down", 5), true);
      const below = await settled();
      assert.equal(await use.mouse.scroll(x + 50, y + 50, "up", 20), true);
      return below !== top && (await settled()) === top;
    });
  });

  test("accessibility: tree, focus, value and action", async (t) => {
    const { path, text } = await edit(t, "reached.txt");
    const { root } = await use.accessibility.getTree({ scope: "focused", maxDepth: 2 });
    assert.ok(root.children.length > 0, JSON.stringify(root));
    await use.accessibility.focusNode(text.id);
    await use.accessibility.setNodeValue(text.id, "by value");
    const { matches } = await use.accessibility.findNodes({ scope: "focused", role: "menu item", name: "^Save\\s*$", nameMatch: "regex" });
    assert.equal(matches.length, 1);
    await use.accessibility.invokeNode(matches[0].id);
    await holds(path, /by value/);
    await assert.rejects(use.accessibility.invokeNode("none"), (e) => e.statusCode >= 400 && e.statusCode < 500);
  });

  test("recordings: start, stop, list, download and delete", async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "recording-"));
    t.after(() => rm(dir, { recursive: true }));
    const { recording } = use;
    const { id, status } = await recording.start("sdk");
    assert.equal(status, "active");
    await assert.rejects(recording.delete(id), (e) => e.statusCode === 409);
    const film = await recording.stop(id);
    assert.equal(film.status, "completed");
    assert.ok((await recording.list()).recordings.some((r) => r.id === id));
    assert.equal((await recording.get(id)).sizeBytes, film.sizeBytes);
    await recording.download(id, join(dir, "film.mp4"));
    const bytes = await readFile(join(dir, "film.mp4"));
    assert.deepEqual([bytes.length, bytes.subarray(4, 8).toString()], [film.sizeBytes, "ftyp"]);
    await recording.delete(id);
    await assert.rejects(recording.get(id), (e) => e.statusCode === 404);
  });
}
