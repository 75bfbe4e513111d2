// What is done with a sandbox from its own pages: each change is seen there
// without a reload.

import assert from "node:assert/strict";
import { test } from "node:test";
import { box, call, openTab, snapshot, toolbox, until } from "./box.mjs";

const head = (page) => page.locator("#box-head");
const settings = (page) => page.locator("#settings");

/** Waits until the page says which state the sandbox has. */
const stands = (page, state) => page.locator(`#box-head[data-state=${state}]`).waitFor();

/** Opens a tab of the sandbox, and fails when it is loaded once more. */
async function stays(t, tab, options) {
  const page = await openTab(t, tab, options);
  let loads = 0;
  page.on("domcontentloaded", () => loads++);
  t.after(() => assert.equal(loads, 0, "the page was loaded again"));
  return page;
}

/** Takes an entry of the sandbox's menu. */
async function choose(page, label) {
  await head(page).locator("summary").click();
  await head(page).locator(".item", { hasText: label }).click();
}

/** Fills the dialog that is open, and sends it. */
async function answer(page, fields, submit) {
  const dialog = page.locator("#ask[open]");
  for (const [label, value] of Object.entries(fields)) await dialog.getByLabel(label).fill(value);
  await dialog.getByRole("button", { name: submit }).click();
  await dialog.waitFor({ state: "detached" });
}

const now = () => call("GET", `/api/sandbox/${box.id}`);

test("a sandbox gets a name and labels", async (t) => {
  const page = await stays(t, "settings");
  const name = `renamed-${snapshot}-${process.pid}`;
  await choose(page, "Rename…");
  await answer(page, { Name: name }, "Rename it");
  await head(page).getByRole("heading", { name }).waitFor();
  await choose(page, "Labels…");
  await answer(page, { "One name=value on each line": "team=blue\nstage=two" }, "Save labels");
  await settings(page).getByText("team=blue").waitFor();
  const { name: is, labels } = await now();
  assert.equal(is, name);
  assert.deepEqual(labels, { team: "blue", stage: "two" });
});

test("a sandbox is killed, and starts again with its files", async (t) => {
  await toolbox("POST", "/files/upload-v2?path=kept.txt", new TextEncoder().encode("kept"));
  const page = await stays(t, "settings");
  await choose(page, "Force stop…");
  await answer(page, {}, "Kill its processes");
  await stands(page, "stopped");
  await head(page).getByRole("button", { name: "Start" }).click();
  await stands(page, "started");
  assert.equal(await toolbox("GET", "/files/download?path=kept.txt"), "kept");
});

test("a sandbox is archived and comes back with its files", async (t) => {
  await toolbox("POST", "/files/upload-v2?path=packed.txt", new TextEncoder().encode("packed"));
  const page = await stays(t, "activity");
  await head(page).getByRole("button", { name: "Stop" }).click();
  await stands(page, "stopped");
  await choose(page, "Archive…");
  await answer(page, {}, "Archive it");
  await stands(page, "archived");
  await page.locator("#activity li", { hasText: /Archived/ }).first().waitFor();
  await head(page).getByRole("button", { name: "Start" }).click();
  await stands(page, "started");
  assert.equal(await toolbox("GET", "/files/download?path=packed.txt"), "packed");
});

