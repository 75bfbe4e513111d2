// The line that says how the session is.

import { byId } from "../dom";
import { bytes, milliseconds } from "../format";
import type { Session } from "./session";

const states: Record<Session["state"], [look: string, words: string]> = {
  starting: ["busy", "Starting"],
  idle: ["ok", "Idle"],
  busy: ["busy", "Busy"],
  paused: ["paused", "Paused: the next cell brings it back"],
  failed: ["error", "Failed"],
};

/** Shows a session, or that there is none. said is what the last action took. */
export function showSession(s: Session | undefined, said = ""): void {
  const [look, words] = s ? states[s.state] : ["stopped", "Not started: the first cell starts it"];
  const state = byId("session-state");
  if (state.textContent !== words) state.textContent = words;
  state.className = `state ${look}`;
  const facts = s ? [s.state === "failed" && s.message, s.memory_bytes > 0 && `${bytes(s.memory_bytes)} of memory`, s.stored_bytes > 0 && `${bytes(s.stored_bytes)} saved`, s.fork_of && "a fork", said] : [said];
  byId("session-facts").textContent = facts.filter(Boolean).join(" · ");
  byId("pause").textContent = s?.state === "paused" ? "Resume" : "Pause";
  for (const id of ["pause"]) byId<HTMLButtonElement>(id).disabled = !s || s.state === "busy";
}

/** "Paused in 42 ms, 0.9 MB" */
export function took(what: string, s: Session): string {
  const parts = [s.milliseconds !== undefined && `in ${milliseconds(s.milliseconds)}`, s.bytes !== undefined && `(${bytes(s.bytes)})`];
  return [what, ...parts.filter(Boolean)].join(" ");
}
