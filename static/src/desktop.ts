// A sandbox's desktop: the screen, and what is beside it.

import { byId, el } from "./lib/dom";
import { ActionLog, showMark } from "./lib/desktop/actions";
import { Clipboard } from "./lib/desktop/clipboard";
import { Connection, notRunning, signedOut, stopped, type Look, type Quality, type Size } from "./lib/desktop/connection";
import { keyMenu, leaveByKey, softKeyboard } from "./lib/desktop/keys";
import { Machine, Refusal, sentence } from "./lib/desktop/machine";
import { Recordings } from "./lib/desktop/recordings";
import { again, cover, fullScreen, status, toast } from "./lib/desktop/stage";
import { signIn } from "./lib/live";
import { onState, startSandboxPage } from "./lib/sandboxpage";
import { load, save } from "./lib/store";

const page = startSandboxPage();
const desk = document.getElementById("desk");
if (desk) start(desk);

const lookEvery = 2000;
const justNow = 60_000; // an agent that did something since is at work

function start(desk: HTMLElement): void {
  const machine = new Machine(`/toolbox/${page.id}/`);
  const look: Look = { size: load<Size>("desktop.size") ?? "fit", quality: load<Quality>("desktop.quality") ?? "good", viewOnly: false };
  let chosen = false; // whether to control was said by the visitor
  let running = false;
  let looking = 0; // the timer of the next look
  let said = ""; // how the desktop was at the last one, as it is on the screen

  const connection = new Connection(byId("picture"), `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/sandboxes/${page.id}/desktop/socket`, look, {
    connecting: () => status("Connecting…"),
    connected() {
      performance.mark("desktop-connected");
      cover();
      status("Connected");
      desk.dataset.connected = "true";
      control.disabled = false;
    },
    ended(code, reason, seconds) {
      delete desk.dataset.connected;
      control.disabled = true;
      status("Not connected");
      if (seconds !== undefined) return cover(again(seconds, reason), button("Connect now", () => connection.now()));
      if (code === signedOut) return cover("You are signed out.", el("a", { class: "btn primary", href: signIn() }, "Sign in"));
      if (code === notRunning || code === stopped) void find();
    },
    copied: (text) => void clipboard.copied(text),
  });
  const clipboard = new Clipboard(connection);
  const recordings = new Recordings(machine);
  const log = new ActionLog(
    machine,
    (a) => showMark(byId("marks"), connection.canvas, a),
    (newest) => {
      if (chosen || Date.now() - newest > justNow) return;
      setControl(false);
      toast("An agent is at work here, so you are watching. Take control when you want to.");
    },
  );

  // Control.
  const control = byId<HTMLButtonElement>("control");
  const setControl = (on: boolean) => {
    look.viewOnly = !on;
    connection.setLook(look);
    control.setAttribute("aria-pressed", String(on));
    control.textContent = on ? "In control" : "Take control";
    control.title = on ? "Your mouse and keyboard act on the desktop. Press to watch only." : "You are watching. Press to use mouse and keyboard.";
  };
  setControl(true);
  control.addEventListener("click", () => {
    chosen = true;
    const on = look.viewOnly;
    setControl(on);
    log.remark(on ? "You took control." : "You are watching.");
    if (on) connection.screen?.focus();
  });

  // The menus.
  keyMenu(document.querySelector<HTMLElement>("#keys .items")!, () => connection.screen);
  leaveByKey(byId("picture"), control, () => connection.screen);
  softKeyboard(byId("soft"), byId("keyboard"), () => connection.screen);
  for (const radio of document.querySelectorAll<HTMLInputElement>("#view input[name=size]")) {
    radio.checked = radio.value === look.size;
    radio.addEventListener("change", () => {
      look.size = radio.value as Size;
      save("desktop.size", look.size);
      connection.setLook(look);
    });
  }
  const quality = byId<HTMLSelectElement>("quality");
  quality.value = look.quality;
  quality.addEventListener("change", () => {
    look.quality = quality.value as Quality;
    save("desktop.quality", look.quality);
    connection.setLook(look);
  });
  byId("shot").addEventListener("click", () => saveScreenshot());
  fullScreen(byId("full"), document.querySelector<HTMLElement>(".desk-screen")!);
  const stop = byId<HTMLButtonElement>("stop");
  stop.addEventListener("click", () => {
    if (stop.dataset.sure) return void stopDesktop();
    stop.dataset.sure = "yes";
    stop.textContent = "Stop it: programs on it close";
    setTimeout(() => {
      delete stop.dataset.sure;
      stop.textContent = "Stop the desktop";
    }, 4000);
  });

  function saveScreenshot(): void {
    connection.screen?.toBlob((blob) => {
      if (!blob) return toast("There is no picture to save.");
      const url = URL.createObjectURL(blob);
      el("a", { href: url, download: `desktop-${new Date().toISOString().replace(/[:.]/g, "-")}.png` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    }, "image/png");
  }

  async function stopDesktop(): Promise<void> {
    clearTimeout(looking);
    said = "";
    connection.close();
    delete desk.dataset.connected;
    cover("Stopping the desktop…");
    try {
      await machine.stop();
    } catch (e) {
      toast(sentence((e as Error).message));
    }
    await find();
  }

  async function startDesktop(): Promise<void> {
    clearTimeout(looking);
    said = "";
    const began = Date.now();
    const words = () => cover(`Starting the desktop… ${Math.round((Date.now() - began) / 1000)} s. The first time takes a few seconds.`);
    words();
    const timer = setInterval(words, 1000);
    try {
      await machine.start();
      performance.mark("desktop-started");
    } catch (e) {
      return trouble(e as Error);
    } finally {
      clearInterval(timer);
    }
    show();
  }

  function show(): void {
    said = "";
    cover("Connecting to the desktop…");
    connection.open();
    recordings.start();
    log.start();
  }

  function trouble(e: Error): void {
    said = "";
    const lacks = e instanceof Refusal && /sandpiper-desktop|no desktop|not installed|missing/i.test(e.message);
    cover(sentence(e.message), lacks ? el("a", { class: "btn primary", href: desk.dataset.create! }, "Create a sandbox with a desktop") : button("Try again", () => void find()));
    status("");
  }

  /** Looks whether the desktop runs, and shows it or how to start it; while it does not, it looks again. */
  async function find(): Promise<void> {
    clearTimeout(looking);
    if (!running) return;
    status("");
    try {
      const now = await machine.status();
      if (!running) return;
      if (now === "active") return show();
      looking = window.setTimeout(() => void find(), lookEvery);
      if (now === said) return; // somebody may be about to press the button
      said = now;
      cover(now === "partial" ? "The desktop is not complete: something of it ended, or it is still starting." : "The desktop is not running.", button(now === "partial" ? "Start the rest" : "Start the desktop", () => void startDesktop(), "btn primary"));
    } catch (e) {
      trouble(e as Error);
    }
    log.start();
  }

  onState(page, (state) => {
    const now = ["started", "resizing", "snapshotting", "forking"].includes(state);
    if (now === running) return;
    running = now;
    if (now) return void find();
    clearTimeout(looking);
    said = "";
    connection.close();
    log.stop();
    recordings.stop();
    delete desk.dataset.connected;
    cover(`The sandbox is ${state || "not started"}. Its desktop can be shown once it is started.`);
  });
  if (!running) cover(`The sandbox is ${page.state() || "not started"}. Its desktop can be shown once it is started.`);
  narrow();
}

/** On a phone what is beside the picture begins closed. */
function narrow(): void {
  if (matchMedia("(max-width: 899px)").matches) for (const d of document.querySelectorAll<HTMLDetailsElement>(".desk-part")) d.open = false;
}

function button(label: string, click: () => void, kind = "btn"): HTMLElement {
  return el("button", { type: "button", class: kind, click }, label);
}
