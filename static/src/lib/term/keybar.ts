// The keys that phones lack.

import { el } from "../dom";

const plain: [label: string, name: string, sends: string][] = [
  ["Esc", "Esc", "\x1b"],
  ["Tab", "Tab", "\t"],
  ["←", "Left", "\x1b[D"],
  ["↑", "Up", "\x1b[A"],
  ["↓", "Down", "\x1b[B"],
  ["→", "Right", "\x1b[C"],
  ["Home", "Home", "\x1b[H"],
  ["End", "End", "\x1b[F"],
  ["PgUp", "PgUp", "\x1b[5~"],
  ["PgDn", "PgDn", "\x1b[6~"],
  ["Del", "Del", "\x1b[3~"],
  ["|", "Pipe", "|"],
  ["~", "Tilde", "~"],
  ["/", "Slash", "/"],
  ["-", "Hyphen", "-"],
];

/** A key of the cursor as the program asked for it: vi and less want the other form. */
export function cursorKey(data: string, application: boolean): string {
  return application ? data.replace(/^\x1b\[([A-DFH])$/, "\x1bO$1") : data;
}

/** What a key sends while Ctrl or Alt are held. */
export function withModifiers(data: string, ctrl: boolean, alt: boolean): string {
  const held = 1 + (alt ? 2 : 0) + (ctrl ? 4 : 0);
  const cursor = /^\x1b[[O]([A-DFH])$/.exec(data);
  if (cursor) return `\x1b[1;${held}${cursor[1]}`;
  const other = /^\x1b\[(\d)~$/.exec(data);
  if (other) return `\x1b[${other[1]};${held}~`;
  if (ctrl && data.length === 1 && /[@-_a-z ]/.test(data)) data = String.fromCharCode(data.toUpperCase().charCodeAt(0) & 31);
  return alt ? "\x1b" + data : data;
}

/** A bar of keys; Ctrl and Alt hold for the next key. */
export class KeyBar {
  readonly box = el("div", { class: "keybar", role: "toolbar", "aria-label": "Keys" });
  private readonly ctrl = this.sticky("Ctrl");
  private readonly alt = this.sticky("Alt");

  /** application is whether the program wants the cursor's keys in their other form. */
  constructor(
    private readonly send: (data: string) => void,
    private readonly application: () => boolean,
  ) {
    for (const [label, name, data] of plain) {
      this.box.append(this.button(label, name, () => this.send(this.modified(cursorKey(data, this.application())))));
      if (label === "Tab") this.box.append(this.ctrl, this.alt);
    }
  }

  /** What a key means while Ctrl or Alt hold; they are let go with it. */
  modified(data: string): string {
    const [ctrl, alt] = [pressed(this.ctrl), pressed(this.alt)];
    if (!ctrl && !alt) return data;
    release(this.ctrl);
    release(this.alt);
    return withModifiers(data, ctrl, alt);
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
