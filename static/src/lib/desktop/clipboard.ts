// The clipboard of the desktop and that of the visitor.

import { byId, copyText } from "../dom";
import { load, save } from "../store";
import type { Connection } from "./connection";

const longest = 256 << 10; // characters that go either way

export class Clipboard {
  private readonly text = byId<HTMLTextAreaElement>("clip-text");
  private readonly sync = byId<HTMLInputElement>("clip-sync");
  private last = "";

  constructor(private readonly connection: Connection) {
    this.sync.checked = load<boolean>("desktop.clipboard") === true;
    this.sync.addEventListener("change", () => void this.turn());
    byId("clip-send").addEventListener("click", () => this.send(this.text.value));
    byId("clip-copy").addEventListener("click", (e) => void copyText(this.text.value, e.currentTarget as HTMLElement));
    window.addEventListener("focus", () => void this.pull());
    byId("stage").addEventListener("focusin", () => void this.pull());
  }

  /** What was copied on the desktop. */
  async copied(text: string): Promise<void> {
    this.text.value = this.last = text.slice(0, longest);
    if (!this.sync.checked) return;
    try {
      await navigator.clipboard.writeText(this.last);
    } catch {
      this.say("The browser did not let the page write its clipboard; copy the text here.");
    }
  }

  private send(text: string): void {
    const screen = this.connection.screen;
    if (!screen) return this.say("The desktop is not connected.");
    this.last = text.slice(0, longest);
    screen.clipboardPasteFrom(this.last);
    this.say("It is on the desktop's clipboard; paste it there, mostly with Ctrl+V.");
  }

  /** Brings what was copied elsewhere to the desktop. */
  private async pull(): Promise<void> {
    if (!this.sync.checked || !this.connection.screen || this.connection.screen.viewOnly) return;
    try {
      const text = await navigator.clipboard.readText();
      if (text !== "" && text !== this.last) {
        this.text.value = this.last = text.slice(0, longest);
        this.connection.screen?.clipboardPasteFrom(this.last);
      }
    } catch {
      // no permission: the panel says so when it is turned on
    }
  }

  private async turn(): Promise<void> {
    save("desktop.clipboard", this.sync.checked);
    if (!this.sync.checked) return this.say("");
    try {
      await navigator.clipboard.readText();
      this.say("");
      await this.pull();
    } catch {
      this.say("The browser does not let this page read its clipboard. Use the text field, or allow it in the site's settings.");
    }
  }

  private say(text: string): void {
    byId("clip-hint").textContent = text;
  }
}
