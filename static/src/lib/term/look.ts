// What a terminal looks like: the page's colours, and the visitor's settings.

import type { ITheme } from "@xterm/xterm";
import { load, save } from "../store";
import { shownTheme } from "../theme";

export interface Settings {
  fontSize: number; // px
  reader: boolean; // output is announced to a screen reader
  clipboard: boolean; // programs may put text on the clipboard
}

export const smallest = 9;
export const largest = 28;

export function settings(): Settings {
  return { fontSize: 14, reader: false, clipboard: false, ...load<Partial<Settings>>("terminal") };
}

export function keep(s: Settings): void {
  save("terminal", s);
}

const ansi = {
  light: ["#1d2320", "#ab2318", "#23693c", "#7a5200", "#1d5c99", "#7a3e9d", "#0b6b73", "#565d57", "#6b6f67", "#c2392c", "#2d7d49", "#8f6400", "#2a70b5", "#9150b8", "#12808a", "#2a2f2c"],
  dark: ["#2c3331", "#ff9488", "#7ecb94", "#e3b562", "#8bbcf0", "#cfa2ee", "#6fcfd2", "#c9cfca", "#8d958e", "#ffb3aa", "#9adfae", "#f0ca85", "#aed0f7", "#dfc0f6", "#97e0e2", "#f4f6f3"],
};
const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** The colours of the theme that is on the screen. */
export function theme(probe: HTMLElement): ITheme {
  const colour = (token: string) => {
    probe.style.color = `var(--${token})`;
    return hex(getComputedStyle(probe).color);
  };
  const t: Record<string, string> = {
    background: colour("surface"),
    foreground: colour("ink"),
    cursor: colour("accent"),
    cursorAccent: colour("surface"),
    selectionBackground: colour("code-select"),
  };
  ansi[shownTheme()].forEach((c, i) => {
    const name = names[i % 8];
    t[i < 8 ? name : `bright${name[0].toUpperCase()}${name.slice(1)}`] = c;
  });
  probe.style.color = "";
  return t;
}

/** A computed colour as #rrggbb. */
function hex(rgb: string): string {
  const parts = rgb.match(/[\d.]+/g)?.slice(0, 3) ?? ["0", "0", "0"];
  return "#" + parts.map((n) => Math.round(Number(n)).toString(16).padStart(2, "0")).join("");
}

/** Calls back whenever the theme may have changed. */
export function onTheme(changed: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
