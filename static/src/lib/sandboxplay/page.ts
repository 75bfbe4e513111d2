// The page: forms, their code, the run, and the one sandbox that all of it is about.

import { ask } from "../ask";
import { byId, copyText, el } from "../dom";
import { api, Refused, started } from "../move/open";
import { Toolbox } from "../term/toolbox";
import { codes, creation, type Language, languages, type Plan } from "./codes";
import { Forms, type Part } from "./forms";
import { Output, perform } from "./perform";
import { Screen } from "./screen";
import { Shells } from "./shells";
import type { Step, Values } from "./steps/step";

const views = ["code", "terminal", "desktop"] as const;
type View = (typeof views)[number];

const lookEvery = 5000; // ms between two looks at the sandbox

const withDesktop = "sandpiper-desktop"; // the snapshot that has one

export class SandboxPlayground {
  private readonly address = byId("sandboxplay").dataset.api!;
  private readonly snapshot = byId<HTMLSelectElement>("play-snapshot");
  private readonly results = byId("play-results");
  private readonly forms = new Forms((step, values) => void this.run([{ step, values }]));
  private readonly screen = new Screen(() => void this.desktop(), [...this.snapshot.options].some((o) => o.value === withDesktop));
  private readonly shells = new Shells();
  private language: Language = "Python";
  private view: View = "code";
  private id = "";
  private running?: AbortController;

  start(): void {
    this.tabs();
    const on = (id: string, done: (e: Event) => void) => byId(id).addEventListener("click", done);
    byId("sandboxplay").addEventListener("input", () => this.write());
    on("play-run", () => void this.run(this.forms.chosen(this.part())));
    on("play-cancel", () => this.running?.abort());
    on("play-start", () => void this.restart());
    on("play-delete", () => void this.remove());
    on("play-copy", (e) => void copyText(byId("play-code").textContent!, e.currentTarget as HTMLElement));
    addEventListener("popstate", () => this.show(asked()));
    for (const link of document.querySelectorAll<HTMLAnchorElement>("#play-views a")) link.addEventListener("click", (e) => this.go(e, link.dataset.view as View));
    this.keep(new URL(location.href).searchParams.get("sandbox") ?? "");
    this.show(asked());
    if (this.id) void this.find();
    const look = () => this.id && !document.hidden && !this.running && void this.find();
    setInterval(look, lookEvery);
    document.addEventListener("visibilitychange", look);
  }

  // Views.

  private go(e: MouseEvent, view: View): void {
    if (e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    const url = new URL(location.href);
    url.searchParams.set("view", view);
    history.pushState(null, "", url);
    this.show(view);
  }

  private show(view: View): void {
    this.view = view;
    byId("sandboxplay").dataset.view = view;
    for (const link of document.querySelectorAll<HTMLAnchorElement>("#play-views a")) {
      if (link.dataset.view === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    byId("play-work").hidden = view === "terminal";
    byId("play-terminal").hidden = view !== "terminal";
    byId("play-code-steps").hidden = view !== "code";
    byId("play-desktop-steps").hidden = byId("play-desk").hidden = view !== "desktop";
    this.screen.show(view === "desktop");
    this.shells.show(view === "terminal");
    this.write();
  }

  private part(): Part {
    return this.view === "desktop" ? "desktop" : "code";
  }

  private tabs(): void {
    const buttons = languages.map((name) => el("button", { type: "button", class: "tab", "aria-pressed": String(name === this.language) }, name));
    for (const [i, b] of buttons.entries()) {
      b.addEventListener("click", () => {
        this.language = languages[i];
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === b));
        this.write();
      });
    }
    byId("play-languages").replaceChildren(...buttons);
  }

  private write(): void {
    byId("play-code").textContent = codes[this.language]({ ...this.forms.settings(), api: this.address, steps: this.forms.chosen(this.part()) });
  }

  // Runs.

  /** Does steps up to the first that fails, in the sandbox there is or a new one. */
  private async run(steps: Plan["steps"]): Promise<void> {
    await this.work(async (signal) => {
      if (!this.id) await this.report("Create the sandbox", (out) => this.create(out));
      const toolbox = new Toolbox(`/toolbox/${encodeURIComponent(this.id)}/`);
      const { kind } = this.forms.settings();
      for (const { step, values } of steps) await this.report(step.title, (out) => this.perform(toolbox, step, values, kind, out, signal));
    });
  }

  private async perform(toolbox: Toolbox, step: Step, values: Values, kind: Plan["kind"], out: Output, signal: AbortSignal): Promise<void> {
    try {
      await perform(toolbox, step, values, kind, out, signal);
    } catch (e) {
      throw signal.aborted ? new Error("You stopped it.") : e;
    }
  }

  /** Makes a sandbox with a desktop, whatever was chosen. */
  private async desktop(): Promise<void> {
    this.snapshot.value = withDesktop;
    this.snapshot.dispatchEvent(new Event("change", { bubbles: true }));
    this.write();
    await this.work(() => this.report("Create the sandbox", (out) => this.create(out)));
  }

  /** One thing at a time: the page says that it is busy until work is done. */
  private async work(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.running) return;
    this.busy((this.running = new AbortController()));
    this.results.replaceChildren();
    try {
      await work(this.running.signal);
    } catch {
      // the step says what was wrong
    } finally {
      this.busy((this.running = undefined));
    }
  }

