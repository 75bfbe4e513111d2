// Where the notebook of a page comes from: what the browser keeps, an example,
// a file or a program that another page handed over, or nothing yet.

import type { PageData } from "./data";
import { fromIpynb } from "./ipynb";
import { newCell, newNotebook, type Notebook } from "./model";
import * as sessions from "./session";
import { type Shelf, taken } from "./shelf";

/** Finds the notebook that the page's address means. */
export async function findNotebook(shelf: Shelf, data: PageData): Promise<Notebook> {
  const name = location.pathname.split("/").pop()!;
  if (name !== "new") {
    const kept = await shelf.get(name);
    if (!kept) throw new Error("This browser keeps no notebook of that address. Cells stay in the browser where they were written; export them there as .ipynb to take them along.");
    return kept;
  }
  const asked = new URLSearchParams(location.search);
  const given = asked.has("given") ? taken() : undefined;
  if (given?.file !== undefined) return fromIpynb(given.file, given.name ?? "");
  if (given?.code !== undefined) return newNotebook(given.language ?? "python", [newCell("code", given.code)]);
  if (asked.has("example")) return example(asked.get("example")!);
  if (asked.has("session")) return ofSession(shelf, asked.get("session")!);
  return newNotebook(asked.get("language") ?? data.languages[0]?.id ?? "python");
}

async function example(id: string): Promise<Notebook> {
  const response = await fetch(`/notebook/examples/${encodeURIComponent(id)}.ipynb`);
  if (!response.ok) throw new Error(`There is no example notebook ${id}.`);
  return fromIpynb(await response.text(), id);
}

/** The notebook over a session, or an empty one over it. */
async function ofSession(shelf: Shelf, id: string): Promise<Notebook> {
  const kept = await shelf.bySession(id);
  if (kept) return kept;
  const s = await sessions.get(id);
  return { ...newNotebook(s.language), name: s.name || "Untitled", session: id };
}
