// The playground over a sandbox: its steps, the code that it writes, which is
// run as it is, and the terminals and the desktop of its sandbox.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { closed as base, key } from "../lib.mjs";
import { call, openTab, patience, picture, snapshot, until, wellMade } from "./box.mjs";

const run = promisify(execFile);
const container = snapshot !== "wasm";

/** Opens the page in a browser that signed in. */
async function playground(t, options) {
  const page = await openTab(t, "settings", options);
  await page.goto(`${base}/playground`);
  await page.locator("#section-Process .step").first().waitFor();
  await page.locator("#play-snapshot").selectOption(snapshot);
  return page;
}

/** Deletes the page's sandbox with the test, and returns its id. */
async function sandboxOf(t, page) {
  await until("a sandbox is made", async () => /sandbox=/.test(page.url()));
  const id = new URL(page.url()).searchParams.get("sandbox");
  t.after(() => fetch(`${base}/api/sandbox/${id}`, { method: "DELETE", headers: { Authorization: `Bearer ${key}` } }));
  return id;
}

/** Chooses the steps of these ids and no others. */
async function choose(page, ...ids) {
  for (const box of await page.locator(".step > .line input[type=checkbox]:visible").all()) await box.setChecked(ids.includes((await box.getAttribute("id")).slice(3)));
}

async function codeOf(page, language) {
  await page.getByRole("button", { name: language, exact: true }).click();
  return page.locator("#play-code").textContent();
}

