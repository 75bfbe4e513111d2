// What of the front end needs no browser. src_test.go bundles and runs it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { Painter, Returns } from "../lib/ansi";
import { splitArgs } from "../lib/args";
import { asCurl, asJavaScript, asPython } from "../lib/copyas";
import { keysymOf, typing } from "../lib/desktop/keys";
import { again } from "../lib/desktop/stage";
import { bytes, ending, milliseconds } from "../lib/format";
import { fromHash, toHash } from "../lib/hash";
import { commandOf } from "../lib/move/open";
import { script, shell } from "../lib/move/quote";
import { codes, type Plan } from "../lib/sandboxplay/codes";
import { steps } from "../lib/sandboxplay/steps/all";
import { kinds } from "../lib/sandboxplay/steps/step";
import { Parser } from "../lib/sse";
import { cursorKey, withModifiers } from "../lib/term/keybar";
import { Twins } from "../lib/twins";
import type { Program, Result } from "../lib/wire";

test("arguments split as the server splits them", () => {
  const cases: [string, string[]][] = [
    ["  ", []],
    [" a  b\tc ", ["a", "b", "c"]],
    [`"a b" c`, ["a b", "c"]],
    [`'a\\ "b' c`, [`a\\ "b`, "c"]],
    [`"" ''`, ["", ""]],
    [`--name="two words"`, ["--name=two words"]],
    [`a\\ b \\"c\\"`, ["a b", `"c"`]],
    [`"a b`, ["a b"]],
    [`a\\`, [`a\\`]],
  ];
  for (const [line, want] of cases) assert.deepEqual(splitArgs(line), want, line);
});

test("events are the same wherever the stream is cut", () => {
  const stream = ": hello\n\nevent: stdout\r\ndata: {\"text\":\"a\"}\r\n\r\nid: 3\nevent: exit\ndata:one\ndata: two\n\n\n";
  const want = [{ event: "stdout", data: `{"text":"a"}` }, { event: "exit", data: "one\ntwo" }];
  for (let cut = 0; cut <= stream.length; cut++) {
    const parser = new Parser();
    assert.deepEqual([...parser.feed(stream.slice(0, cut)), ...parser.feed(stream.slice(cut))], want, `cut at ${cut}`);
  }
});

const program: Program = { language: "python", title: "T", files: [{ name: "main.py", content: "print('ü 🐦 \u2028')\n".repeat(50) }, { name: "a/b.txt", content: "" }], stdin: "in\n", args: `"a b"` };

test("a private link keeps the program", async () => {
  assert.deepEqual(await fromHash(await toHash(program)), program);
  assert.ok((await toHash(program)).length < 400, "it is compressed");
});

test("a broken link is no program", async () => {
  const good = await toHash(program);
  const packed = (v: unknown) => `#code=0${Buffer.from(JSON.stringify(v)).toString("base64url")}`;
  const bad = ["", "#", "#code=", "#code=9abc", "#code=1!!!!", good.slice(0, -20), packed(null), packed(1), packed({ l: 1, f: [["a", "b"]] }), packed({ l: "x", f: [] }), packed({ l: "x", f: [["a"]] }), packed({ l: "x", f: Array(65).fill(["a", "b"]) })];
  for (const hash of bad) assert.equal(await fromHash(hash), undefined, hash.slice(0, 40));
  assert.equal((await fromHash(packed({ l: "x", f: [["a", "b"]], i: 7 })))?.stdin, "");
});

test("a link that unpacks to too much is refused", async () => {
  const huge = { ...program, files: [{ name: "a", content: "x".repeat(5 << 20) }] };
  assert.equal(await fromHash(await toHash(huge)), undefined);
});

test("random damage never gets through as an error", async () => {
  const good = await toHash(program);
  for (let i = 8; i < good.length; i += 3) await fromHash(good.slice(0, i) + "A" + good.slice(i + 1));
});

test("a printed table is left out, before or after, in any pieces", () => {
  const [first, second] = ["one | two\n1 | 2\n", "x\n"];
  const stream = `before\n${first}between\n${second}after\n`;
  for (let cut = 0; cut <= stream.length; cut++) {
    const twins = new Twins();
    twins.expect(first);
    twins.expect(second);
    const shown = twins.filter(stream.slice(0, cut)) + twins.filter(stream.slice(cut)) + twins.rest();
    assert.equal(shown, "before\nbetween\nafter\n", `cut at ${cut}`);
  }
  const twins = new Twins();
  twins.expect("never comes");
  assert.equal(twins.filter("never"), "");
  assert.equal(twins.filter(" mind") + twins.rest(), "never mind");
});

