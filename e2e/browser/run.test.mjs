// A program in the playground, from the key that starts it to its end.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ended, playground, program, run, said, says, text, type } from "./lib.mjs";

test("a fresh visitor presses Run and sees output", async (t) => {
  const page = await playground(t);
  assert.match(await run(page), /Finished/);
  assert.ok((await said(page)).length > 50, "the welcome program says something");
  assert.match(await text(page, "#status .where"), /WebAssembly/);
  assert.match(await text(page, "#status .figures"), /\d m?s/);
});

test("output appears as it is written", async (t) => {
  const page = await playground(t);
  await type(page, "print('line 0')\ninput()\nprint('line 1')\n"); // it waits until its first line was seen
  await page.locator("#run").click();
  await asked(page, "line 0");
  assert.ok(await page.locator("#stop").isVisible(), "it is running still");
  await page.keyboard.press("Enter");
  assert.match(await ended(page), /Finished/);
  assert.match(await said(page), /^line 0\n\s*line 1\n$/);
});

test("stdout and stderr stay in order and can be told apart without colour", async (t) => {
  const page = await playground(t);
  await type(page, "import sys\nprint('one', flush=True)\nprint('two', file=sys.stderr, flush=True)\nprint('three')\n");
  await run(page);
  const blocks = await page.locator("#screen .log pre").evaluateAll((all) => all.map((e) => [e.className, e.innerText.trim()]));
  assert.deepEqual(blocks.map(([c]) => c), ["out", "err", "out"]);
  assert.match(blocks[1][1], /stderr[\s\S]*two/i);
});

/** Waits until the line for live input is there and has the focus by itself. */
async function asked(page, question) {
  await says(page, question);
  await page.waitForFunction(() => document.activeElement.getAttribute("aria-label") === "Input for the program");
}

test("a program asks, the visitor types, Ctrl-D ends the input", async (t) => {
  const page = await playground(t);
  await type(page, "import sys\nname = input('name? ')\nprint('hello', name)\nrest = sys.stdin.read()\nprint(len(rest.split()), 'words')\n");
  await page.locator("#run").click();
  await asked(page, "name?");
  await page.keyboard.type("Ada");
  await page.keyboard.press("Enter");
  await says(page, "hello Ada");
  await page.keyboard.type("two words");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+d");
  assert.match(await ended(page), /Finished/);
  assert.match(await said(page), /2 words/);
});

test("Ctrl-C in the input line interrupts", async (t) => {
  const page = await playground(t);
  await type(page, "input('wait ')\n");
  await page.locator("#run").click();
  await asked(page, "wait");
  await page.keyboard.press("Control+c");
  assert.doesNotMatch(await ended(page), /Finished/);
});

test("input and arguments given before the run", async (t) => {
  const page = await playground(t);
  await type(page, "import sys\nprint(sys.argv[1:])\nprint(sys.stdin.read().upper())\n");
  await page.locator("#given summary").click();
  await page.locator("#stdin").fill("from the box\n");
  await page.locator("#args").fill(`one "two words"`);
  await run(page);
  assert.match(await said(page), /\['one', 'two words'\]\nFROM THE BOX/);
});

test("Stop ends a loop at once and keeps what was said", async (t) => {
  const page = await playground(t);
  await type(page, "print('before', flush=True)\nwhile True:\n    try:\n        while True: pass\n    except BaseException: pass\n");
  await page.locator("#run").click();
  await says(page, "before");
  await page.locator("#stop").click();
  assert.match(await ended(page), /^Stopped: interrupted/); // not: by a limit, some seconds later
  assert.match(await said(page), /before/);
  await type(page, "print('and again')");
  assert.match(await run(page), /Finished/);
});

test("the exit code is shown", async (t) => {
  const page = await playground(t);
  await type(page, "import sys\nsys.exit(3)\n");
  assert.match(await run(page), /3/);
});

test("an error names its line and jumps to it", async (t) => {
  const page = await playground(t);
  await type(page, "x = 1\ny = 2\n\nprint(x / 0)\n");
  await run(page);
  assert.match(await said(page, "err"), /ZeroDivisionError/);
  const mark = page.locator("#screen .marks button").first();
  assert.match(await mark.innerText(), /main\.py:4/);
  await page.locator(".cm-lint-marker-error").first().waitFor();
  await mark.click();
  const line = await page.evaluate(() => {
    const cursor = document.getSelection().anchorNode.parentElement.closest(".cm-line");
    return cursor?.textContent;
  });
  assert.equal(line, "print(x / 0)");
});

test("a missing package says where it could run", async (t) => {
  const page = await playground(t);
  await type(page, "import numpy\n");
  await run(page);
  assert.match(await said(page, "err"), /ModuleNotFoundError: No module named 'numpy'/);
  assert.match(await said(page, "err"), /container/);
});

for (const [name, keys] of [["Ctrl-Enter", "ControlOrMeta+Enter"], ["Shift-Enter", "Shift+Enter"]]) {
  test(`${name} runs and leaves the code alone`, async (t) => {
    const page = await playground(t);
    await type(page, "print('by key')");
    await page.keyboard.press(keys);
    await says(page, "by key");
    assert.match(await ended(page), /Finished/);
    assert.equal(await page.locator(".cm-content .cm-line").count(), 1);
  });
}

test("a flood of output stops at the limit and the page stays usable", async (t) => {
  const page = await playground(t);
  await type(page, "while True: print('x' * 200)\n");
  const status = await run(page);
  assert.match(status, /output limit/i);
  await program(page, "python", "print('fine again')");
  assert.match(await run(page), /Finished/);
});

test("several files import each other", async (t) => {
  const page = await playground(t);
  await page.locator("#file-add").click();
  await page.locator("#files input").fill("helper.py");
  await page.keyboard.press("Enter");
  await type(page, "def greet(): return 'from the helper'\n");
  await page.locator("#files").getByText("main.py").click();
  await type(page, "import helper\nprint(helper.greet())\n");
  await run(page);
  assert.match(await said(page), /from the helper/);
});

test("typing over selected lines keeps to the policy", async (t) => {
  const page = await playground(t);
  await type(page, "one = 1\ntwo = 2\nthree = 3\n");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("print(42)");
  assert.match(await run(page), /Finished/);
  assert.equal(await said(page), "42\n");
});