test("a fork has the files and a place in the tree, and its deletion can be taken back", async (t) => {
  await toolbox("POST", "/files/upload-v2?path=both.txt", new TextEncoder().encode("both"));
  const parent = await stays(t, "activity");
  const page = await parent.context().newPage();
  await page.goto(parent.url());
  const name = `fork-${snapshot}-${process.pid}`;
  await choose(page, "Fork…");
  await page.locator("#ask").getByLabel("Name of the fork").fill(name);
  await page.getByRole("button", { name: "Make the fork" }).click();
  await page.waitForURL((url) => !url.pathname.includes(box.id));
  const fork = (await call("GET", `/api/sandbox/${name}`)).id;
  t.after(() => forget(fork));
  await stands(page, "started");
  assert.equal(await call("GET", `/toolbox/${fork}/files/download?path=both.txt`), "both");
  const tree = parent.locator("#activity .tree"); // on the page that was open all the time
  await tree.getByRole("link", { name }).waitFor();
  await tree.locator("li.depth-0").getByText("this one").waitFor();
  await choose(page, "Delete…");
  await answer(page, { "To be sure": name }, "Delete it");
  await head(page).getByText("Will be deleted").waitFor();
  await head(page).getByRole("button", { name: "Undo" }).click();
  await head(page).getByText("Will be deleted").waitFor({ state: "detached" });
  assert.equal((await call("GET", `/api/sandbox/${fork}`)).state, "started");
  await page.close();
  await forget(fork);
  await tree.getByRole("link", { name }).waitFor({ state: "detached" });
});

/** Deletes a sandbox and waits until it is gone. */
async function forget(id) {
  await call("DELETE", `/api/sandbox/${id}`).catch(() => {}); // it may be gone already
  await until("the fork is gone", () => call("GET", `/api/sandbox/${id}`).then(() => false, () => true));
}

// Pausing, growing and rules of the network are what only containers have.
const inContainer = snapshot === "wasm" ? () => {} : test;

inContainer("a container is paused with its processes, and goes on", async (t) => {
  await toolbox("POST", "/process/session", { sessionId: "count" });
  await toolbox("POST", "/process/session/count/exec", { command: "while true; do date +%s%N > /tmp/count; sleep 0.1; done", runAsync: true });
  const page = await stays(t, "settings");
  await choose(page, "Pause");
  await stands(page, "paused");
  await head(page).getByRole("button", { name: "Resume" }).click();
  await stands(page, "started");
  const count = () => toolbox("GET", `/files/download?path=${encodeURIComponent("/tmp/count")}`);
  const before = await count();
  await until("the process goes on", async () => (await count()) > before);
});

inContainer("a container grows while it runs", async (t) => {
  const page = await stays(t, "settings", { expected: [/422|400|409/] });
  const { memory } = await now();
  await choose(page, "Resize…");
  const dialog = page.locator("#ask[open]");
  await dialog.getByLabel("Memory").fill("100000");
  await dialog.getByRole("button", { name: "Resize it" }).click();
  await dialog.locator(".problem, .note.error").first().waitFor(); // more than there is
  await answer(page, { Memory: String(memory + 1) }, "Resize it");
  await settings(page).getByText(new RegExp(`${memory + 1} GiB`)).first().waitFor();
  assert.equal((await now()).memory, memory + 1);
});

inContainer("the network of a container is closed and opened while it runs", async (t) => {
  const page = await stays(t, "settings", { expected: [/422|400/] });
  const change = async (fill) => {
    await settings(page).getByRole("link", { name: /^Change of/ }).and(page.locator("[href$='/network']")).click();
    const dialog = page.locator("#ask[open]");
    await dialog.getByLabel("Block everything").waitFor();
    await fill(dialog);
    await dialog.getByRole("button", { name: "Change it now" }).click();
    return dialog;
  };
  const gone = (dialog) => dialog.waitFor({ state: "detached" });
  await gone(await change((d) => d.getByLabel("Block everything").check()));
  await until("everything is blocked", async () => (await now()).networkBlockAll);
  await settings(page).getByText("All connections out of it are blocked").waitFor();
  const wrong = await change(async (d) => {
    await d.getByLabel("Block everything").uncheck();
    await d.getByLabel("Only these networks").fill("203.0.113.0/99");
  });
  await wrong.locator(".problem, .note.error").first().waitFor();
  await wrong.getByLabel("Only these networks").fill("203.0.113.0/24");
  await wrong.getByRole("button", { name: "Change it now" }).click();
  await gone(wrong);
  await settings(page).getByText("203.0.113.0/24").waitFor();
  const { networkBlockAll, networkAllowList } = await now();
  assert.equal(networkBlockAll, false);
  assert.equal(networkAllowList, "203.0.113.0/24");
});