for (const [width, colorScheme] of [[1280, "light"], [360, "dark"]]) {
  test(`the steps run in a sandbox at ${width} pixels`, async (t) => {
    const page = await playground(t, { viewport: { width, height: 800 }, colorScheme });
    await page.locator("#code-code").fill("print('it is ' + str(6 * 7))");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    const results = page.locator("#play-results");
    await sandboxOf(t, page);
    await results.getByText("it is 42").waitFor({ timeout: patience });
    await results.getByText("Hello from the playground").waitFor();
    await until("every step is done", async () => (await results.locator(".state.ok").count()) === 7);
    await wellMade(page, `the playground of sandboxes at ${width} px`);
    await picture(page, `playground-${width}`);
    await page.reload();
    await page.locator("#play-box").getByText("Your sandbox is started").waitFor();
    await page.getByRole("link", { name: "Terminal" }).click();
    const shown = async () => (await page.locator(".xterm-rows").innerText()).replaceAll("\u00a0", " ");
    await until("there is a prompt", async () => /[$#]$/.test((await shown()).trimEnd()));
    await page.locator(".xterm-screen").click();
    await page.keyboard.type("cat demo/hello.txt\n");
    await until("the terminal has the file", async () => (await shown()).includes("Hello from the playground"));
    await wellMade(page, `its terminal at ${width} px`);
    await picture(page, `playground-terminal-${width}`);
    await page.goBack();
    assert.equal(await page.locator("#play-work").isVisible(), true, "Back leads to the steps");
    await page.getByRole("button", { name: "Delete the sandbox" }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("There is no sandbox yet").first().waitFor({ timeout: patience });
    assert.ok(!page.url().includes("sandbox="));
  });
}

test("the sandbox stays the page's while the server does not answer, and is started again", async (t) => {
  const page = await playground(t, { expected: [/status of 503/] });
  await choose(page, "command");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const id = await sandboxOf(t, page);
  const box = page.locator("#play-box");
  await box.getByText("Your sandbox is started").waitFor({ timeout: patience });
  await until("the step is done", async () => (await page.locator("#play-run").isEnabled()));
  await page.route(`**/api/sandbox/${id}`, (route) => route.fulfill({ status: 503, json: { message: "not now" } }));
  await page.reload();
  await box.getByText("Not now.").waitFor();
  assert.ok(page.url().includes(id), "it is still in the address");
  await page.unroute(`**/api/sandbox/${id}`);
  await call("POST", `/api/sandbox/${id}/stop`);
  await box.getByText("Your sandbox is stopped").waitFor();
  await wellMade(page, "the playground of a sandbox that has stopped");
  await page.getByRole("button", { name: "Start the sandbox" }).click();
  await box.getByText("Your sandbox is started").waitFor();
});

test("output is seen while a program runs, and one without an end can be stopped", async (t) => {
  const page = await playground(t);
  await choose(page, "command");
  await page.locator("#command-command").fill("n=0; while true; do n=$((n+1)); echo line $n; sleep 0.2; done");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const id = await sandboxOf(t, page);
  const results = page.locator("#play-results");
  await results.getByText("line 3").waitFor({ timeout: patience });
  assert.equal(await results.locator(".state.busy").count(), 1, "it still runs");
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await results.getByText("You stopped it.").waitFor();
  assert.deepEqual(await call("GET", `/toolbox/${id}/process/session`), [], "its session is gone");

  await page.locator("#session-command").fill("echo of the session; exit 3");
  await page.getByRole("button", { name: "Do it: Create a session" }).click();
  await results.getByText("of the session").waitFor({ timeout: patience });
  await results.getByText("It ended with exit code 3.").waitFor();

  for (const [language, code] of [["typescript", "const n: number = 7; console.log('in', 6 * n)"], ["javascript", "console.log('in', 40 + 2)"]]) {
    await page.locator("#play-kind").selectOption(language);
    await page.locator("#code-code").fill(code);
    await page.getByRole("button", { name: "Do it: Run code" }).click();
    await results.getByText("in 42").waitFor({ timeout: patience });
  }
});

test("the code for curl and TypeScript does what the forms say", async (t) => {
  const page = await playground(t);
  const text = `it's "$HOME" \`x\`\n@end`;
  await page.locator("#upload-text").fill(text);
  await page.locator("#do-session").check();
  await page.locator("#session-command").fill("echo of the session");
  await page.getByText("What happens by itself").click();
  await page.locator("#play-archive").fill("90");
  await page.locator("#play-delete-after").fill("120");
  const env = { ...process.env, DAYTONA_API_KEY: key };
  const ours = async () => (await call("GET", "/api/sandbox")).items.filter((s) => s.autoDeleteInterval === 120);
  for (const [name, command, args] of [["curl", "bash", ["-c"]], ["TypeScript", "node", ["--input-type=module", "-e"]]]) {
    const code = await codeOf(page, name);
    assert.ok(!code.includes(key), "the key is not in the text");
    const { stdout } = await run(command, [...args, code], { env, timeout: patience });
    assert.ok(stdout.includes(text), `${name} reads back what it wrote: ${stdout}`);
    assert.ok(stdout.includes("42") && stdout.includes("hello.txt") && stdout.includes("of the session"), `${name} prints: ${stdout}`);
  }
  await until("the sandboxes are gone", async () => (await ours()).length === 0);
});

test("the code for Python, Go and the CLI is whole, whatever is in the forms", async (t) => {
  const page = await playground(t);
  const dir = await mkdtemp(join(tmpdir(), "playground-"));
  t.after(() => rm(dir, { recursive: true }));
  await page.locator("#upload-text").fill(`it's "$HOME" \`x\` \\ \u2028 \u00fc\n'''"""`);
  const check = async (what) => {
    await writeFile(join(dir, "code.py"), await codeOf(page, "Python"));
    await run("python3", ["-m", "py_compile", join(dir, "code.py")]);
    const go = await codeOf(page, "Go");
    await writeFile(join(dir, "code.go"), go);
    await run("gofmt", ["-l", join(dir, "code.go")]).then(({ stdout }) => assert.equal(stdout, "", `${what}: the Go code is formatted`));
    for (const name of ["encoding/base64", "fmt"]) assert.equal(go.includes(`"${name}"`), go.includes(`${name.split("/").pop()}.`), `${what}: ${name} is imported where it is used`);
    await run("sh", ["-n", "-c", await codeOf(page, "CLI")]);
    await run("sh", ["-n", "-c", await codeOf(page, "curl")]);
  };
  for (const box of await page.locator("#play-code-steps .step > .line input").all()) await box.check();
  await check("every step");
  await page.getByRole("link", { name: "Desktop", exact: true }).click();
  for (const box of await page.locator("#play-desktop-steps .step > .line input").all()) await box.check();
  await check("every step on a desktop");
  if (container) {
    await page.locator("#play-snapshot").selectOption({ label: "An image, with a size of your choice" });
    await page.locator("#play-cpu").fill("2");
    await check("an image");
    assert.match(await codeOf(page, "Python"), /CreateSandboxFromImageParams\(image="sandpiper\/sandbox:1", resources=Resources\(cpu=2, memory=1, disk=3\)/);
  }
});

test("an image starts with the size and the clocks that are asked for", { skip: !container && "images need containers" }, async (t) => {
  const page = await playground(t);
  await page.locator("#play-snapshot").selectOption({ label: "An image, with a size of your choice" });
  await page.locator("#play-memory").fill("2");
  await page.getByText("What happens by itself").click();
  await page.locator("#play-stop").fill("7");
  await page.locator("#play-delete-after").fill("33");
  await choose(page, "command");
  await page.locator("#command-command").fill("echo started");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const id = await sandboxOf(t, page);
  await page.locator("#play-results").getByText("started", { exact: true }).waitFor({ timeout: patience });
  const made = await call("GET", `/api/sandbox/${id}`);
  assert.deepEqual([made.memory, made.autoStopInterval, made.autoDeleteInterval, made.labels["code-toolbox-language"]], [2, 7, 33, "python"]);
});

for (const [width, colorScheme] of [[1280, "dark"], [360, "light"]]) {
  test(`steps act on the live desktop at ${width} pixels`, { skip: !container && "desktops need containers" }, async (t) => {
    const page = await playground(t, { viewport: { width, height: 900 }, colorScheme });
    await page.getByRole("link", { name: "Desktop", exact: true }).click();
    await page.getByRole("button", { name: "Make one with a desktop" }).click();
    const id = await sandboxOf(t, page);
    await page.getByRole("button", { name: "Start the desktop", exact: true }).click({ timeout: patience });
    await page.locator("#play-desk[data-connected=true] canvas").waitFor({ timeout: patience });
    await choose(page, "desk-move", "desk-shot", "desk-windows");
    await page.locator("#desk-move-x").fill("123");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    const results = page.locator("#play-results");
    await until("every step is done", async () => (await results.locator(".state.ok").count()) === 3);
    await until("the screenshot is a picture", () => results.locator("img").evaluate((img) => img.naturalWidth > 100));
    assert.equal((await call("GET", `/toolbox/${id}/computeruse/mouse/position`)).x, 123);
    await page.locator("#actions-list").getByText("mouse.move").waitFor();
    for (const name of ["Small screenshot", "Screenshot of a region"]) {
      await page.getByRole("button", { name: `Do it: ${name}` }).click();
      await until(`${name} is a picture`, () => results.locator("img").evaluate((img) => img.naturalWidth > 100));
    }
    await wellMade(page, `the desktop of the playground at ${width} px`);
    await page.evaluate(() => scrollTo(0, 0));
    await picture(page, `playground-desktop-${width}`);
  });
}

test("the code for desktops does what the forms say", { skip: !container && "desktops need containers" }, async (t) => {
  const page = await playground(t);
  const dir = await mkdtemp(join(tmpdir(), "playground-"));
  t.after(() => rm(dir, { recursive: true }));
  await page.locator("#play-snapshot").selectOption("sandpiper-desktop");
  await page.getByRole("link", { name: "Desktop", exact: true }).click();
  for (const box of await page.locator("#play-desktop-steps .step > .line input").all()) await box.check();
  await page.locator("#do-desk-small").uncheck(); // it is written to another file
  const env = { ...process.env, DAYTONA_API_KEY: key, NODE_PATH: join(process.cwd(), "node_modules") };
  const { stdout } = await run("bash", ["-c", await codeOf(page, "curl")], { env, timeout: patience, maxBuffer: 32 << 20 });
  assert.ok(stdout.includes('"windows"') && stdout.includes('"screenshot"'), "curl prints what comes back");
  await page.locator("#do-desk-region").uncheck(); // the SDK sends its numbers in the wrong order
  const code = (await codeOf(page, "TypeScript")).replace('"screen.png"', JSON.stringify(join(dir, "screen.png")));
  await run("node", ["--input-type=module", "-e", code], { env, timeout: patience });
  assert.equal((await readFile(join(dir, "screen.png"))).subarray(1, 4).toString(), "PNG");
});