  private async create(out: Output): Promise<void> {
    const answer = await api("POST", "sandbox", creation(this.forms.settings()));
    const { id } = (await answer.json()) as { id: string };
    history.replaceState(null, "", this.url(id));
    await started(id);
    this.keep(id);
    await this.find();
    out.add(id);
  }

  /** Shows a step with its result, its time and what went wrong. */
  private async report(title: string, work: (out: Output) => Promise<void>): Promise<void> {
    const state = el("span", { class: "state busy" }, "Running");
    const item = el("li", {}, el("span", { class: "line" }, el("strong", {}, title), state));
    this.results.append(item);
    const begin = performance.now();
    const took = () => `${Math.round(performance.now() - begin)} ms`;
    try {
      await work(new Output(item, title));
      state.className = "state ok";
      state.textContent = `Done in ${took()}`;
    } catch (e) {
      state.className = "state error";
      state.textContent = `Failed after ${took()}`;
      item.append(el("p", { class: "note error" }, (e as Error).message));
      throw e;
    }
  }

  private busy(on: AbortController | undefined): void {
    for (const b of document.querySelectorAll<HTMLButtonElement>("#play-run, #play-start, #play-delete, .step button")) b.disabled = on !== undefined;
    byId("play-cancel").hidden = on === undefined;
  }

  // The sandbox.

  /** Says what the sandbox is, and when it stops. */
  private async find(): Promise<void> {
    const { id } = this;
    try {
      const s = (await (await api("GET", `sandbox/${encodeURIComponent(id)}`)).json()) as { state: string; cpu: number; memory: number; disk: number; autoStopInterval?: number };
      if (id !== this.id) return;
      const stops = s.autoStopInterval ? `stops after ${s.autoStopInterval} minutes without activity` : "does not stop by itself";
      byId("play-start").hidden = s.state !== "stopped";
      this.say(`Your sandbox is ${s.state}: ${s.cpu} ${s.cpu === 1 ? "core" : "cores"}, ${s.memory} GiB of memory, ${s.disk} GiB of disk; it ${stops}. `, el("a", { href: `/sandboxes/${encodeURIComponent(id)}` }, "Its own page"));
    } catch (e) {
      if (id !== this.id) return;
      if (!(e instanceof Refused && e.status === 404)) return this.say(`${(e as Error).message} It is asked again soon.`);
      this.keep("");
      this.say("The sandbox that was here is gone. Run makes a new one.");
    }
  }

  /** Says something of the sandbox, once. */
  private say(text: string, ...more: HTMLElement[]): void {
    const line = byId("play-box");
    const said = text + more.map((e) => e.textContent).join("");
    if (line.textContent !== said) line.replaceChildren(text, ...more);
  }

  /** Starts a sandbox that has stopped. */
  private async restart(): Promise<void> {
    const { id } = this;
    await this.work(() =>
      this.report("Start the sandbox", async () => {
        await api("POST", `sandbox/${encodeURIComponent(id)}/start`);
        await started(id);
      }),
    );
    await this.find();
  }

  /** Keeps the sandbox in the address, so that a reload comes back to it. */
  private keep(id: string): void {
    this.id = id;
    history.replaceState(null, "", this.url(id));
    byId("play-delete").hidden = !id;
    byId("play-start").hidden = true; // until it is known to have stopped
    byId("play-fixed").hidden = !id;
    this.screen.sandbox(id);
    this.shells.sandbox(id);
  }

  private url(id: string): URL {
    const url = new URL(location.href);
    if (id) url.searchParams.set("sandbox", id);
    else url.searchParams.delete("sandbox");
    return url;
  }

  private async remove(): Promise<void> {
    if (this.running || !(await ask({ title: "Delete the sandbox?", text: "Its files are gone then.", yes: "Delete it", danger: true }))) return;
    const { id } = this;
    await this.work(() =>
      this.report("Delete the sandbox", async () => {
        this.keep(""); // nothing is connected to it when it goes
        try {
          await api("DELETE", `sandbox/${encodeURIComponent(id)}`);
        } catch (e) {
          this.keep(id);
          throw e;
        }
        byId("play-box").textContent = "There is no sandbox yet. Run makes one.";
      }),
    );
  }
}

/** The view that the address names. */
function asked(): View {
  const view = new URL(location.href).searchParams.get("view") as View;
  return views.includes(view) ? view : "code";
}
