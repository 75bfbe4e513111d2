// Keys that a browser keeps for itself, and the keyboard of phones.

import type RFB from "@novnc/novnc";
import { el } from "../dom";

/** Keysyms of X, by the names that buttons show. */
const keysyms: Record<string, number> = {
  Ctrl: 0xffe3, Alt: 0xffe9, Shift: 0xffe1, Super: 0xffeb,
  Esc: 0xff1b, Tab: 0xff09, Del: 0xffff, Enter: 0xff0d, Backspace: 0xff08, F4: 0xffc1, F11: 0xffc8,
  C: 0x63, V: 0x76, T: 0x74, W: 0x77,
};

const combinations = ["Ctrl+Alt+Del", "Esc", "Tab", "Super", "Alt+Tab", "Alt+F4", "Ctrl+C", "Ctrl+V", "Ctrl+T", "Ctrl+W", "F11"];

/** Fills the menu of keys. */
export function keyMenu(items: HTMLElement, screen: () => RFB | undefined): void {
  for (const name of combinations) {
    items.append(el("button", { type: "button", class: "item", click: () => press(screen(), name.split("+")) }, name));
  }
}

function press(rfb: RFB | undefined, names: string[]): void {
  if (!rfb) return;
  for (const n of names) rfb.sendKey(keysyms[n], null, true);
  for (const n of names.reverse()) rfb.sendKey(keysyms[n], null, false);
  rfb.focus();
}

/** Leaves the screen for the button when Ctrl Shift L is pressed: every other key, Tab as well, is the desktop's. */
export function leaveByKey(picture: HTMLElement, button: HTMLElement, screen: () => RFB | undefined): void {
  picture.addEventListener(
    "keydown",
    (e) => {
      if (e.code !== "KeyL" || !e.ctrlKey || !e.shiftKey || e.altKey || e.metaKey) return;
      e.preventDefault();
      e.stopPropagation();
      // They are let go where the desktop does not see it.
      for (const [name, code] of [["Ctrl", "ControlLeft"], ["Shift", "ShiftLeft"]]) screen()?.sendKey(keysyms[name], code, false);
      button.focus();
    },
    { capture: true },
  );
}

/** The keysym of a character. */
export function keysymOf(character: string): number {
  const code = character.codePointAt(0)!;
  if (code === 10 || code === 13) return keysyms.Enter;
  if (code === 9) return keysyms.Tab;
  return (code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xff) ? code : 0x01000000 | code;
}

/** What must be typed so that a text becomes another: characters taken away at its end, and characters added. */
export function typing(before: string, after: string): { erase: number; add: string[] } {
  const old = [...before];
  const now = [...after];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same++;
  return { erase: old.length - same, add: now.slice(same) };
}

const padding = "_".repeat(64); // so that there is something to erase

/**
 * Types on the screen what is typed into a field: the keyboards of phones send no
 * keys, they change a text.
 */
export function softKeyboard(area: HTMLTextAreaElement, button: HTMLButtonElement, screen: () => RFB | undefined): void {
  let text = padding;
  const reset = () => {
    area.value = text = padding;
    area.setSelectionRange(text.length, text.length);
  };
  button.hidden = !matchMedia("(any-pointer: coarse)").matches;
  button.addEventListener("click", () => {
    reset();
    area.focus();
  });
  area.addEventListener("input", (e) => {
    const { erase, add } = typing(text, area.value);
    for (let i = 0; i < erase; i++) screen()?.sendKey(keysyms.Backspace, "Backspace");
    for (const c of add) screen()?.sendKey(keysymOf(c), null);
    text = area.value;
    if (!(e as InputEvent).isComposing && (text.length < 16 || text.length > 256)) reset();
  });
  area.addEventListener("keydown", (e) => {
    const sym = { Escape: keysyms.Esc, Tab: keysyms.Tab }[e.key];
    if (sym === undefined) return;
    e.preventDefault();
    screen()?.sendKey(sym, null);
  });
}
