// The list of notebooks: those of this browser, and sessions that have none here.

import { ask, note } from "../ask";
import { byId, el } from "../dom";
import { pageData } from "./data";
import { fromIpynb } from "./ipynb";
import * as sessions from "./session";
import { type Entry, Shelf } from "./shelf";

const words: Record<sessions.Session["state"], [look: string, word: string]> = { starting: ["busy", "Starting"], idle: ["ok", "Idle"], busy: ["busy", "Busy"], paused: ["paused", "Paused"], failed: ["error", "Failed"] };

export class Home {
  private readonly shelf = new Shelf(() => void this.show());
  private readonly data = pageData();
  private readonly labels = new Map(this.data.languages.map((l) => [l.id, l.label]));

  async start(): Promise<void> {
    const file = byId<HTMLInputElement>("import");
    file?.addEventListener("change", () => file.files?.[0] && void this.guard(this.import(file.files[0])));
    await this.guard(this.show());
  }

  private async show(): Promise<void> {
    const kept = await this.shelf.list();
    const there = await this.sessions(kept);
    const bySession = new Map(there.map((s) => [s.id, s]));
    const alone = there.filter((s) => !kept.some((n) => n.session === s.id));
    const rows = [...kept.map((n) => this.row(n, bySession.get(n.session))), ...alone.map((s) => this.sessionRow(s))];
    byId("mine").replaceChildren(...rows);
    byId("mine").hidden = rows.length === 0;
    byId("mine-empty").hidden = rows.length > 0;
  }

  /** The sessions that are known: all of somebody who signed in, else those of the notebooks here. */
  private async sessions(kept: Entry[]): Promise<sessions.Session[]> {
    if (this.data.signedIn) return sessions.list().catch(() => []);
    const ids = kept.map((n) => n.session).filter(Boolean).slice(0, 20);
    const found = await Promise.all(ids.map((id) => sessions.get(id).catch(() => undefined)));
    return found.filter((s) => s !== undefined);
  }

  private row(n: Entry, s: sessions.Session | undefined): HTMLElement {
    const when = new Date(n.changed);
    return el(
      "li",
      {},
      el("a", { class: "grow", href: `/notebook/${n.id}` }, n.name),
      state(s),
      el("span", { class: "meta" }, `${this.labels.get(n.language) ?? n.language} · ${n.cells === 1 ? "1 cell" : `${n.cells} cells`}`),
      el("time", { class: "meta", datetime: when.toISOString(), title: when.toLocaleString() }, when.toLocaleDateString(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" })),
      el("button", { type: "button", class: "btn quiet small danger", "aria-label": `Delete ${n.name}`, click: () => void this.guard(this.remove(n)) }, "Delete"),
    );
  }

  /** A session whose cells are in another browser, or were made over the API. */
  private sessionRow(s: sessions.Session): HTMLElement {
    return el("li", {}, el("a", { class: "grow", href: `/notebook/new?session=${s.id}` }, s.name || "Session without a name"), state(s), el("span", { class: "meta" }, `${this.labels.get(s.language) ?? s.language} · its cells are elsewhere`));
  }

  private async remove(n: Entry): Promise<void> {
    if (!(await ask({ title: `Delete ${n.name}?`, text: "Its cells and outputs, and the session with its state and files, are lost.", yes: "Delete", danger: true }))) return;
    if (n.session) await sessions.remove(n.session);
    await this.shelf.remove(n.id);
    await this.show();
  }

  private async import(file: File): Promise<void> {
    const n = fromIpynb(await file.text(), file.name);
    await this.shelf.put(n);
    location.assign(`/notebook/${n.id}`);
  }

  private async guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (e) {
      note((e as Error).message, "error");
    }
  }
}

function state(s: sessions.Session | undefined): HTMLElement {
  const [look, word] = s ? words[s.state] : ["stopped", "No session"];
  return el("span", { class: `state ${look}` }, word);
}
