// The keys that phones lack.

import { el } from "../dom";

const plain: [label: string, name: string, sends: string][] = [
  ["Esc", "Esc", "\x1b"],
  ["Tab", "Tab", "\t"],
  ["←", "Left", "\x1b[D"],
  ["↑", "Up", "\x1b[A"],
  ["↓", "Down", "\x1b[B"],
  ["→", "Right", "\x1b[C"],
  ["|", "Pipe", "|"],
  ["~", "Tilde", "~"],
  ["/", "Slash", "/"],
  ["-", "Hyphen", "-"],
];

/** A bar of keys; Ctrl and Alt hold for the next key. */
export class KeyBar {
  readonly box = el("div", { class: "keybar", role: "toolbar", "aria-label": "Keys" });
  private readonly ctrl = this.sticky("Ctrl");
  private readonly alt = this.sticky("Alt");

  constructor(private readonly send: (data: string) => void) {
    for (const [label, name, data] of plain) {
      this.box.append(this.button(label, name, () => this.send(this.modified(data))));
      if (label === "Tab") this.box.append(this.ctrl, this.alt);
    }
  }

  /** What a key means while Ctrl or Alt hold; they are let go with it. */
  modified(data: string): string {
    const arrow = /^\x1b\[([ABCD])$/.exec(data);
    const [ctrl, alt] = [pressed(this.ctrl), pressed(this.alt)];
    if (!ctrl && !alt) return data;
    release(this.ctrl);
    release(this.alt);
    if (arrow) return `\x1b[1;${1 + (alt ? 2 : 0) + (ctrl ? 4 : 0)}${arrow[1]}`;
    if (ctrl && data.length === 1 && /[@-_a-z ]/.test(data)) data = String.fromCharCode(data.toUpperCase().charCodeAt(0) & 31);
    return alt ? "\x1b" + data : data;
  }

  private button(label: string, name: string, press: () => void): HTMLButtonElement {
    const b = el("button", { type: "button", class: "btn small", "aria-label": name }, label);
    b.addEventListener("pointerdown", (e) => e.preventDefault()); // the keyboard stays
    b.addEventListener("click", press);
    return b;
  }

  private sticky(label: string): HTMLButtonElement {
    const b = this.button(label, label, () => b.setAttribute("aria-pressed", String(!pressed(b))));
    b.setAttribute("aria-pressed", "false");
    return b;
  }
}

const pressed = (b: HTMLElement) => b.getAttribute("aria-pressed") === "true";
const release = (b: HTMLElement) => b.setAttribute("aria-pressed", "false");
