// The page's side of a sandboxed frame, in which a program's HTML and Markdown
// are shown: another origin, no cookies, no network. See frame.ts above for
// the other side.

import { el } from "./dom";

const tallest = 4000;
const frames = new Map<Window, HTMLIFrameElement>();
let listening = false;

/** Makes a frame that shows content; base is the server's origin, "" for our own. */
export function outputFrame(base: string, kind: "html" | "markdown", content: string, theme: () => string): HTMLIFrameElement {
  listen();
  const label = kind === "html" ? "HTML output" : "Markdown output";
  const frame = el("iframe", { class: "frame", src: `${base}/frame`, sandbox: "allow-scripts allow-popups allow-downloads", title: label, loading: "eager" });
  frame.addEventListener("load", () => {
    frames.set(frame.contentWindow!, frame);
    // The frame's origin is opaque, so no target origin can name it.
    frame.contentWindow!.postMessage({ type: "sandpiper:show", kind, content, theme: theme() }, "*");
  });
  return frame;
}

function listen(): void {
  if (listening) return;
  listening = true;
  window.addEventListener("message", (e) => {
    const frame = e.source && frames.get(e.source as Window);
    if (!frame || e.origin !== "null" || e.data?.type !== "sandpiper:height") return;
    const height = Number(e.data.height);
    if (height > 0) frame.height = String(Math.min(Math.ceil(height) + 2, tallest));
    frame.classList.add("sized");
  });
}
