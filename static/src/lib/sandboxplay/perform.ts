// Steps done in a sandbox: what each answers, shown as it comes.

import { el } from "../dom";
import { type Toolbox, ToolboxError } from "../term/toolbox";
import { Splitter } from "../splitter";
import { target } from "./codes";
import type { Call, Kind, Program, Step, Values } from "./steps/step";

const most = 20_000; // characters of an answer that are shown

/** Where a step shows what it has to say. */
export class Output {
  private readonly place: HTMLElement;
  private text?: HTMLPreElement;
  private length = 0;

  constructor(place: HTMLElement, private readonly title: string) {
    this.place = place;
  }

  /** Adds a text; of a long one the end stays. */
  add(text: string, failed = false): void {
    if (!text) return;
    this.text ??= this.place.appendChild(el("pre", { class: "block", tabindex: 0, role: "region", "aria-label": `Result: ${this.title}` }));
    this.text.append(failed ? el("span", { class: "err" }, text.slice(-most)) : text.slice(-most));
    this.length += Math.min(text.length, most);
    while (this.length > most && this.text.childNodes.length > 1) {
      this.length -= this.text.firstChild!.textContent!.length;
      this.text.firstChild!.remove();
    }
    this.text.scrollTop = this.text.scrollHeight;
  }

  picture(base64: string): void {
    const type = { i: "png", "/": "jpeg", U: "webp" }[base64[0]] ?? "png";
    this.place.append(el("img", { src: `data:image/${type};base64,${base64}`, alt: `Result: ${this.title}` }));
  }
}

/** Does a step. A failure is thrown, with the words for it. */
export async function perform(toolbox: Toolbox, step: Step, values: Values, kind: Kind, out: Output, signal: AbortSignal): Promise<void> {
  if (step.program) return run(toolbox, step.program(values, kind), out, signal);
  const answer = await call(toolbox, step.call(values, kind), signal);
  const text = await answer.text();
  if (!answer.headers.get("Content-Type")?.includes("json")) return out.add(text);
  const value = JSON.parse(text) as { screenshot?: string };
  if (value?.screenshot) out.picture(value.screenshot);
  else out.add(JSON.stringify(value, null, 2));
}

function call(toolbox: Toolbox, c: Call, signal?: AbortSignal): Promise<Response> {
  return toolbox.call(target(c), {
    method: c.method,
    headers: c.json ? { "Content-Type": "application/json" } : {},
    body: c.json ? JSON.stringify(c.json) : c.text,
    signal,
  });
}

/** Runs a program in a session of its own, which ends with it: so it is killed when signal says so. */
async function run(toolbox: Toolbox, p: Program, out: Output, signal: AbortSignal): Promise<void> {
  const at = `process/session/${encodeURIComponent(p.session)}`;
  await call(toolbox, { method: "POST", path: "process/session", json: { sessionId: p.session } }, signal);
  try {
    const { cmdId } = (await (await call(toolbox, { method: "POST", path: `${at}/exec`, json: { command: p.command, runAsync: true } }, signal)).json()) as { cmdId: string };
    await follow(toolbox, `${at}/command/${cmdId}/logs?follow=true`, out, signal);
    const { exitCode } = await toolbox.json<{ exitCode?: number }>(`${at}/command/${cmdId}`, { signal });
    if (exitCode) throw new Error(`It ended with exit code ${exitCode}.`);
  } finally {
    await call(toolbox, { method: "DELETE", path: at }).catch((e: ToolboxError) => {
      if (e.status !== 404) throw e; // the program may have ended its session
    });
  }
}

async function follow(toolbox: Toolbox, path: string, out: Output, signal: AbortSignal): Promise<void> {
  const answer = await toolbox.call(path, { signal });
  const splitter = new Splitter((stream, text) => out.add(text, stream === "err"));
  const reader = answer.body!.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    splitter.push(value);
  }
}
