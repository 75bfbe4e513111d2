// The processes of a sandbox with what they use.

import { byId, el } from "../dom";
import { bytes } from "../format";
import { looking, type Toolbox } from "../term/toolbox";

export interface Process {
  pid: number;
  parent: number;
  command: string;
  cpuSeconds: number;
  memoryBytes: number;
  ports?: number[];
}

export class Running {
  private before = new Map<number, Process>();
  private at = 0;

  constructor(private readonly toolbox: Toolbox) {}

  clear(): void {
    byId("process-all").hidden = true;
    this.before.clear();
  }

  /** Shows what runs now; of the processor, the share since the look before. A sandbox that cannot tell shows nothing. */
  async read(): Promise<void> {
    const { processes } = await this.toolbox.json<{ processes: Process[] }>("system/processes", { headers: looking }).catch(() => ({ processes: [] as Process[] }));
    const now = performance.now();
    const seconds = (now - this.at) / 1000;
    byId("process-lines").replaceChildren(...processes.map((p) => this.row(p, seconds)));
    byId("process-all").hidden = processes.length === 0;
    this.before = new Map(processes.map((p) => [p.pid, p]));
    this.at = now;
  }

  private row(p: Process, seconds: number): HTMLElement {
    const last = this.before.get(p.pid);
    const share = last ? `${Math.round((Math.max(0, p.cpuSeconds - last.cpuSeconds) / seconds) * 100)} %` : "";
    return el(
      "tr",
      {},
      el("td", { class: "name" }, el("code", { title: p.command }, p.command.length > 120 ? `${p.command.slice(0, 120)}…` : p.command)),
      el("td", { class: "num", title: `${p.cpuSeconds.toFixed(1)} s since it started` }, share),
      el("td", { class: "num" }, p.memoryBytes ? bytes(p.memoryBytes) : ""),
      el("td", { class: "num wide" }, (p.ports ?? []).join(", ")),
      el("td", { class: "num wide" }, String(p.pid)),
    );
  }
}
