// What every page of a sandbox does, whatever its tab: the frame's live header
// and its menus. A tab's script calls startSandboxPage and listens to the
// document's event sandbox:state.

import { startLive } from "./live";
import { startPage } from "./page";

export interface SandboxPage {
  id: string;
  state(): string; // as on the wire
}

/** Starts the frame and returns what it is of. */
export function startSandboxPage(): SandboxPage {
  startPage();
  startLive();
  document.querySelector(".box-tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }); // on a phone it may be out of sight
  const id = document.getElementById("main")!.dataset.sandbox!;
  return { id, state: () => document.getElementById("box-head")!.dataset.state ?? "" };
}

/** Calls back with the sandbox's state, now and whenever it changes or may have changed. */
export function onState(page: SandboxPage, changed: (state: string) => void): void {
  document.addEventListener("sandbox:state", (e) => changed((e as CustomEvent<{ data: string }>).detail.data));
  changed(page.state());
}
