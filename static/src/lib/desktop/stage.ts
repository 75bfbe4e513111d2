// The place of the picture: what is said in its stead, and full screen.

import { byId, el } from "../dom";

/** Says something in the place of the picture; without text the picture is seen. */
export function cover(text = "", ...more: HTMLElement[]): void {
  const place = byId("cover");
  place.replaceChildren(...(text || more.length ? [el("div", { class: "desk-said" }, el("p", {}, text), ...more)] : []));
  byId("stage").classList.toggle("covered", place.childElementCount > 0);
}

let toastTimer = 0;

/** Says something over the picture for a while. */
export function toast(text: string): void {
  const place = byId("toast");
  place.textContent = text;
  place.hidden = text === "";
  clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => (place.hidden = true), 6000);
}

export function status(text: string): void {
  byId("status").textContent = text;
}

/** Makes a button lead to full screen and back. */
export function fullScreen(button: HTMLElement, what: HTMLElement): void {
  if (!document.fullscreenEnabled) {
    button.hidden = true;
    return;
  }
  button.addEventListener("click", () => void (document.fullscreenElement ? document.exitFullscreen() : what.requestFullscreen()));
  document.addEventListener("fullscreenchange", () => (button.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen"));
}

/** Words for a connection that is made again. */
export function again(seconds: number, reason: string): string {
  return `${reason ? reason.charAt(0).toUpperCase() + reason.slice(1) : "The connection is lost"}. It is tried again ${seconds < 1 ? "at once" : `in ${Math.round(seconds)} s`}.`;
}