test("carriage returns rewrite a line, line ends do not", () => {
  const returns = new Returns();
  assert.deepEqual(returns.split("a\r\nb\r"), ["a\nb"]);
  assert.deepEqual(returns.split("\nc\rd"), ["\nc", "d"]);
});

test("escape sequences colour or vanish, also when they are cut", () => {
  const nodes = (text: string) => ({ textContent: text, className: "" });
  (globalThis as Record<string, unknown>).document = { createTextNode: nodes, createElement: () => nodes("") };
  const text = "plain \x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b[2Kend\x1b[38;5;200m!";
  for (let cut = 0; cut <= text.length; cut++) {
    const painter = new Painter();
    const all = [...painter.paint(text.slice(0, cut)), ...painter.paint(text.slice(cut))] as unknown as { textContent: string; className: string }[];
    assert.equal(all.map((n) => n.textContent).join(""), "plain red end!", `cut at ${cut}`);
    assert.ok(all.filter((n) => n.className === "a-b a1").map((n) => n.textContent).join("") === "red", `cut at ${cut}`);
  }
});

const request = { language: "python", files: [{ name: "main.py", content: "print('it\\'s', \"q\", `$HOME`)\n# ü\n" }], stdin: "a'b\n", args: ["$x"], stdin_live: true };

test("the curl command sends the program, whatever is in it", () => {
  for (const open of [true, false]) {
    const command = asCurl(request, { origin: "http://h", open });
    const sent = execFileSync("sh", ["-c", `curl() { for last; do :; done; printf %s "$last"; }\n${command}`], { encoding: "utf8" });
    assert.deepEqual(JSON.parse(sent), request);
    assert.equal(command.includes("Authorization"), !open);
  }
});

test("the JavaScript program sends the program", async () => {
  const sent: RequestInit[] = [];
  const fetch = async (_: string, init: RequestInit) => (sent.push(init), { json: async () => ({ stdout: "", stderr: "" }) });
  const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (...args: unknown[]) => Promise<void>;
  await new AsyncFunction("fetch", "console", "process", asJavaScript(request, { origin: "http://h", open: false }))(fetch, { log() {} }, { env: { SANDPIPER_API_KEY: "k" } });
  assert.deepEqual(JSON.parse(String(sent[0].body)), request);
  assert.equal((sent[0].headers as Record<string, string>).Authorization, "Bearer k");
});

test("the Python program has Python's words", () => {
  const text = asPython(request, { origin: "http://h", open: true });
  assert.match(text, /"stdin_live": True/);
  assert.doesNotMatch(text, /: true/);
  assert.doesNotMatch(text, /import os/);
});

test("figures have units", () => {
  assert.deepEqual([0.02, 2.1, 42, 1234, 61000].map(milliseconds), ["0.02 ms", "2.1 ms", "42 ms", "1.23 s", "61.0 s"]);
  assert.deepEqual([0, 999, 1000, 9_400_000, 9_960_000, 999_600].map(bytes), ["0 B", "999 B", "1.0 kB", "9.4 MB", "10 MB", "1.0 MB"]);
  assert.equal(ending({ status: "timeout", message: "Stopped after 10 s." } as Result).summary, "Stopped after 10 s");
  assert.equal(ending({ status: "memory_limit", message: "" } as Result).summary, "Stopped: memory limit");
});

test("what a phone's keyboard does to a text becomes keys", () => {
  const cases: [string, string, number, string][] = [
    ["____", "____a", 0, "a"],
    ["____", "___", 1, ""],
    ["____teh", "____the ", 2, "he "], // corrected by the keyboard
    ["____ä", "____äß€", 0, "ß€"],
    ["____👍", "____", 1, ""], // one character, though two in memory
    ["____", "____", 0, ""],
  ];
  for (const [before, after, erase, add] of cases) assert.deepEqual(typing(before, after), { erase, add: [...add] }, after);
});

test("the keys of the bar are those of a terminal", () => {
  for (const [key, application, want] of [["\x1b[A", false, "\x1b[A"], ["\x1b[A", true, "\x1bOA"], ["\x1b[H", true, "\x1bOH"], ["\x1b[5~", true, "\x1b[5~"], ["|", true, "|"]] as const) assert.equal(cursorKey(key, application), want);
  const cases: [string, boolean, boolean, string][] = [
    ["\x1b[A", true, false, "\x1b[1;5A"],
    ["\x1bOA", false, true, "\x1b[1;3A"],
    ["\x1b[F", true, true, "\x1b[1;7F"],
    ["\x1b[3~", true, false, "\x1b[3;5~"],
    ["c", true, false, "\x03"],
    ["c", false, true, "\x1bc"],
    ["é", true, false, "é"],
  ];
  for (const [key, ctrl, alt, want] of cases) assert.equal(withModifiers(key, ctrl, alt), want);
});

