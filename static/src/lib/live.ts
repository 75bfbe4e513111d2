// Pages that the server keeps up to date: a stream of parts, notices, forms in a
// dialog, and times that count down.

import htmx from "htmx.org";
import "htmx.org/dist/ext/hx-sse.js";
import { el } from "./dom";
import { closeMenus } from "./page";

const firstAgain = 2000; // ms until a first connection that failed is tried again

/** Connects what the page shows to the server. */
export function startLive(): void {
  htmx.config.sse = { reconnectDelay: 500, reconnectMaxDelay: 5000 };
  connection();
  notices();
  dialogs();
  setInterval(countDown, 1000);
}

/** Says when the connection is lost, and follows the server elsewhere. */
function connection(): void {
  const lost = document.getElementById("lost");
  const text = lost?.textContent ?? "";
  const show = (on: boolean) => {
    if (lost) lost.hidden = !on;
  };
  const failed = (status?: number) => {
    lost?.replaceChildren(...(status === 401 ? ["You are signed out, so what you see may be old. ", el("a", { href: signIn() }, "Sign in")] : [text]));
    show(true);
  };
  document.addEventListener("htmx:sse:error", (e) => failed((e as CustomEvent<{ status?: number }>).detail.status));
  // The first connection is a request as others are: it fails as they do, and nobody tries it again.
  const first = (e: Event) => {
    const live = e.target as Element;
    if (live.id !== "live") return;
    failed((e as CustomEvent<{ ctx?: { response?: { status: number } } }>).detail.ctx?.response?.status);
    setTimeout(() => {
      const again = live.cloneNode() as Element;
      live.replaceWith(again);
      htmx.process(again);
    }, firstAgain);
  };
  document.addEventListener("htmx:response:error", first);
  document.addEventListener("htmx:error", first);
  document.addEventListener("htmx:sse:after:connection", () => show(false));
  document.addEventListener("sandbox:gone", (e) => location.replace((e as CustomEvent<{ data: string }>).detail.data));
}

/** Where the form to sign in is, which leads back here. */
export function signIn(): string {
  return `/signin?${new URLSearchParams({ next: location.pathname + location.search })}`;
}

/** Closes notices, and menus when something of theirs was done. */
function notices(): void {
  document.addEventListener("click", (e) => {
    const target = e.target as Element;
    target.closest("[data-dismiss]")?.closest(".note")?.remove();
    if (target.closest(".menu .items")) closeMenus();
  });
}

/** Opens links to forms in the page's dialog. Without it they are pages. */
function dialogs(): void {
  const dialog = document.getElementById("ask") as HTMLDialogElement | null;
  if (!dialog) return;
  document.addEventListener("click", (e) => {
    const link = (e.target as Element).closest<HTMLAnchorElement>("a[data-ask]");
    if (!link || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey) return;
    e.preventDefault();
    void open(dialog, link.href);
  });
  dialog.addEventListener("click", (e) => {
    if ((e.target as Element).closest("[data-close]")) {
      e.preventDefault();
      dialog.close();
    }
  });
  document.addEventListener("ask:done", () => dialog.close());
}

async function open(dialog: HTMLDialogElement, href: string): Promise<void> {
  dialog.replaceChildren();
  await htmx.ajax("GET", href, { target: "#ask", swap: "innerHTML" })?.catch(() => undefined); // what is missing is said below
  if (!dialog.querySelector("#ask-title")) trouble(dialog);
  if (!dialog.open) dialog.showModal();
}

/** Puts what came in place of a form, or that nothing came, into a dialog that can be closed. */
function trouble(dialog: HTMLDialogElement): void {
  const said = dialog.textContent?.trim() ? [...dialog.childNodes] : [el("p", { class: "note error", role: "alert" }, "The server does not answer. Try it again when the connection is back.")];
  const close = el("button", { type: "button", class: "btn quiet", "data-close": "" }, "Close");
  dialog.replaceChildren(el("div", { class: "dialog-head" }, el("h2", { id: "ask-title" }, "That did not work"), close), el("div", { class: "content" }, ...said));
}

/** Writes how long it is until each time that is marked so. */
function countDown(): void {
  for (const e of document.querySelectorAll<HTMLTimeElement>("time[data-until]")) {
    const text = until(Date.parse(e.dateTime) - Date.now());
    if (e.textContent !== text) e.textContent = text;
  }
}

const units: [string, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** A time to come in its longest whole unit, as the server writes it. */
export function until(ms: number): string {
  const seconds = Math.round(ms / 1000);
  for (const [name, long] of units) {
    const n = Math.floor(seconds / long);
    if (n >= 1) return n === 1 ? `1 ${name}` : `${n} ${name}s`;
  }
  return "a moment";
}
