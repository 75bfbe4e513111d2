// A program of the playground carried into a sandbox.

import { splitArgs } from "../args";
import { sentence } from "../run";
import { Toolbox } from "../term/toolbox";
import type { Program } from "../wire";
import { shell } from "./quote";

/** Which sandbox: what starts at once, or a whole computer. */
export type Kind = "wasm" | "sandpiper-small";

/** A refusal of the control API. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** How a language's main file is run, with what else belongs to the program beside it. */
const commands: Record<string, (main: string, beside: string[]) => string> = {
  python: (main) => `python3 ${main}`,
  javascript: (main) => `node ${main}`,
  typescript: (main) => `ts-node ${main}`,
  ruby: (main) => `ruby ${main}`,
  lua: (main) => `lua ${main}`,
  sql: (main) => `sqlite3 < ${main}`,
  go: (main, beside) => ["go run", main, ...beside.filter((f) => f.endsWith(".go") && !f.endsWith("_test.go")).map(shell)].join(" "),
  bash: (main) => `bash ${main}`,
  c: (main) => `cc -o /tmp/program ${main} && /tmp/program`,
  cpp: (main) => `c++ -std=c++20 -o /tmp/program ${main} && /tmp/program`,
};

/** Packages of the languages that the image of containers does not have. */
const packages: Record<string, string> = { ruby: "ruby", lua: "lua5.4", sql: "sqlite3" };

/** Languages that only containers have. */
export const onlyContainers = new Set(["bash", "c", "cpp"]);

const given = ".stdin"; // the file of a program's standard input

/** The command that runs a program whose files are in folder. */
export function commandOf(p: Program, folder: string, kind: Kind): string {
  // A name that starts with a dash is no option, with its folder before it.
  const main = shell(`./${p.files[0].name}`);
  const beside = p.files.slice(1).map((f) => `./${f.name}`).filter((f) => f.lastIndexOf("/") === 1);
  const run = (commands[p.language] ?? ((m) => m))(main, beside);
  const needs = kind === "wasm" ? undefined : packages[p.language];
  const install = needs ? `sudo apt-get update && sudo apt-get install -y ${needs} && ` : "";
  const args = splitArgs(p.args).map((a) => ` ${shell(a)}`).join("");
  const stdin = p.stdin && p.language !== "sql" ? ` < ${given}` : "";
  return `cd ${shell(folder)} && ${install}${run}${args}${stdin}`;
}

/** Makes a sandbox with the program in it and returns the page to go to. Each step is said. */
export async function openInSandbox(p: Program, kind: Kind, say: (step: string) => void): Promise<string> {
  say(kind === "wasm" ? "Making a WebAssembly sandbox" : "Making a container");
  const id = await create(kind);
  try {
    await started(id);
    const toolbox = new Toolbox(`/toolbox/${encodeURIComponent(id)}/`);
    const { dir } = await toolbox.json<{ dir: string }>("work-dir");
    const folder = `${dir.replace(/\/$/, "")}/program`;
    await carry(toolbox, p, folder, say);
    leave(id, commandOf(p, folder, kind));
  } catch (e) {
    // One without the program is of no use to anybody.
    await api("DELETE", `sandbox/${encodeURIComponent(id)}`).catch(() => undefined);
    throw e;
  }
  return `/sandboxes/${encodeURIComponent(id)}/terminal`;
}

async function create(kind: Kind): Promise<string> {
  const answer = await api("POST", "sandbox", { snapshot: kind, labels: { from: "playground" } });
  return ((await answer.json()) as { id: string }).id;
}

/** Waits until a sandbox runs: two minutes at most. */
export async function started(id: string): Promise<void> {
  for (const end = Date.now() + 120_000; Date.now() < end; await new Promise((r) => setTimeout(r, 250))) {
    const s = (await (await api("GET", `sandbox/${encodeURIComponent(id)}`)).json()) as { state: string; errorReason?: string };
    if (s.state === "started") return;
    if (s.state === "error" || s.state === "build_failed") throw new Error(sentence(s.errorReason || "the sandbox did not start"));
  }
  throw new Error("The sandbox did not start within two minutes. Try again.");
}

async function carry(toolbox: Toolbox, p: Program, folder: string, say: (step: string) => void): Promise<void> {
  const files = p.stdin ? [...p.files, { name: given, content: p.stdin }] : p.files;
  const folders = new Set([folder]);
  for (const f of files) f.name.split("/").slice(0, -1).reduce((above, name) => (folders.add(`${above}/${name}`), `${above}/${name}`), folder);
  for (const path of folders) await toolbox.call(`files/folder?path=${encodeURIComponent(path)}&mode=0755`, { method: "POST" });
  for (const [i, f] of files.entries()) {
    say(`Copying file ${i + 1} of ${files.length}`);
    await toolbox.call(`files/upload-v2?path=${encodeURIComponent(`${folder}/${f.name}`)}`, { method: "POST", body: new Blob([f.content]) });
  }
}

export async function api(method: string, path: string, body?: unknown): Promise<Response> {
  const answer = await fetch(`/api/${path}`, { method, headers: body ? { "Content-Type": "application/json" } : {}, body: body && JSON.stringify(body) }).catch(() => {
    throw new Error("The server does not answer. Check your connection and try again.");
  });
  if (answer.ok) return answer;
  const said = (await answer.json().catch(() => ({}))) as { message?: string | string[] };
  throw new Refused(sentence(String(said.message ?? `the server answered ${answer.status}`)), answer.status);
}

// The command waits for the terminal in the tab's own storage: an address could
// be written by anybody, and what it says would then be typed.

const key = (id: string) => `sandpiper.command.${id}`;

function leave(id: string, command: string): void {
  sessionStorage.setItem(key(id), command);
}

/** The command that waits for a sandbox's terminal; it is there until it is dropped. */
export function waiting(id: string): string {
  return sessionStorage.getItem(key(id)) ?? "";
}

export function drop(id: string): void {
  sessionStorage.removeItem(key(id));
}
