// A few words for building elements.

type Attributes = Record<string, string | number | boolean | undefined | ((e: never) => void)>;

/** Makes an element. Functions are listeners; true and false are boolean attributes. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: (Node | string | undefined)[]): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") e.addEventListener(name, value as EventListener);
    else if (value === true) e.setAttribute(name, "");
    else if (value !== false && value !== undefined) e.setAttribute(name, String(value));
  }
  e.append(...children.filter((c) => c !== undefined));
  return e;
}

/** Returns the element with an id, which the page is known to have. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** Closes a dialog as Escape would: whoever listens to its event cancel may keep it open. */
export function requestClose(dialog: HTMLDialogElement): void {
  if (dialog.dispatchEvent(new Event("cancel", { cancelable: true }))) dialog.close();
}

/** Puts text on the clipboard and says so on the button that asked. */
export async function copyText(text: string, button?: HTMLElement): Promise<boolean> {
  const copied = await writeClipboard(text);
  if (button) flash(button, copied ? "Copied" : "Select it and copy");
  return copied;
}

async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text); // no permission, or a page that is not secure
  }
}

function copyBySelection(text: string): boolean {
  const area = el("textarea", { class: "sr", "aria-hidden": "true", tabindex: -1 });
  area.value = text;
  const before = document.activeElement as HTMLElement | null;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  before?.focus();
  return copied;
}

const labels = new WeakMap<HTMLElement, string>();

/** Shows a word in a button's place for a moment. */
export function flash(button: HTMLElement, word: string): void {
  const label = (button.querySelector("span:not(.kbd)") ?? button) as HTMLElement;
  if (!labels.has(label)) labels.set(label, label.textContent ?? "");
  label.textContent = word;
  setTimeout(() => {
    label.textContent = labels.get(label) ?? "";
    labels.delete(label);
  }, 1600);
}

export function isMac(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.platform);
}
