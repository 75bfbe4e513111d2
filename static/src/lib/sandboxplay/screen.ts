// The desktop of the playground's sandbox, live.

import { showMark, ActionLog } from "../desktop/actions";
import { Connection, type Look } from "../desktop/connection";
import { leaveByKey } from "../desktop/keys";
import { Machine, sentence } from "../desktop/machine";
import { again, cover, fullScreen, status, toast } from "../desktop/stage";
import { byId, el } from "../dom";

const lookEvery = 2000; // ms between two looks at a desktop that does not run

export class Screen {
  private readonly look: Look = { size: "fit", quality: "good", viewOnly: false };
  private id = "";
  private connection?: Connection;
  private log?: ActionLog;
  private machine?: Machine;
  private timer = 0;
  private shown = false;
  private said = "";

  /** make makes a sandbox with a desktop. */
  constructor(private readonly make: () => void, private readonly canMake: boolean) {
    fullScreen(byId("full"), byId("play-desk"));
    const control = byId("control");
    leaveByKey(byId("picture"), control, () => this.connection?.screen);
    control.addEventListener("click", () => {
      this.look.viewOnly = !this.look.viewOnly;
      control.setAttribute("aria-pressed", String(!this.look.viewOnly));
      control.textContent = this.look.viewOnly ? "Take control" : "In control";
      this.connection?.setLook(this.look);
    });
  }

  /** The page's sandbox is another one; "" is none. */
  sandbox(id: string): void {
    if (id === this.id) return;
    this.leave();
    this.id = id;
    if (this.shown) this.enter();
  }

  /** Whether the desktop is on the page. */
  show(on: boolean): void {
    if (on === this.shown) return;
    this.shown = on;
    if (on) this.enter();
    else this.leave();
  }

  private enter(): void {
    this.said = "";
    if (!this.id) {
      if (!this.canMake) return cover("This server has no snapshot with a desktop: it needs Docker and the image of desktops.");
      return cover("There is no sandbox yet.", el("button", { type: "button", class: "btn primary", click: () => this.make() }, "Make one with a desktop"));
    }
    this.machine = new Machine(`/toolbox/${encodeURIComponent(this.id)}/`);
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/sandboxes/${encodeURIComponent(this.id)}/desktop/socket`;
    this.connection = new Connection(byId("picture"), address, this.look, {
      connecting: () => status("Connecting…"),
      connected: () => {
        cover();
        status("Connected");
        byId("play-desk").dataset.connected = "true";
      },
      ended: (_, reason, seconds) => {
        delete byId("play-desk").dataset.connected;
        status("Not connected");
        if (seconds !== undefined) cover(again(seconds, reason), el("button", { type: "button", class: "btn", click: () => this.connection?.now() }, "Connect now"));
        else void this.find();
      },
      copied: () => undefined,
    });
    this.log = new ActionLog(this.machine, (a) => showMark(byId("marks"), this.connection?.canvas ?? null, a), () => undefined);
    cover("Looking for the desktop…");
    void this.find();
  }

  private leave(): void {
    clearTimeout(this.timer);
    this.connection?.close();
    this.log?.stop();
    this.connection = this.log = this.machine = undefined;
    delete byId("play-desk").dataset.connected;
    status("");
    byId("picture").replaceChildren();
  }

  /** Connects to the desktop once it runs, and says how to start it until then. */
  private async find(): Promise<void> {
    clearTimeout(this.timer);
    const machine = this.machine;
    if (!machine) return;
    try {
      const now = await machine.status();
      if (machine !== this.machine) return;
      if (now === "active") {
        this.log?.start();
        this.said = "";
        return this.connection?.open();
      }
      this.timer = window.setTimeout(() => void this.find(), lookEvery);
      if (now === this.said) return; // somebody may be about to press the button
      this.said = now;
      cover("The desktop is not running.", el("button", { type: "button", class: "btn primary", click: () => void this.start(machine) }, "Start the desktop"));
    } catch (e) {
      if (machine === this.machine) cover(sentence((e as Error).message), el("button", { type: "button", class: "btn", click: () => void this.find() }, "Try again"));
    }
  }

  private async start(machine: Machine): Promise<void> {
    cover("Starting the desktop… The first time takes a few seconds.");
    this.said = "inactive";
    await machine.start().catch((e: Error) => toast(sentence(e.message)));
    this.said = "";
    void this.find();
  }
}
