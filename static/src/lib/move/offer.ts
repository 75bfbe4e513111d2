// Offers, in the playground, to take the program into a sandbox.

import { byId, el } from "../dom";
import type { Program } from "../wire";
import { type Kind, openInSandbox, Refused } from "./open";

const lacks = "WebAssembly sandboxes start at once and have files, a shell and the languages of the playground, but no network, no packages to install and no other programs.";

export class Offer {
  private busy = false;

  /** program returns what the editor holds. */
  constructor(private readonly program: () => Program) {}

  /** Adds a button below an answer that says what WebAssembly lacks. */
  below(screen: HTMLElement, kind: Kind): void {
    const text = kind === "wasm" ? "Work on it with a shell and files." : "Work on it in a whole computer, with packages and the network.";
    screen.append(el("p", { class: "after line" }, el("button", { type: "button", class: "btn", click: () => void this.open(kind) }, "Open in a sandbox"), el("span", { class: "hint" }, text)));
  }

  async open(kind: Kind): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      location.assign(await openInSandbox(structuredClone(this.program()), kind, (step) => this.say("info", `${step}…`)));
    } catch (e) {
      this.failed(e as Error, kind);
    } finally {
      this.busy = false;
    }
  }

  private failed(e: Error, kind: Kind): void {
    if (e instanceof Refused && e.status === 401) {
      const next = encodeURIComponent(location.pathname);
      return this.say("warn", "Sandboxes are kept for people who signed in. ", el("a", { href: `/signin?next=${next}` }, "Sign in"), " and open it again.");
    }
    if (kind === "wasm") return this.say("error", e.message);
    this.say("error", `${e.message} ${lacks} `, el("button", { type: "button", class: "btn small", click: () => void this.open("wasm") }, "Open in a WebAssembly sandbox"));
  }

  private say(kind: string, ...content: (string | Node)[]): void {
    document.getElementById("sandbox-note")?.remove();
    const note = el("p", { id: "sandbox-note", class: `note ${kind}`, role: kind === "info" ? "status" : "alert" }, ...content);
    byId("notices").append(note);
  }
}
