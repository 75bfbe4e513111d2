// What a terminal shows when a program came along from the playground.

import { copyText, el } from "../dom";
import { drop, waiting } from "./open";

/** Offers the command above the terminals; type writes it at the prompt. Nothing runs by itself. */
export function offerCommand(id: string, above: HTMLElement, type: (text: string) => boolean): void {
  const command = waiting(id);
  if (!command) return;
  const note = el("div", { class: "note info line", id: "moved", role: "region", "aria-label": "Your program" });
  const done = () => (drop(id), note.remove());
  const copy = el("button", { type: "button", class: "btn small", click: () => void copyText(command, copy) }, "Copy");
  note.append(
    el("span", {}, "Your program is here. Run it with"),
    el("code", {}, command),
    el("button", { type: "button", class: "btn small primary", click: () => void (type(command) && done()) }, "Type it"),
    copy,
    el("button", { type: "button", class: "btn small quiet", click: done }, "Dismiss"),
  );
  above.before(note);
}
