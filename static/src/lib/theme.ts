// Light, dark, or as the system has it.

import { byId } from "./dom";
import { forget, load, save } from "./store";

type Theme = "system" | "light" | "dark";
const order: Theme[] = ["system", "light", "dark"];

/** The theme that is on the screen. */
export function shownTheme(): "light" | "dark" {
  const set = document.documentElement.dataset.theme;
  if (set === "light" || set === "dark") return set;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Makes the button in the top bar change the theme. */
export function themeButton(): void {
  const button = byId<HTMLButtonElement>("theme");
  let theme: Theme = load<Theme>("theme") ?? "system";
  const show = () => {
    const label = `Theme: ${theme}`;
    button.setAttribute("aria-label", label);
    button.title = label;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  button.addEventListener("click", () => {
    theme = order[(order.indexOf(theme) + 1) % order.length];
    if (theme === "system") forget("theme");
    else save("theme", theme);
    show();
  });
  show();
}
