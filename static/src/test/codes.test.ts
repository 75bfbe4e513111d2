// The code that the playground over a sandbox writes, against what Daytona's
// clients have by their references: testdata says how these are stood in for.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { codes, type Plan } from "../lib/sandboxplay/codes";
import { steps } from "../lib/sandboxplay/steps/all";
import { type Kind, kinds, type Step } from "../lib/sandboxplay/steps/step";

const stands = resolve("test/testdata");
const sdk = "github.com/daytonaio/daytona/libs/sdk-go";

const plans: [string, Partial<Plan>][] = [
  ["a snapshot", { snapshot: "sandpiper-desktop" }],
  ["a snapshot with all its clocks", { snapshot: "wasm", autoStop: 0, autoArchive: 60, autoDelete: 120 }],
  ["an image", { image: "debian:13", cpu: 2, memory: 4, disk: 10, autoStop: 15 }],
];

/** A plan with steps as their forms are at first. */
function plan(base: Partial<Plan>, kind: Kind, chosen: Step[]): Plan {
  return {
    api: "http://box.test/api", snapshot: "", image: "", cpu: 1, memory: 1, disk: 3, kind, ...base,
    steps: chosen.map((step) => ({ step, values: Object.fromEntries(step.fields.map((f) => [f.name, f.value])) })),
  };
}

/** What each step calls, in Python. */
const calls: Record<string, string[]> = {
  folder: ["FileSystem.create_folder"], upload: ["FileSystem.upload_file"], list: ["FileSystem.list_files"], download: ["FileSystem.download_file"], delete: ["FileSystem.delete_file"],
  clone: ["Git.clone"], status: ["Git.status"], branches: ["Git.branches"],
  code: ["Process.code_run"], command: ["Process.exec"],
  session: ["Process.create_session", "Process.execute_session_command", "Process.get_session_command_logs", "Process.delete_session"],
  "desk-start": ["ComputerUse.start"], "desk-info": ["Display.get_info"], "desk-windows": ["Display.get_windows"],
  "desk-position": ["Mouse.get_position"], "desk-move": ["Mouse.move"], "desk-click": ["Mouse.click"], "desk-drag": ["Mouse.drag"], "desk-scroll": ["Mouse.scroll"],
  "desk-type": ["Keyboard.type"], "desk-key": ["Keyboard.press"], "desk-hotkey": ["Keyboard.hotkey"],
  "desk-shot": ["Screenshot.take_full_screen"], "desk-region": ["Screenshot.take_region"], "desk-small": ["Screenshot.take_compressed"],
};

test("Python calls what its package has", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "codes-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const env = { ...process.env, PYTHONPATH: join(stands, "python"), PYTHONDONTWRITEBYTECODE: "1", DAYTONA_API_KEY: "key" };
  for (const [n, [name, base]] of plans.entries()) {
    const code = codes.Python(plan(base, kinds[n % kinds.length], steps));
    const out = execFileSync("python3", ["-"], { input: code, cwd: dir, env, encoding: "utf8" });
    const called = out.split("\n").filter((l) => l.startsWith("called ")).map((l) => l.slice(7));
    assert.deepEqual(called, ["Daytona.__init__", "Daytona.create", ...steps.flatMap((s) => calls[s.id]), "Sandbox.delete"], name);
  }
});

test("Go compiles with its module", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "codes-"));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, "go.mod"), `module play\n\ngo 1.26\n\nrequire ${sdk} v0.0.0\n\nreplace ${sdk} => ${join(stands, "go")}\n`);
  const compiles = (code: string) => {
    writeFileSync(join(dir, "main.go"), code);
    execFileSync("go", ["build", "-o", "/dev/null", "."], { cwd: dir, env: { ...process.env, GOFLAGS: "-mod=mod", GOPROXY: "off", GOWORK: "off" }, stdio: "pipe" });
  };
  for (const [n, [, base]] of plans.entries()) compiles(codes.Go(plan(base, kinds[n % kinds.length], steps)));
  compiles(codes.Go(plan({ snapshot: "wasm" }, "python", steps.filter((s) => s.id === "folder")))); // which prints nothing
  assert.throws(() => compiles(codes.Go(plan({ snapshot: "wasm" }, "python", steps)).replace("CreateFolder", "MakeFolder")), /MakeFolder/);
});

test("the CLI has the verbs and flags, and its commands keep their quotes", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "codes-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const env = { ...process.env, PATH: `${join(stands, "cli")}:${process.env.PATH}` };
  const local = steps.filter((s) => s.section !== "Git" && s.id !== "delete");
  for (const [name, base] of plans) {
    const made = plan(base, "javascript", local);
    made.steps.find(({ step }) => step.id === "code")!.values.code = `console.log("it's", 6 * 7, "$HOME")`;
    made.steps.find(({ step }) => step.id === "session")!.values.command = "for n in 1 2; do echo line  $n; done";
    const out = execFileSync("sh", ["-euc", codes.CLI(made)], { cwd: dir, env, encoding: "utf8" });
    assert.deepEqual(out.split("\n").filter((l) => l.startsWith("called ")), ["called create", ...local.filter((s) => s.section !== "Desktop").map(() => "called exec"), "called delete"], name);
    for (const want of ["Hello from the playground\n", "it's 42 $HOME\n", "hello.txt\n", "line 1\nline 2\n"]) assert.ok(out.includes(want), `${name}: ${JSON.stringify(want)} is in ${out}`);
  }
});

test("TypeScript calls nothing that the client of 0.216 sends wrongly", () => {
  const code = codes.TypeScript(plan({ snapshot: "sandpiper-desktop" }, "python", steps));
  assert.ok(!/\.takeRegion\(/.test(code), "its takeRegion mixes up the numbers");
});
