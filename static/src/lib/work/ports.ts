// The ports on which something listens in a sandbox, and links to them.

import { ask, note } from "../ask";
import { byId, copyText, el } from "../dom";
import { looking, Toolbox } from "../term/toolbox";

const reserved: Record<number, string> = { 2280: "the toolbox of this sandbox", 22222: "its web terminal", 33333: "its recordings" };
const every = 2000; // ms between two looks

export class Ports {
  private readonly toolbox: Toolbox;
  private readonly api: Toolbox;
  private readonly list = byId("port-rows");
  private known = "";
  private running = false;
  private timer = 0;

  constructor(root: HTMLElement) {
    this.toolbox = new Toolbox(root.dataset.toolbox!);
    this.api = new Toolbox(root.dataset.api!);
    document.addEventListener("visibilitychange", () => this.look());
  }

  sandbox(state: string): void {
    this.running = state === "started";
    if (this.running) this.look();
    else {
      this.list.replaceChildren();
      this.known = "";
      note("The sandbox is not running, so nothing listens. Start it above.", "warn");
    }
  }

  private look(): void {
    clearTimeout(this.timer);
    if (!this.running || document.hidden) return;
    void this.read().finally(() => (this.timer = window.setTimeout(() => this.look(), every)));
  }

  private async read(): Promise<void> {
    try {
      const { ports } = await this.toolbox.json<{ ports: number[] }>("port", { headers: looking });
      note("");
      const shown = ports.filter((p) => !(p in reserved));
      if (this.known === shown.join()) return;
      this.known = shown.join();
      this.list.replaceChildren(...(await Promise.all(shown.map((p) => this.row(p)))));
      byId("port-empty").hidden = shown.length > 0;
    } catch (e) {
      if (this.running) note((e as Error).message, "error");
    }
  }

  private async row(port: number): Promise<HTMLElement> {
    const { url } = await this.api.json<{ url: string }>(`ports/${port}/preview-url`);
    return el(
      "li",
      {},
      el("strong", {}, String(port)),
      el("span", { class: "grow" }, el("a", { href: url, target: "_blank", rel: "noopener" }, url)),
      el("button", { type: "button", class: "btn small", "aria-label": `Copy the link to port ${port}`, click: (e: MouseEvent) => void copyText(url, e.currentTarget as HTMLElement) }, "Copy"),
      el("button", { type: "button", class: "btn small", "aria-label": `Share port ${port}`, click: () => void this.share(port) }, "Share…"),
    );
  }

  /** Makes an address that lets in whoever has it, for a while. */
  private async share(port: number): Promise<void> {
    const minutes = await ask({ title: `Share port ${port}`, text: "Whoever has the link gets in, without signing in, until it expires.", yes: "Make a link", field: { label: "Minutes until it expires (1 to 1440)", value: "60" } });
    if (minutes === undefined) return;
    try {
      const seconds = Math.round(Number(minutes) * 60);
      const { url } = await this.api.json<{ url: string }>(`ports/${port}/signed-preview-url?expiresInSeconds=${seconds}`);
      byId("port-link").hidden = false;
      byId<HTMLInputElement>("port-link-url").value = url;
      byId("port-link-text").textContent = `A link to port ${port} for ${minutes} minutes:`;
      byId("port-link-url").focus();
      byId<HTMLInputElement>("port-link-url").select();
    } catch (e) {
      note((e as Error).message, "error");
    }
  }
}
