// The list of films of a screen: start, stop, play, save, delete.

import { byId, el } from "../dom";
import { Machine, Refusal, sentence, type Recording } from "./machine";

const lookEvery = 5000;

export class Recordings {
  private shown = "";
  private timer = 0;
  private readonly button = byId<HTMLButtonElement>("record");
  private readonly films = byId("films");

  constructor(private readonly machine: Machine) {
    this.button.addEventListener("click", () => void this.toggle());
  }

  /** Shows the list and keeps it up to date until stop. */
  start(): void {
    this.stop();
    void this.refresh();
    this.timer = window.setInterval(() => document.hidden || void this.refresh(), lookEvery);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async refresh(): Promise<void> {
    try {
      const all = await this.machine.recordings();
      this.show(all);
    } catch (e) {
      this.button.disabled = true;
      if (e instanceof Refusal && (e.status === 404 || e.status === 501)) this.stop();
      this.say(sentence((e as Error).message));
    }
  }

  private show(all: Recording[]): void {
    this.button.disabled = false;
    const active = all.find((r) => r.status === "active");
    this.button.textContent = active ? "Stop the recording" : "Start a recording";
    this.button.dataset.active = active?.id ?? "";
    const now = JSON.stringify(all.map((r) => (r.status === "active" ? [r.id, r.status] : r)));
    if (now === this.shown) return;
    this.shown = now;
    const playing = this.films.querySelector<HTMLElement>("li:has(video)")?.dataset.id;
    const kept = playing && this.films.querySelector(`li[data-id="${CSS.escape(playing)}"]`);
    this.films.replaceChildren(...all.map((r) => (r.id === playing && kept ? kept : this.film(r))));
    byId("films-none").hidden = all.length > 0;
  }

  private film(r: Recording): HTMLElement {
    const started = new Date(r.startTime);
    const item = el("li", { "data-id": r.id });
    const facts = [started.toLocaleString(), r.durationSeconds ? length(r.durationSeconds) : "", r.sizeBytes ? size(r.sizeBytes) : ""].filter(Boolean).join(" · ");
    item.append(el("span", { class: "desk-film" }, r.fileName), el("span", { class: "quiet-text" }, r.status === "active" ? "being recorded now" : facts + (r.status === "failed" ? " · ended early" : "")));
    if (r.status === "active") return item;
    const source = this.machine.url(`recordings/${encodeURIComponent(r.id)}/download`);
    item.append(
      el(
        "span",
        { class: "line" },
        el("button", { type: "button", class: "btn small", "aria-label": `Play ${r.fileName}`, click: () => this.play(item, source, r) }, "Play"),
        el("a", { class: "btn small", href: source, download: r.fileName, "aria-label": `Save ${r.fileName}` }, "Save"),
        this.remover(r),
      ),
    );
    return item;
  }

  /** A button that asks once more before it deletes. */
  private remover(r: Recording): HTMLElement {
    const button = el("button", { type: "button", class: "btn small danger", "aria-label": `Delete ${r.fileName}` }, "Delete");
    button.addEventListener("click", () => {
      if (button.textContent === "Delete") {
        button.textContent = "Delete for good";
        button.setAttribute("aria-label", `Delete ${r.fileName} for good`);
        setTimeout(() => {
          button.textContent = "Delete";
          button.setAttribute("aria-label", `Delete ${r.fileName}`);
        }, 4000);
        return;
      }
      void this.change(() => this.machine.deleteRecording(r.id));
    });
    return button;
  }

  private play(item: HTMLElement, source: string, r: Recording): void {
    const open = item.querySelector("video");
    if (open) return open.remove();
    for (const other of this.films.querySelectorAll("video")) other.remove();
    const video = el("video", { src: source, controls: true, preload: "metadata", "aria-label": r.fileName });
    video.addEventListener("error", () => this.say("This browser cannot play the film; save it instead."));
    item.append(video);
    void video.play().catch(() => {}); // then the controls do
  }

  private async toggle(): Promise<void> {
    const active = this.button.dataset.active;
    this.button.disabled = true;
    await this.change(() => (active ? this.machine.stopRecording(active) : this.machine.record("")));
  }

  private async change(what: () => Promise<void>): Promise<void> {
    try {
      await what();
      this.say("");
    } catch (e) {
      this.say(sentence((e as Error).message));
    }
    await this.refresh();
  }

  private say(text: string): void {
    byId("record-note").textContent = text;
  }
}

function length(seconds: number): string {
  const s = Math.round(seconds);
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