test("characters have the keysyms of X", () => {
  for (const [c, sym] of [["a", 0x61], ["ä", 0xe4], ["€", 0x10020ac], ["👍", 0x101f44d], ["\n", 0xff0d], ["\t", 0xff09]] as [string, number][]) assert.equal(keysymOf(c), sym, c);
});

test("a lost connection says what comes next", () => {
  assert.equal(again(0.5, ""), "The connection is lost. It is tried again at once.");
  assert.equal(again(4, "the server is shutting down"), "The server is shutting down. It is tried again in 4 s.");
});

/** Random texts of what languages take for something. */
function* nasty(n: number): Generator<string> {
  const parts = ["'", '"', "`", "$(id)", "${x}", "\\", "\n", "\r", "\t", ";", "&&", "|", "#", "*", "~", "!", "-", " ", "a", "ü", "🐦", "\u2028", "\u202e", "\u0001", "\u0085", "\ufeff", "{x}", "%s", "{{", "</script>", "\\n", "\\u0041", "\\x41"];
  let seed = 7;
  const next = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let i = 0; i < n; i++) yield Array.from({ length: next(9) }, () => parts[next(parts.length)]).join("");
}

test("a shell reads exactly the text", () => {
  const texts = ["", ...nasty(400)];
  const out = execFileSync("bash", ["-c", `printf '%s\\0' ${texts.map(shell).join(" ")}`], { encoding: "utf8" });
  assert.deepEqual(out.split("\0").slice(0, -1), texts);
  assert.equal(shell("a\0b"), "ab");
});

test("Python and JavaScript read exactly the text", () => {
  const texts = ["", ...nasty(400)];
  const list = `[${texts.map(script).join(", ")}]`;
  assert.deepEqual(JSON.parse(execFileSync("python3", ["-c", `import json; print(json.dumps(${list}))`], { encoding: "utf8" })), texts);
  assert.deepEqual(new Function(`return ${list}`)(), texts);
  assert.equal(script("\ud800"), `"\ufffd"`, "half a pair is no text");
});

test("the command that runs a moved program", () => {
  const p = (more: Partial<Program>): Program => ({ ...program, files: [{ name: "main.py", content: "" }], stdin: "", args: "", ...more });
  const cases: [string, Program, "wasm" | "sandpiper-small", string][] = [
    ["plain", p({}), "wasm", "cd /w/program && python3 ./main.py"],
    ["input and arguments", p({ stdin: "x", args: `"a b" $HOME` }), "wasm", "cd /w/program && python3 ./main.py 'a b' '$HOME' < .stdin"],
    ["a name of a stranger", p({ files: [{ name: "-c '; id", content: "" }] }), "wasm", `cd /w/program && python3 './-c '\\''; id'`],
    ["Go", p({ language: "go", files: [{ name: "main.go", content: "" }] }), "wasm", "cd /w/program && go run ./main.go"],
    ["several files of Go", p({ language: "go", args: "x", files: ["main.go", "more.go", "more_test.go", "sub/sub.go", "go.mod"].map((name) => ({ name, content: "" })) }), "wasm", "cd /w/program && go run ./main.go ./more.go x"],
    ["a language the image lacks", p({ language: "ruby", files: [{ name: "main.rb", content: "" }] }), "sandpiper-small", "cd /w/program && sudo apt-get update && sudo apt-get install -y ruby && ruby ./main.rb"],
  ];
  for (const [name, from, kind, want] of cases) assert.equal(commandOf(from, "/w/program", kind), want, name);
});

test("whatever the forms say, the code stays code of its language", () => {
  const check = (command: string, args: string[], input: string) => execFileSync(command, args, { input, stdio: ["pipe", "pipe", "pipe"] });
  for (const [n, text] of ["", "@/etc/passwd", ...nasty(4)].entries()) {
    const made = n % 2 === 0 ? { snapshot: "wasm", image: "" } : { snapshot: "", image: text };
    const plan: Plan = { api: "http://box.test/api", ...made, cpu: 1, memory: 1, disk: 3, kind: kinds[n % kinds.length], autoStop: 5, steps: steps.map((step) => ({ step, values: Object.fromEntries(step.fields.map((f) => [f.name, text])) })) };
    check("python3", ["-c", "import ast, sys; ast.parse(sys.stdin.read())"], codes.Python(plan));
    check("node", ["--input-type=module", "--check", "-"], codes.TypeScript(plan));
    check("gofmt", [], codes.Go(plan));
    check("bash", ["-n"], codes.CLI(plan));
    check("bash", ["-n"], codes.curl(plan));
    for (const code of Object.values(codes)) assert.ok(code(plan).includes("DAYTONA_API_KEY") || code === codes.CLI);
  }
});
