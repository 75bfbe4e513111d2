// A file opened in the page: text to edit, images to look at. What users made
// never runs on this origin: it is text in an editor, or an image of a type that
// runs nothing, as a blob.

import { ask } from "../ask";
import { byId, el, requestClose } from "../dom";
import type { Editor, EditorEvents } from "../editor";
import { bytes } from "../format";
import { type Toolbox, ToolboxError } from "../term/toolbox";
import type { FileInfo } from "./files";

const images: Record<string, string> = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", avif: "image/avif", bmp: "image/bmp" };
const modes: Record<string, string> = { py: "python", js: "javascript", mjs: "javascript", jsx: "javascript", ts: "typescript", tsx: "typescript", sql: "sql", rb: "ruby", lua: "lua" };
const maxText = 2 << 20;
const maxImage = 32 << 20;

/** Opens a file in the dialog, and reports whether it was changed. */
export async function open(toolbox: Toolbox, f: FileInfo, download: string): Promise<boolean> {
  const kind = f.name.includes(".") ? f.name.slice(f.name.lastIndexOf(".") + 1).toLowerCase() : "";
  const image = images[kind];
  if (f.size > (image ? maxImage : maxText)) return offer(f, download, `${f.name} has ${bytes(f.size)}, which is too much to open here.`);
  const answer = await toolbox.call(`files/download?path=${encodeURIComponent(f.path)}`);
  const data = new Uint8Array(await answer.arrayBuffer());
  if (image) return picture(f, new Blob([data], { type: image }));
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return offer(f, download, `${f.name} is not text.`);
  }
  if (text.includes("\0")) return offer(f, download, `${f.name} is not text.`);
  return edit(toolbox, f, text, answer.headers.get("ETag") ?? "", modes[kind] ?? "");
}

async function offer(f: FileInfo, download: string, why: string): Promise<boolean> {
  if (await ask({ title: f.name, text: `${why} It can be downloaded.`, yes: "Download" })) el("a", { href: download, download: f.name }).click();
  return false;
}

function frame(f: FileInfo, ...content: Node[]): HTMLDialogElement {
  const dialog = byId<HTMLDialogElement>("file-view");
  const close = el("button", { type: "button", class: "btn", click: () => requestClose(dialog) }, "Close");
  dialog.replaceChildren(el("div", { class: "dialog-head" }, el("h2", { id: "file-view-title" }, f.name), el("span", { class: "line", id: "file-view-actions" }, close)), ...content);
  dialog.showModal();
  return dialog;
}

function picture(f: FileInfo, blob: Blob): Promise<boolean> {
  const src = URL.createObjectURL(blob);
  const dialog = frame(f, el("div", { class: "content" }, el("img", { src, alt: f.name })));
  return new Promise((done) =>
    dialog.addEventListener("close", () => {
      URL.revokeObjectURL(src);
      done(false);
    }, { once: true }),
  );
}

/** How the lines of a text end; undefined when they do not all end in the same way. */
function lineEnd(text: string): string | undefined {
  const all = new Set(text.match(/\r\n|\r|\n/g));
  return all.size > 1 ? undefined : ([...all][0] ?? "\n");
}

async function edit(toolbox: Toolbox, f: FileInfo, content: string, etag: string, mode: string): Promise<boolean> {
  const { CodeEditor } = await import("../codemirror");
  const place = el("div", { class: "file-editor" });
  const status = el("span", { class: "hint", role: "status" });
  const button = el("button", { type: "button", class: "btn primary" }, "Save");
  const dialog = frame(f, place);
  byId("file-view-actions").prepend(status, button);
  // The editor's lines end with \n. Where all end otherwise they get that end back
  // when they are saved; where they differ, the carriage returns are kept as
  // characters, which are seen.
  const end = lineEnd(content);
  let text = end === undefined ? content : content.replaceAll(end, "\n");
  let saved = text;
  let changed = false;
  /** Writes the text as it is now, and reports whether that worked. */
  const write = async (force = false): Promise<boolean> => {
    const now = text;
    let answer: Response;
    try {
      answer = await toolbox.call(`files/upload-v2?path=${encodeURIComponent(f.path)}`, { method: "POST", headers: { "Content-Type": "application/octet-stream", ...(etag && !force ? { "If-Match": etag } : {}) }, body: new Blob([end === undefined ? now : now.replaceAll("\n", end)]) });
    } catch (e) {
      if (!(e instanceof ToolboxError && e.status === 412)) {
        status.textContent = (e as Error).message;
        return false;
      }
      if (await ask({ title: "Save over the other change?", text: `${e.message} Saving replaces what is there now with what you see here.`, yes: "Save over it", danger: true })) return write(true);
      status.textContent = "Not saved: the file was changed by somebody else.";
      return false;
    }
    etag = answer.headers.get("ETag") ?? "";
    [saved, changed] = [now, true];
    status.textContent = text === saved ? "Saved." : "Not saved";
    return true;
  };
  let saving = false;
  let again = false; // it was asked for while it was done
  const save = async (): Promise<void> => {
    again = saving;
    if (saving) return;
    saving = true;
    while ((await write()) && again && text !== saved) again = false;
    saving = false;
  };
  const events: EditorEvents = {
    change: (t) => {
      text = t;
      status.textContent = t === saved ? "" : "Not saved";
    },
    run: () => void save(),
    save: () => void save(),
  };
  button.addEventListener("click", () => void save());
  const nonce = document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";
  const editor: Editor = new CodeEditor(place, events, { wrap: false, readOnly: false, keepReturns: end === undefined, nonce });
  editor.open(f.name, text, mode);
  editor.focus();
  if (end === undefined) status.textContent = "The lines end in different ways. They stay as they are: ␍ is a part of a line's end.";
  const stay = async (e: Event) => {
    if (text === saved) return;
    e.preventDefault();
    if (await ask({ title: "Close without saving?", text: `What you changed in ${f.name} would be lost.`, yes: "Close", danger: true })) dialog.close();
  };
  // The browser asks only once for a press of Escape, and closes at the next.
  const escape = (e: KeyboardEvent) => {
    if (e.key !== "Escape" || e.defaultPrevented) return;
    e.preventDefault();
    requestClose(dialog);
  };
  const leave = (e: BeforeUnloadEvent) => text !== saved && e.preventDefault();
  dialog.addEventListener("cancel", stay);
  dialog.addEventListener("keydown", escape);
  addEventListener("beforeunload", leave);
  return new Promise((done) =>
    dialog.addEventListener("close", () => {
      dialog.removeEventListener("cancel", stay);
      dialog.removeEventListener("keydown", escape);
      removeEventListener("beforeunload", leave);
      editor.destroy();
      dialog.replaceChildren();
      done(changed);
    }, { once: true }),
  );
}
