// The notebooks of this browser, in IndexedDB. Each change says which version it
// was made to, so that two tabs with one notebook cannot undo each other.

import { forget, load, save } from "../store";
import type { Notebook } from "./model";

const database = "sandpiper-notebooks";
const table = "notebooks";

/** What a list shows of a notebook. */
export interface Entry {
  id: string;
  name: string;
  language: string;
  session: string;
  cells: number;
  changed: number;
}

/** The notebook was kept by another tab since it was read here. */
export class Elsewhere extends Error {}

export class Shelf {
  private readonly db = open();
  private readonly channel = new BroadcastChannel(database);

  /** heard is told the id of each notebook that another tab has kept. */
  constructor(heard: (id: string) => void = () => {}) {
    this.channel.addEventListener("message", (e) => heard(String(e.data)));
  }

  async get(id: string): Promise<Notebook | undefined> {
    const n = await done<Notebook | undefined>((await this.db).transaction(table).objectStore(table).get(id));
    return valid(n) ? n : undefined;
  }

  /** The notebook over a session. */
  async bySession(session: string): Promise<Notebook | undefined> {
    return (await this.all()).find((n) => n.session === session);
  }

  async list(): Promise<Entry[]> {
    const all = (await this.all()).map((n) => ({ id: n.id, name: n.name, language: n.language, session: n.session, cells: n.cells.length, changed: n.changed }));
    return all.sort((a, b) => b.changed - a.changed);
  }

  private async all(): Promise<Notebook[]> {
    return (await done<Notebook[]>((await this.db).transaction(table).objectStore(table).getAll())).filter(valid);
  }

  /** Keeps a notebook and returns its new rev. It throws Elsewhere rather than replace what another tab kept. */
  async put(n: Notebook): Promise<number> {
    const t = (await this.db).transaction(table, "readwrite");
    const store = t.objectStore(table);
    const there = await done<Notebook | undefined>(store.get(n.id));
    if (there && there.rev !== n.rev) throw new Elsewhere("This notebook was changed in another tab.");
    if (!there && n.rev > 0) throw new Elsewhere("This notebook was deleted in another tab.");
    const rev = n.rev + 1;
    await done(store.put({ ...n, rev, changed: Date.now() }));
    this.channel.postMessage(n.id);
    return rev;
  }

  async remove(id: string): Promise<void> {
    await done((await this.db).transaction(table, "readwrite").objectStore(table).delete(id));
    this.channel.postMessage(id);
  }
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(database, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(table, { keyPath: "id" }));
  return done(request);
}

function done<T = unknown>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result as T));
    request.addEventListener("error", () => reject(request.error));
  });
}

/** The browser's storage is the visitor's to change, so the shape is checked. */
function valid(n: Notebook | undefined): n is Notebook {
  return typeof n?.id === "string" && typeof n.name === "string" && typeof n.session === "string" && typeof n.rev === "number" && Array.isArray(n.cells) && n.cells.every((c) => typeof c?.id === "string" && typeof c.source === "string" && Array.isArray(c.outputs));
}

const handed = "notebook.given";

/** Hands a program or a file over to the page of a new notebook. */
export function give(what: { language: string; code: string } | { file: string; name: string }): boolean {
  return save(handed, what);
}

/** Takes what another page handed over; it is there once. */
export function taken(): { language?: string; code?: string; file?: string; name?: string } | undefined {
  const what = load<{ language?: string }>(handed);
  forget(handed);
  return what;
}
