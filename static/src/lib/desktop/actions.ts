// The list of what agents do, and marks on the picture where they do it.

import { byId, el } from "../dom";
import { Machine, Refusal } from "./machine";

export interface Action {
  number: number;
  time: string;
  kind: string;
  parameters: string;
  at?: { x: number; y: number };
  durationMs: number;
  error?: string;
}

const kept = 300; // entries of the list
const byPage = /^(start|stop|restart|process|recording)/; // what people do on this page, too

export class ActionLog {
  private paused = false;
  private waiting: Action[] = [];
  private stopping?: AbortController;
  private readonly list = byId("actions-list");
  private readonly note = byId("actions-note");
  private readonly button = byId<HTMLButtonElement>("actions-pause");

  /** mark is called for each action that happens while the page is open, and acted once with the newest time. */
  constructor(
    private readonly machine: Machine,
    private readonly mark: (a: Action) => void,
    private readonly acted: (newest: number) => void,
  ) {
    this.button.addEventListener("click", () => this.pause(!this.paused));
  }

  /** Follows what happens until stop. */
  start(): void {
    if (this.stopping) return;
    const stopping = (this.stopping = new AbortController());
    void this.follow(stopping.signal).finally(() => {
      if (this.stopping === stopping) this.stopping = undefined;
    });
  }

  stop(): void {
    this.stopping?.abort();
    this.stopping = undefined;
  }

  private async follow(signal: AbortSignal): Promise<void> {
    for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, 15_000)) {
      try {
        await this.read(signal);
        wait = 500;
        this.note.textContent = "";
      } catch (e) {
        if (signal.aborted) return;
        if (e instanceof Refusal && (e.status === 404 || e.status === 501)) {
          this.note.textContent = "This sandbox keeps no list.";
          return;
        }
        this.note.textContent = "The list is not up to date; it is tried again.";
      }
      await new Promise((again) => setTimeout(again, wait));
    }
  }

  /** Reads a stream of lines to its end. The toolbox may have begun anew, so the list does, too. */
  private async read(signal: AbortSignal): Promise<void> {
    const past = (await (await this.machine.get("actions?since=0", { signal })).json()) as { actions: Action[] | null; next: number };
    const actions = past.actions ?? [];
    this.list.replaceChildren();
    this.waiting = [];
    for (const a of actions) this.add(a);
    const work = actions.filter((x) => !byPage.test(x.kind)).at(-1);
    this.acted(work ? Date.parse(work.time) : 0);
    const answer = await this.machine.get(`actions?since=${past.next}&follow=true`, { signal, headers: { Accept: "application/x-ndjson" } });
    this.note.textContent = "";
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line.trim() !== "") this.take(JSON.parse(line) as Action);
    }
  }

  private take(a: Action): void {
    this.mark(a);
    if (!this.paused) return this.add(a);
    this.waiting.push(a);
    if (this.waiting.length > kept) this.waiting.shift();
    this.note.textContent = this.waiting.length === 1 ? "1 new action" : `${this.waiting.length} new actions`;
  }

  private add(a: Action): void {
    const scroll = byId("actions-scroll");
    const follow = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
    byId("actions-none").hidden = true;
    this.list.append(entry(a));
    while (this.list.childElementCount > kept) this.list.firstElementChild!.remove();
    if (follow) scroll.scrollTop = scroll.scrollHeight;
  }

  private pause(on: boolean): void {
    this.paused = on;
    this.button.setAttribute("aria-pressed", String(on));
    this.button.textContent = on ? "Go on" : "Pause the list";
    if (on) return;
    for (const a of this.waiting) this.add(a);
    this.waiting = [];
    this.note.textContent = "";
  }

  /** Adds a remark of the page's own. */
  remark(text: string): void {
    this.list.append(el("li", { class: "desk-remark" }, text));
    byId("actions-none").hidden = true;
    byId("actions-scroll").scrollTop = byId("actions-scroll").scrollHeight;
  }
}

function entry(a: Action): HTMLElement {
  const time = new Date(a.time);
  const result = a.error ? el("span", { class: "desk-failed" }, a.error) : el("span", { class: "quiet-text" }, a.durationMs < 1000 ? `${Math.round(a.durationMs)} ms` : `${(a.durationMs / 1000).toFixed(1)} s`);
  return el(
    "li",
    { class: a.error ? "failed" : undefined },
    el("time", { datetime: a.time, title: time.toLocaleString() }, time.toLocaleTimeString()),
    el("span", { class: "desk-kind" }, a.kind),
    a.parameters ? el("span", { class: "desk-parameters" }, a.parameters) : undefined,
    result,
  );
}

/** Shows for a moment where something was done. Under reduced motion the mark stands still. */
export function showMark(marks: HTMLElement, canvas: HTMLCanvasElement | null, a: Action): void {
  if (!a.at || !canvas || !canvas.width || !/mouse/.test(a.kind)) return;
  const picture = canvas.getBoundingClientRect();
  const frame = marks.getBoundingClientRect();
  const mark = el("span", { class: /click|drag/.test(a.kind) ? "desk-mark click" : "desk-mark" });
  mark.style.left = `${picture.left - frame.left + (a.at.x * picture.width) / canvas.width}px`;
  mark.style.top = `${picture.top - frame.top + (a.at.y * picture.height) / canvas.height}px`;
  marks.append(mark);
  setTimeout(() => mark.remove(), 1500);
}
