// What the visitor wrote, one program for each language, kept in the browser.

import { forget, load, save } from "./store";
import type { Program } from "./wire";

export function loadDraft(language: string): Program | undefined {
  return valid(load<Program>(`draft.${language}`));
}

export function saveDraft(p: Program): void {
  save(`draft.${p.language}`, p);
  save("language", p.language);
}

export function lastLanguage(): string | undefined {
  return load<string>("language");
}

/** Puts the draft aside before another program takes its place. */
export function setAside(language: string): void {
  const draft = loadDraft(language);
  if (draft) save(`earlier.${language}`, draft);
}

export function earlier(language: string): Program | undefined {
  return valid(load<Program>(`earlier.${language}`));
}

export function dropDraft(language: string): void {
  forget(`draft.${language}`);
}

/** Storage is the visitor's to change, so its shape is checked. */
function valid(p: Program | undefined): Program | undefined {
  const good = p && typeof p.language === "string" && Array.isArray(p.files) && p.files.length > 0 && p.files.every((f) => typeof f?.name === "string" && typeof f.content === "string");
  return good ? { ...p, title: p.title ?? "", stdin: p.stdin ?? "", args: p.args ?? "" } : undefined;
}
