// The files that a program left in out/.

import { el } from "./dom";
import { bytes } from "./format";
import type { OutputFile } from "./wire";

const pictures: Record<string, string> = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", svg: "image/svg+xml" };
const previewed = 4000; // characters of text

export function leftView(files: OutputFile[]): HTMLElement {
  return el("section", {}, el("h3", {}, "Files in out/"), el("ul", { class: "left" }, ...files.map(one)));
}

function one(f: OutputFile): HTMLElement {
  const type = pictures[f.name.split(".").pop()!.toLowerCase()];
  const url = URL.createObjectURL(new Blob([content(f)], { type: type ?? "application/octet-stream" }));
  return el(
    "li",
    { class: "thing" },
    el("div", { class: "line" }, el("span", { class: "mono" }, f.name, " ", el("span", { class: "quiet-text" }, bytes(f.size))), el("a", { class: "btn small", href: url, download: f.name.split("/").pop() }, "Download")),
    type ? el("img", { src: url, alt: f.name }) : preview(f),
  );
}

function preview(f: OutputFile): HTMLElement | undefined {
  if (f.encoding === "base64" || f.content === "") return undefined;
  const cut = f.content.length > previewed;
  return el("pre", { tabindex: 0, role: "region", "aria-label": f.name }, cut ? f.content.slice(0, previewed) + "\n…" : f.content);
}

function content(f: OutputFile): BlobPart {
  if (f.encoding !== "base64") return f.content;
  return Uint8Array.from(atob(f.content), (c) => c.charCodeAt(0));
}
