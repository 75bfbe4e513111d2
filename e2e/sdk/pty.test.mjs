// Terminals.

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared, text, unique, until, wasm } from "./lib.mjs";

const box = shared();

/** Opens a terminal and collects what it says. */
async function open(t, options = {}) {
  const said = { text: "" };
  const pty = await box.it.process.createPty({ id: unique("pty"), onData: (data) => void (said.text += text(data)), ...options });
  t.after(async () => {
    await pty.disconnect();
    await box.it.process.killPtySession(pty.sessionId).catch(() => {});
  });
  return { pty, said };
}

test("a terminal answers, has a size and variables, and tells how it ended", async (t) => {
  const { pty, said } = await open(t, { cols: 100, rows: 30, envs: { PTY_NAME: "mine" } });
  await pty.sendInput("echo answer-$((6*7))-$PTY_NAME\n");
  await until("the answer", () => said.text.includes("answer-42-mine"), () => said.text);
  if (!wasm) {
    await pty.sendInput("stty size\n");
    await until("the size", () => /\b30 100\b/.test(said.text), () => said.text);
  }
  await pty.resize(120, 40);
  const info = await box.it.process.getPtySessionInfo(pty.sessionId);
  assert.deepEqual([info.cols, info.rows, info.active], [120, 40, true]);
  await pty.sendInput("exit 5\n");
  assert.equal((await pty.wait()).exitCode, 5);
});

test("a terminal outlives its connection", async (t) => {
  const { pty, said } = await open(t);
  await pty.sendInput("KEPT=here\n");
  await until("an echo", () => said.text.includes("KEPT=here"), () => said.text);
  await pty.disconnect();
  let again = "";
  const second = await box.it.process.connectPty(pty.sessionId, { onData: (data) => void (again += text(data)) });
  await second.sendInput("echo still-$KEPT\n");
  await until("the variable", () => again.includes("still-here"), () => again);
  assert.ok((await box.it.process.listPtySessions()).some((p) => p.id === pty.sessionId));
  await second.kill();
  await second.wait();
  await second.disconnect();
});

test("Ctrl-C interrupts", async (t) => {
  const { pty, said } = await open(t);
  // What says that it has started holds the terminal. A key that is pressed while
  // a shell only begins a program can miss it, so people press it again.
  await pty.sendInput(`sh -c 'echo st"arted"; sleep 300'\n`);
  await until("the program", () => said.text.includes("started"), () => said.text);
  let pressed = 0;
  await until("the prompt", async () => {
    if (said.text.includes("free-2")) return true;
    if (Date.now() - pressed < 2000) return false;
    pressed = Date.now();
    await pty.sendInput("\x03");
    await pty.sendInput("echo free-$((1+1))\n");
  }, () => said.text);
});
