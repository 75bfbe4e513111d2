// The keyboard, as other notebooks have it. Single letters work on a cell itself,
// never while something is typed and never elsewhere on the page.

export interface KeyActions {
  run(then: "stay" | "next" | "add"): void;
  save(): void;
  leaveEditor(): void;
  split(): void;
  on: Record<string, () => void>; // what a key, or two of them, does on a cell
}

const pairTime = 800; // milliseconds between the two of a pair

export class Keys {
  private first = "";
  private timer = 0;

  constructor(
    root: HTMLElement,
    private readonly actions: KeyActions,
  ) {
    root.addEventListener("keydown", (e) => this.key(e), { capture: true });
  }

  private key(e: KeyboardEvent): void {
    const target = e.target as Element;
    if (e.isComposing || target.closest("dialog")) return;
    const mod = e.ctrlKey || e.metaKey;
    if (mod && e.key.toLowerCase() === "s" && !e.shiftKey) return take(e, () => this.actions.save());
    const cell = target.closest(".cell");
    if (!cell || target.closest(".typing-form")) return;
    if (e.key === "Enter" && (mod || e.shiftKey || e.altKey)) return take(e, () => this.actions.run(e.altKey ? "add" : e.shiftKey ? "next" : "stay"));
    if (target.closest(".cell-editor")) return this.inEditor(e);
    if (target === cell && !mod && !e.altKey) this.onCell(e);
  }

  private inEditor(e: KeyboardEvent): void {
    if ((e.ctrlKey || e.metaKey) && e.shiftKey && (e.code === "Minus" || e.key === "-" || e.key === "_")) return take(e, () => this.actions.split());
    const open = document.querySelector(".cm-tooltip-autocomplete, .cm-panel");
    if (e.key === "Escape" && !open) take(e, () => this.actions.leaveEditor());
  }

  private onCell(e: KeyboardEvent): void {
    const plain = e.key.length === 1 ? e.key.toLowerCase() : e.key;
    const key = e.shiftKey && `Shift${plain}` in this.actions.on ? `Shift${plain}` : plain;
    const act = this.actions.on[this.first + key] ?? this.actions.on[key];
    window.clearTimeout(this.timer);
    const begins = Object.keys(this.actions.on).some((k) => k === key + key) && this.first !== key;
    this.first = begins ? key : "";
    if (begins) this.timer = window.setTimeout(() => (this.first = ""), pairTime);
    if (act) take(e, act);
  }
}

function take(e: KeyboardEvent, act: () => void): void {
  e.preventDefault();
  e.stopPropagation();
  act();
}
