// A dialog that asks, and returns the answer.

import { byId, el } from "./dom";

export interface Question {
  title: string;
  text?: string;
  yes: string;
  no?: string; // "Cancel" if it is not given
  danger?: boolean;
  /** Further answers with their labels. */
  others?: Record<string, string>;
  /** A field to fill in: its label and what is in it. */
  field?: { label: string; value: string };
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Asks in the page's dialog #work-ask, when what was asked before is answered. The
 * answer is the field's text, "yes", one of the others, or undefined for no.
 */
export function ask(q: Question): Promise<string | undefined> {
  const answer = last.then(() => put(q));
  last = answer;
  return answer;
}

function put(q: Question): Promise<string | undefined> {
  const dialog = byId<HTMLDialogElement>("work-ask");
  const field = q.field && el("input", { class: "input mono", id: "work-field", value: q.field.value, autocomplete: "off", spellcheck: "false", required: true });
  const go = el("button", { value: "yes", class: q.danger ? "btn danger" : "btn primary" }, q.yes);
  const no = el("button", { type: "button", class: "btn", click: () => dialog.close() }, q.no ?? "Cancel");
  const others = Object.entries(q.others ?? {}).map(([value, label]) => el("button", { value, class: "btn" }, label));
  const label = q.field && el("label", { for: "work-field" }, q.field.label);
  const head = el("div", { class: "dialog-head" }, el("h2", { id: "work-ask-title" }, q.title));
  const form = el("form", { method: "dialog", class: "content stack" }, q.text ? el("p", {}, q.text) : undefined, field && label ? el("div", { class: "field" }, label, field) : undefined, el("div", { class: "line" }, go, ...others, no));
  dialog.replaceChildren(head, form);
  dialog.returnValue = "";
  dialog.showModal();
  if (field) {
    field.focus();
    field.setSelectionRange(0, field.value.lastIndexOf(".") > 0 ? field.value.lastIndexOf(".") : field.value.length);
  } else (q.danger ? no : go).focus();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? (field?.value ?? "yes") : dialog.returnValue || undefined), { once: true }));
}

/** Says something in the page's line #work-note; "" takes it away. */
export function note(text: string, kind: "info" | "warn" | "error" = "info"): void {
  const line = byId("work-note");
  line.className = `note ${kind}`;
  line.textContent = text;
  line.hidden = text === "";
}
