// The ports on which something listens in a sandbox, and links to them.

import { ask, note } from "../ask";
import { byId, copyText, el } from "../dom";
import { looking, Toolbox } from "../term/toolbox";
import type { Process } from "./running";

const reserved: Record<number, string> = { 2280: "the toolbox of this sandbox", 22222: "its web terminal", 33333: "its recordings" };
const every = 2000; // ms between two looks

export class Ports {
  private readonly toolbox: Toolbox;
  private readonly api: Toolbox;
  private readonly itself: Toolbox; // the sandbox
  private readonly list = byId("port-rows");
  private known = "";
  private running = false;
  private failed = false; // the last look, as the page's note says
  private timer = 0;
  private readonly open = byId<HTMLInputElement>("port-public");
  private publishing = false;
  private published = 0; // counts what was said here

  constructor(root: HTMLElement) {
    this.toolbox = new Toolbox(root.dataset.toolbox!);
    this.api = new Toolbox(root.dataset.api!);
    this.open.addEventListener("change", () => void this.publish(this.open.checked));
    this.itself = new Toolbox(root.dataset.api!.replace(/\/$/, ""));
    document.addEventListener("visibilitychange", () => this.look());
  }

  sandbox(state: string): void {
    const was = this.running;
    this.running = state === "started";
    if (this.running && !was) note("");
    this.look();
    if (!this.running) {
      this.list.replaceChildren();
      this.known = "";
      this.failed = false;
      note("The sandbox is not running, so nothing listens. Start it above.", "warn");
    }
  }

  private look(): void {
    clearTimeout(this.timer);
    if (document.hidden) return;
    void this.read().finally(() => {
      clearTimeout(this.timer); // of a look that began meanwhile
      this.timer = window.setTimeout(() => this.look(), every);
    });
  }

  private async read(): Promise<void> {
    try {
      await this.readPublic();
      if (this.running) await this.readPorts();
      if (this.failed) note("");
      this.failed = false;
    } catch (e) {
      if (!this.running) return;
      this.failed = true;
      note((e as Error).message, "error");
    }
  }

  private async readPublic(): Promise<void> {
    const before = this.published;
    const { public: on } = await this.itself.json<{ public: boolean }>("");
    if (before !== this.published || this.publishing) return; // it is older than what was said here
    this.open.checked = on;
    this.open.disabled = false;
  }

  private async readPorts(): Promise<void> {
    const [{ ports }, of] = await Promise.all([this.toolbox.json<{ ports: number[] }>("port", { headers: looking }), this.programs()]);
    const shown = ports.filter((p) => !(p in reserved));
    const now = JSON.stringify(shown.map((p) => [p, of.get(p)]));
    if (this.known === now) return;
    const rows = await Promise.all(shown.map((p) => this.row(p, of.get(p))));
    if (!this.running) return;
    this.list.replaceChildren(...rows);
    byId("port-empty").hidden = shown.length > 0;
    this.known = now;
  }

  /** The commands that listen, by port. Where the sandbox cannot tell, there are none. */
  private async programs(): Promise<Map<number, string>> {
    const { processes } = await this.toolbox.json<{ processes: Process[] }>("system/processes", { headers: looking }).catch(() => ({ processes: [] as Process[] }));
    return new Map(processes.flatMap((p) => (p.ports ?? []).map((port) => [port, p.command] as const)));
  }

  private async row(port: number, program?: string): Promise<HTMLElement> {
    const { url } = await this.api.json<{ url: string }>(`ports/${port}/preview-url`);
    return el(
      "li",
      {},
      el("strong", {}, String(port)),
      program ? el("code", { class: "cut program", title: program }, program) : undefined,
      el("span", { class: "grow" }, el("a", { href: url, target: "_blank", rel: "noopener" }, url)),
      el("button", { type: "button", class: "btn small", "aria-label": `Copy the link to port ${port}`, click: (e: MouseEvent) => void copyText(url, e.currentTarget as HTMLElement) }, "Copy"),
      el("button", { type: "button", class: "btn small", "aria-label": `QR code of the link to port ${port}`, click: () => void this.show(url, `The link to port ${port}:`) }, "QR code"),
      el("button", { type: "button", class: "btn small", "aria-label": `Share port ${port}`, click: () => void this.share(port) }, "Share…"),
    );
  }

  /** Shows a link to copy, and for a phone's camera, with a way to end it where there is one. */
  private async show(url: string, text: string, end?: () => Promise<void>): Promise<void> {
    byId("port-link").hidden = false;
    const button = byId<HTMLButtonElement>("port-link-end");
    button.hidden = !end;
    button.onclick = () => void end?.();
    byId("port-link-text").textContent = text;
    const field = byId<HTMLInputElement>("port-link-url");
    field.value = url;
    field.focus();
    field.select();
    byId("port-qr").replaceChildren();
    try {
      const picture = await new Toolbox("ports/").call("qr", { method: "POST", body: url });
      const src = `data:image/svg+xml,${encodeURIComponent(await picture.text())}`;
      if (field.value === url) byId("port-qr").replaceChildren(el("img", { class: "qr", src, alt: `QR code of ${url}` }));
    } catch (e) {
      note((e as Error).message, "error");
    }
  }

  private async publish(on: boolean): Promise<void> {
    this.open.disabled = this.publishing = true;
    note("");
    try {
      await this.api.call(`public/${on}`, { method: "POST" });
    } catch (e) {
      this.open.checked = !on;
      note((e as Error).message, "error");
    }
    this.open.disabled = this.publishing = false;
    this.published++;
  }

  /** Makes an address that lets in whoever has it, for a while. */
  private async share(port: number): Promise<void> {
    const minutes = await ask({ title: `Share port ${port}`, text: "Whoever has the link gets in, without signing in, until it expires.", yes: "Make a link", field: { label: "Minutes until it expires (1 to 1440)", value: "60" } });
    if (minutes === undefined) return;
    note("");
    try {
      const seconds = Math.round(Number(minutes) * 60);
      const { url, token } = await this.api.json<{ url: string; token: string }>(`ports/${port}/signed-preview-url?expiresInSeconds=${seconds}`);
      await this.show(url, `A link to port ${port} for ${minutes} minutes:`, () => this.end(port, token));
    } catch (e) {
      note((e as Error).message, "error");
    }
  }

  /** Ends a link before its time. */
  private async end(port: number, token: string): Promise<void> {
    note("");
    try {
      await this.api.call(`ports/${port}/signed-preview-url/${token}/expire`, { method: "POST" });
      byId("port-link").hidden = true;
      note(`That link to port ${port} no longer works.`);
    } catch (e) {
      note((e as Error).message, "error");
    }
  }
}
