// The playground over a sandbox: its steps, and the code that it writes, which
// is run as it is.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { closed as base, key } from "../lib.mjs";
import { call, openTab, patience, picture, snapshot, until, wellMade } from "./box.mjs";

const run = promisify(execFile);

/** Opens the page in a browser that signed in. */
async function playground(t, options) {
  const page = await openTab(t, "settings", options);
  await page.goto(`${base}/playground`);
  await page.locator("#section-Process .step").first().waitFor();
  await page.locator("#play-snapshot").selectOption(snapshot);
  return page;
}

for (const [width, colorScheme] of [[1280, "light"], [360, "dark"]]) {
  test(`the steps run in a sandbox at ${width} pixels`, async (t) => {
    const page = await playground(t, { viewport: { width, height: 800 }, colorScheme });
    await page.locator("#code-code").fill("print('it is ' + str(6 * 7))");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    const results = page.locator("#play-results");
    await until("a sandbox is made", async () => /sandbox=/.test(page.url()));
    const id = new URL(page.url()).searchParams.get("sandbox");
    t.after(() => fetch(`${base}/api/sandbox/${id}`, { method: "DELETE", headers: { Authorization: `Bearer ${key}` } }));
    await results.getByText("it is 42").waitFor({ timeout: patience });
    await results.getByText("Hello from the playground").waitFor();
    await until("every step is done", async () => (await results.locator(".state.ok").count()) === 7);
    await wellMade(page, `the playground of sandboxes at ${width} px`);
    await picture(page, `playground-${width}`);
    await page.reload();
    await page.locator("#play-box").getByText("Your sandbox is started").waitFor();
    await page.getByRole("button", { name: "Delete the sandbox" }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("There is no sandbox yet").waitFor({ timeout: patience });
    assert.ok(!page.url().includes("sandbox="));
  });
}

test("the code for curl and TypeScript does what the forms say", async (t) => {
  const page = await playground(t);
  const text = `it's "$HOME" \`x\`\n@end`;
  await page.locator("#upload-text").fill(text);
  const env = { ...process.env, DAYTONA_API_KEY: key };
  const before = (await call("GET", "/api/sandbox")).items.length;
  for (const [name, command, args] of [["curl", "bash", ["-c"]], ["TypeScript", "node", ["--input-type=module", "-e"]]]) {
    await page.getByRole("button", { name, exact: true }).click();
    const code = await page.locator("#play-code").textContent();
    assert.ok(!code.includes(key), "the key is not in the text");
    const { stdout } = await run(command, [...args, code], { env, timeout: patience });
    assert.ok(stdout.includes(text), `${name} reads back what it wrote: ${stdout}`);
    assert.ok(stdout.includes("42") && stdout.includes("hello.txt"), `${name} prints: ${stdout}`);
  }
  await until("the sandboxes are gone", async () => (await call("GET", "/api/sandbox")).items.length === before);
});
