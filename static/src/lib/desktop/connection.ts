// The connection to a screen: noVNC over a WebSocket of ours, made again when it
// is lost. noVNC is large, so it is loaded when a screen is to be seen.

import type RFB from "@novnc/novnc";

export type Size = "fit" | "full" | "match";
export type Quality = "best" | "good" | "low";

/** Codes with which the server closes; see web/desktop. */
export const signedOut = 4401;
export const over = 4403; // the link is good no longer
export const notRunning = 4404; // the desktop
export const stopped = 4409; // the sandbox

export interface Look {
  size: Size;
  quality: Quality;
  viewOnly: boolean;
}

export interface Watcher {
  connecting(): void;
  connected(): void;
  /** The connection ended; again is whether it is tried again, in so many seconds. */
  ended(code: number, reason: string, again?: number): void;
  copied(text: string): void;
}

const longestWait = 15;

export class Connection {
  private rfb?: RFB;
  private socket?: WebSocket;
  private timer = 0;
  private tries = 0;
  private wanted = false;

  constructor(
    private readonly place: HTMLElement,
    private readonly path: string,
    private look: Look,
    private readonly watcher: Watcher,
  ) {}

  /** Connects, and connects again until close is called or there is no use. */
  open(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.tries = 0;
    void this.connect();
  }

  close(): void {
    this.wanted = false;
    clearTimeout(this.timer);
    this.rfb?.disconnect();
    this.socket?.close();
  }

  /** Tries again at once, when it waits to. */
  now(): void {
    if (!this.wanted || this.socket) return;
    clearTimeout(this.timer);
    void this.connect();
  }

  get screen(): RFB | undefined {
    return this.rfb;
  }

  get canvas(): HTMLCanvasElement | null {
    return this.place.querySelector("canvas");
  }

  setLook(look: Look): void {
    this.look = look;
    if (!this.rfb) return;
    this.rfb.viewOnly = look.viewOnly;
    this.rfb.scaleViewport = look.size === "fit";
    this.rfb.clipViewport = look.size === "full" && matchMedia("(pointer: coarse)").matches;
    this.rfb.dragViewport = this.rfb.clipViewport;
    this.rfb.resizeSession = look.size === "match" && !look.viewOnly;
    this.rfb.qualityLevel = { best: 9, good: 6, low: 2 }[look.quality];
    this.rfb.compressionLevel = { best: 1, good: 2, low: 9 }[look.quality];
  }

  private async connect(): Promise<void> {
    this.watcher.connecting();
    const { default: Screen } = await import("@novnc/novnc");
    if (!this.wanted || this.socket) return;
    const socket = new WebSocket(this.path, ["binary"]);
    this.socket = socket;
    const rfb = new Screen(this.place, socket, { shared: true });
    this.rfb = rfb;
    rfb.background = "transparent";
    rfb.focusOnClick = true;
    this.setLook(this.look);
    rfb.addEventListener("connect", () => {
      this.tries = 0;
      this.watcher.connected();
    });
    rfb.addEventListener("clipboard", (e: CustomEvent<{ text: string }>) => this.watcher.copied(e.detail.text));
    socket.addEventListener("close", (e) => this.ended(socket, e.code, e.reason));
  }

  private ended(socket: WebSocket, code: number, reason: string): void {
    if (this.socket !== socket) return;
    this.socket = undefined;
    this.rfb = undefined;
    if (!this.wanted) return;
    if (code === signedOut || code === over || code === notRunning || code === stopped) {
      this.wanted = false;
      this.watcher.ended(code, reason);
      return;
    }
    const wait = Math.min(longestWait, 2 ** this.tries++ / 2);
    this.watcher.ended(code, reason, wait);
    this.timer = window.setTimeout(() => void this.connect(), wait * 1000 * (0.8 + Math.random() * 0.4));
  }
}
