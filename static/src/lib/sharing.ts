// Sharing: the private link, the short link, and taking it back.

import { byId, copyText, el, flash } from "./dom";
import { longLink, toHash } from "./hash";
import { load, save } from "./store";
import type { Program } from "./wire";

export interface SharingEvents {
  program(): Program;
  output(): string; // what the last run printed
  shared(id: string): void;
  deleted(): void;
}

/** The server keeps only the beginning of an output. */
const keptOutput = 16 << 10;

export class Sharing {
  private readonly dialog = byId<HTMLDialogElement>("share-dialog");

  constructor(private readonly events: SharingEvents) {
    byId("share").addEventListener("click", (e) => {
      e.preventDefault();
      void this.open();
    });
    byId("share-form").addEventListener("htmx:after:swap", () => this.done());
    document.addEventListener("click", (e) => {
      const id = (e.target as Element).closest<HTMLElement>("[data-delete]")?.dataset.delete;
      if (id) void this.remove(id);
    });
  }

  private async open(): Promise<void> {
    const program = this.events.program();
    fillForm(program);
    byId<HTMLInputElement>("share-author").value = author();
    byId<HTMLInputElement>("share-output").value = this.events.output().slice(0, keptOutput);
    byId<HTMLInputElement>("share-name").value = program.title;
    byId("share-result").replaceChildren();
    const link = await privateLink(program);
    byId<HTMLInputElement>("private-link").value = link;
    byId("private-note").textContent = link.length > longLink ? `It has ${link.length.toLocaleString("en")} characters; mail and chat programs may cut it. The short link is safer.` : "";
    this.dialog.showModal();
  }

  /** Puts the private link into the address bar and on the clipboard. */
  async save(button: HTMLElement): Promise<void> {
    const link = await privateLink(this.events.program());
    history.replaceState(null, "", link);
    const copied = await copyText(link);
    flash(button, copied ? "Link copied" : "Link is in the address bar");
  }

  private done(): void {
    const panel = this.dialog.querySelector<HTMLElement>("[data-shared]");
    if (!panel) return; // it was refused, and the panel says why
    const id = panel.dataset.shared!;
    if ("mine" in panel.dataset) save("shared", [...new Set([...sharedIds(), id])].slice(-500));
    this.events.shared(id);
  }

  private async remove(id: string): Promise<void> {
    if (!confirm("Delete this link? Whoever follows it will find nothing.")) return;
    const response = await fetch(`/s/${id}`, { method: "DELETE", headers: { "Sandpiper-Author": author() } }).catch(() => undefined);
    const gone = response?.ok || response?.status === 404;
    const word = gone ? "The link is deleted." : "The link could not be deleted. Try again.";
    byId("share-result").replaceChildren(el("p", { class: gone ? "note info" : "note error" }, word));
    if (gone) {
      save("shared", sharedIds().filter((other) => other !== id));
      this.events.deleted();
    }
  }
}

/** Reports whether this browser shared an id and may delete it. */
export function isMine(id: string): boolean {
  return sharedIds().includes(id);
}

function sharedIds(): string[] {
  const ids = load<string[]>("shared");
  return Array.isArray(ids) ? ids : [];
}

/** The secret with which this browser can delete what it shared. */
function author(): string {
  const known = load<string>("author");
  if (typeof known === "string" && known.length >= 32) return known;
  const secret = Array.from(crypto.getRandomValues(new Uint8Array(32)), (b) => b.toString(16).padStart(2, "0")).join("");
  save("author", secret);
  return secret;
}

async function privateLink(p: Program): Promise<string> {
  return `${location.origin}/${await toHash(p)}`;
}

/** Writes the program into the page's form, as it would be sent without scripts. */
export function fillForm(p: Program): void {
  byId("source").replaceChildren(
    ...p.files.map((f) => {
      const area = el("textarea", { class: "plain", name: "content", "aria-label": `Code of ${f.name}` });
      area.value = f.content;
      return el("div", { class: "file" }, el("input", { type: "hidden", name: "name", value: f.name }), area);
    }),
  );
}
