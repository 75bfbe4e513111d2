// The log of a command as it grows, its two streams apart.

import { byId, el } from "../dom";
import { looking, type Toolbox } from "../term/toolbox";
import { Find } from "./find";
import { Splitter, type Stream } from "../splitter";

const most = 1 << 20; // characters that stay on the page

export class Follower {
  private readonly dialog = byId<HTMLDialogElement>("log-view");
  private readonly screen = byId("log-text");
  private readonly status = byId("log-status");
  private readonly find = new Find(this.screen);
  private readonly pause = byId<HTMLButtonElement>("log-pause");
  private path = "";
  private length = 0;
  private stop = new AbortController();

  constructor(private readonly toolbox: Toolbox) {
    this.dialog.addEventListener("close", () => this.stop.abort());
    byId("log-close").addEventListener("click", () => this.dialog.close());
    this.pause.addEventListener("click", () => {
      if (this.stop.signal.aborted) void this.follow();
      else this.stop.abort();
    });
    for (const stream of ["out", "err"]) {
      byId<HTMLInputElement>(`log-${stream}`).addEventListener("change", (e) => this.screen.classList.toggle(`no-${stream}`, !(e.target as HTMLInputElement).checked));
    }
    byId("log-save").addEventListener("click", () => this.save());
  }

  open(title: string, path: string): void {
    byId("log-title").textContent = title;
    this.path = path;
    this.dialog.showModal();
    void this.follow();
  }

  /** Shows the log from its beginning to its end, however long that takes. */
  private async follow(): Promise<void> {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.screen.replaceChildren();
    this.find.clear();
    this.length = 0;
    this.pause.textContent = "Pause";
    this.status.textContent = "Following";
    const splitter = new Splitter((stream, text) => this.add(stream, text));
    try {
      const answer = await this.toolbox.call(`${this.path}?follow=true`, { headers: looking, signal });
      const reader = answer.body!.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        splitter.push(value);
      }
      this.status.textContent = this.length ? "The command has ended." : "The command has ended and wrote nothing.";
    } catch (e) {
      if (this.stop.signal !== signal) return;
      this.status.textContent = signal.aborted ? "Paused" : `The log was cut off: ${(e as Error).message}`;
    }
    this.stop.abort();
    this.pause.textContent = "Read again";
  }

  private add(stream: Stream, text: string): void {
    const end = this.screen.scrollHeight - this.screen.scrollTop - this.screen.clientHeight < 40;
    const last = this.screen.lastElementChild;
    if (last?.className === stream && last.textContent!.length < 8192) last.append(text);
    else this.screen.append(el("span", { class: stream }, text));
    this.length += text.length;
    while (this.length > most && this.screen.childElementCount > 1) {
      this.length -= this.screen.firstElementChild!.textContent!.length;
      this.screen.firstElementChild!.remove();
    }
    if (end) this.screen.scrollTop = this.screen.scrollHeight;
  }

  private save(): void {
    const url = URL.createObjectURL(new Blob([this.screen.textContent ?? ""], { type: "text/plain" }));
    el("a", { href: url, download: "log.txt" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}
