// What every page does: theme, menus, dialogs, copy buttons.

import "htmx.org";
import { byId, copyText, requestClose } from "./dom";
import { themeButton } from "./theme";

export function startPage(): void {
  themeButton();
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") closeMenus();
  });
}

function onClick(e: MouseEvent): void {
  const target = e.target as Element;
  closeMenus(target.closest("details.menu"));
  if (target instanceof HTMLDialogElement) requestClose(target); // its backdrop
  const copies = target.closest<HTMLElement>("[data-copies]");
  if (copies) void copyText(textOf(copies.dataset.copies!.slice(1)), copies);
}

function textOf(id: string): string {
  const e = byId(id);
  return e instanceof HTMLInputElement ? e.value : (e.textContent ?? "");
}

/** Closes every open menu but one. */
export function closeMenus(but?: Element | null): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (menu === but) continue;
    const inside = menu.contains(document.activeElement);
    menu.open = false;
    if (inside) menu.querySelector("summary")?.focus(); // which would be nowhere
  }
}
