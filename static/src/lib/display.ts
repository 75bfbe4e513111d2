// Rich outputs: a bundle of MIME types of which the best one is shown.

import { el } from "./dom";
import { outputFrame } from "./frame";
import { tableData, tableType, tableView } from "./table";
import type { Display } from "./wire";

/** What showing needs to know of the page. */
export interface Surroundings {
  base: string; // the server's origin; "" for the page's own
  theme: () => string; // "light" or "dark", as it is now
}

const pictures = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** Shows a bundle by its richest type that is known here. */
export function displayView(d: Display, around: Surroundings): HTMLElement {
  return el("div", { class: "rich" }, best(d, around));
}

function best(d: Display, around: Surroundings): HTMLElement {
  const table = tableData(d.data[tableType]);
  if (table) return tableView(table);
  const html = str(d.data["text/html"]);
  if (html) return outputFrame(around.base, "html", html, around.theme);
  const svg = str(d.data["image/svg+xml"]);
  // A picture that knows both themes needs no white paper under it.
  if (svg) return picture(`data:image/svg+xml;base64,${encode(svg)}`, d, svg.includes("prefers-color-scheme") ? "adaptive" : undefined);
  for (const type of pictures) {
    const data = str(d.data[type]);
    if (data) return picture(`data:${type};base64,${data.replace(/\s/g, "")}`, d);
  }
  const markdown = str(d.data["text/markdown"]);
  if (markdown) return outputFrame(around.base, "markdown", markdown, around.theme);
  if ("application/json" in d.data) return el("pre", { class: "json", tabindex: 0 }, JSON.stringify(d.data["application/json"], null, 2));
  return el("pre", {}, str(d.data["text/plain"]) || `An output of a type that is not shown here: ${Object.keys(d.data).join(", ")}`);
}

function picture(src: string, d: Display, look?: string): HTMLElement {
  const alt = str(d.metadata?.alt) || str(d.metadata?.title) || str(d.data["text/plain"]) || "Picture made by the program";
  return el("img", { src, alt, class: look });
}

function str(v: unknown): string {
  if (Array.isArray(v)) return v.join("");
  return typeof v === "string" ? v : "";
}

function encode(s: string): string {
  let raw = "";
  for (const b of new TextEncoder().encode(s)) raw += String.fromCharCode(b);
  return btoa(raw);
}
