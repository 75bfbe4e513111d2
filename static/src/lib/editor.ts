// An editor for one file at a time. The textarea is there at once and serves
// those who prefer it; CodeMirror takes its place when it has loaded.

import { el } from "./dom";
import type { Diagnostic } from "./wire";

export interface EditorEvents {
  change(text: string): void;
  run(): void;
  save(): void;
}

export interface EditorOptions {
  wrap: boolean;
  readOnly: boolean;
  bare?: boolean; // no line numbers and marks beside the text
  keepReturns?: boolean; // carriage returns are characters, not ends of lines
  nonce: string;
}

export interface Editor {
  /** Shows a file; mode is the language's editor mode. History belongs to the file. label is what assistive technology calls it. */
  open(name: string, text: string, mode: string, label?: string): void;
  /** Moves to a line and column, counted from 1, and takes the focus. */
  goTo(line: number, column: number): void;
  /** Puts the cursor before a character of the text. */
  place(at: number): void;
  /** Where the cursor is, in characters from the start. */
  cursor(): number;
  /** Marks places of the file that is open. */
  mark(diagnostics: Diagnostic[]): void;
  focus(): void;
  wrap(on: boolean): void;
  destroy(): void;
}

export class PlainEditor implements Editor {
  private readonly area: HTMLTextAreaElement;
  private name = "";

  constructor(
    parent: HTMLElement,
    private readonly events: EditorEvents,
    options: EditorOptions,
  ) {
    this.area = el("textarea", { class: "plain", spellcheck: "false", autocapitalize: "off", autocomplete: "off", readonly: options.readOnly });
    this.area.addEventListener("input", () => events.change(this.area.value));
    this.area.addEventListener("keydown", (e) => this.key(e));
    this.wrap(options.wrap);
    parent.append(this.area);
  }

  open(name: string, text: string, _mode: string, label = `Code of ${name}`): void {
    this.name = name;
    this.area.setAttribute("aria-label", label);
    if (this.area.value !== text) this.area.value = text;
  }

  goTo(line: number, column: number): void {
    const lines = this.area.value.split("\n");
    const before = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
    const start = before + Math.max(0, column - 1);
    const end = column > 0 ? start : before + (lines[line - 1]?.length ?? 0);
    this.area.focus();
    this.area.setSelectionRange(start, end);
    this.area.scrollTop = (line - 4) * parseFloat(getComputedStyle(this.area).lineHeight);
  }

  place(at: number): void {
    this.area.setSelectionRange(at, at);
  }

  cursor(): number {
    return this.area.selectionStart;
  }

  mark(diagnostics: Diagnostic[]): void {
    this.area.setAttribute("aria-invalid", String(diagnostics.some((d) => d.file === this.name)));
  }

  focus(): void {
    this.area.focus();
  }

  wrap(on: boolean): void {
    this.area.wrap = on ? "soft" : "off";
    this.area.classList.toggle("wrapped", on);
  }

  destroy(): void {
    this.area.remove();
  }

  private key(e: KeyboardEvent): void {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey || e.shiftKey)) {
      e.preventDefault();
      this.events.run();
    } else if (e.key === "s" && (e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      this.events.save();
    }
  }
}
