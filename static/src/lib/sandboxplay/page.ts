// The page: forms, their code, and the run.

import { ask } from "../ask";
import { byId, copyText, el } from "../dom";
import { api, started } from "../move/open";
import { Toolbox } from "../term/toolbox";
import { codes, type Language, languages, type Plan, target } from "./codes";
import { type Field, type Step, steps, type Values } from "./steps";

export class SandboxPlayground {
  private readonly address = byId("sandboxplay").dataset.api!;
  private readonly fields = new Map<string, HTMLInputElement | HTMLTextAreaElement>();
  private language: Language = "Python";
  private id = new URL(location.href).searchParams.get("sandbox") ?? "";
  private busy = false;

  start(): void {
    this.forms();
    this.tabs();
    byId("sandboxplay").addEventListener("input", () => this.write());
    byId("play-run").addEventListener("click", () => void this.run());
    byId("play-delete").addEventListener("click", () => void this.remove());
    byId("play-copy").addEventListener("click", (e) => void copyText(byId("play-code").textContent!, e.currentTarget as HTMLElement));
    this.write();
    if (this.id) void this.find();
  }

  private forms(): void {
    for (const step of steps) {
      const box = el("input", { type: "checkbox", id: `do-${step.id}`, checked: step.on === true });
      this.fields.set(step.id, box);
      const inputs = step.fields.map((f) => this.field(step, f));
      byId(`section-${step.section}`).append(el("div", { class: "step" }, el("label", { class: "check" }, box, step.title), el("div", { class: "fields" }, ...inputs)));
    }
  }

  private field(step: Step, f: Field): HTMLElement {
    const id = `${step.id}-${f.name}`;
    const input = f.area ? el("textarea", { class: "area mono", id, rows: 3, spellcheck: "false" }) : el("input", { class: "input mono", id, spellcheck: "false", autocomplete: "off" });
    input.value = f.value;
    this.fields.set(id, input);
    return el("div", { class: f.area ? "field of-area" : "field" }, el("label", { for: id }, f.label), input);
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

  private plan(): Plan {
    const chosen = steps.filter((s) => (this.fields.get(s.id) as HTMLInputElement).checked);
    return {
      api: this.address,
      snapshot: byId<HTMLSelectElement>("play-snapshot").value,
      autoStop: Math.max(0, Math.floor(Number(byId<HTMLInputElement>("play-stop").value) || 0)),
      steps: chosen.map((step) => ({ step, values: Object.fromEntries(step.fields.map((f) => [f.name, this.fields.get(`${step.id}-${f.name}`)!.value])) as Values })),
    };
  }

  private write(): void {
    byId("play-code").textContent = codes[this.language](this.plan());
  }

  /** Makes a sandbox and does the chosen steps in it, up to the first that fails. */
  private async run(): Promise<void> {
    if (this.busy) return;
    const plan = this.plan();
    if (this.id && !(await ask({ title: "Replace the sandbox?", text: "The one you have here is deleted with its files, and the steps run in a new one.", yes: "Replace it", danger: true }))) return;
    this.running(true);
    byId("play-results").replaceChildren();
    try {
      if (this.id) await this.drop();
      await this.report("Create the sandbox", () => this.create(plan));
      const toolbox = new Toolbox(`/toolbox/${encodeURIComponent(this.id)}/`);
      for (const { step, values } of plan.steps) await this.report(step.title, () => perform(toolbox, step, values));
    } catch {
      // the step says what was wrong
    } finally {
      this.running(false);
    }
  }

  private async create(plan: Plan): Promise<string> {
    const answer = await api("POST", "sandbox", { snapshot: plan.snapshot, autoStopInterval: plan.autoStop, labels: { from: "playground" } });
    this.keep(((await answer.json()) as { id: string }).id);
    await started(this.id);
    await this.find();
    return this.id;
  }

  /** Shows a step with its result, its time and what went wrong. */
  private async report(title: string, work: () => Promise<string>): Promise<void> {
    const state = el("span", { class: "state busy" }, "Running");
    const item = el("li", {}, el("span", { class: "line" }, el("strong", {}, title), state));
    byId("play-results").append(item);
    const begin = performance.now();
    const took = () => `${Math.round(performance.now() - begin)} ms`;
    try {
      const text = await work();
      state.className = "state ok";
      state.textContent = `Done in ${took()}`;
      if (text) item.append(el("pre", { class: "block", tabindex: 0, role: "region", "aria-label": `Result: ${title}` }, text));
    } catch (e) {
      state.className = "state error";
      state.textContent = `Failed after ${took()}`;
      item.append(el("p", { class: "note error" }, (e as Error).message));
      throw e;
    }
  }

  private running(on: boolean): void {
    this.busy = on;
    byId<HTMLButtonElement>("play-run").disabled = on;
    byId<HTMLButtonElement>("play-delete").disabled = on;
  }

  /** Says what the sandbox is, and when it stops. */
  private async find(): Promise<void> {
    try {
      const s = (await (await api("GET", `sandbox/${encodeURIComponent(this.id)}`)).json()) as { state: string; cpu: number; memory: number; disk: number; autoStopInterval?: number };
      const stops = s.autoStopInterval ? `stops after ${s.autoStopInterval} minutes without activity` : "does not stop by itself";
      const place = `/sandboxes/${encodeURIComponent(this.id)}`;
      byId("play-box").replaceChildren(`Your sandbox is ${s.state}: ${s.cpu} ${s.cpu === 1 ? "core" : "cores"}, ${s.memory} GiB of memory, ${s.disk} GiB of disk; it ${stops}. `, el("a", { href: `${place}/terminal` }, "Terminal"), " ", el("a", { href: `${place}/desktop` }, "Desktop"));
      byId("play-delete").hidden = false;
    } catch {
      this.keep("");
      byId("play-box").textContent = "The sandbox that was here is gone. Run makes a new one.";
    }
  }

  /** Keeps the sandbox in the address, so that a reload comes back to it. */
  private keep(id: string): void {
    this.id = id;
    const url = new URL(location.href);
    if (id) url.searchParams.set("sandbox", id);
    else url.searchParams.delete("sandbox");
    history.replaceState(null, "", url);
    byId("play-delete").hidden = !id;
  }

  private async drop(): Promise<void> {
    await api("DELETE", `sandbox/${encodeURIComponent(this.id)}`);
    this.keep("");
    byId("play-box").textContent = "There is no sandbox yet. Run makes one.";
  }

  private async remove(): Promise<void> {
    if (this.busy || !(await ask({ title: "Delete the sandbox?", text: "Its files are gone then.", yes: "Delete it", danger: true }))) return;
    this.running(true);
    await this.report("Delete the sandbox", async () => (await this.drop(), "")).catch(() => undefined); // it is said
    this.running(false);
  }
}

/** As much of an answer as is shown. */
const most = 20_000;

async function perform(toolbox: Toolbox, step: Step, values: Values): Promise<string> {
  const c = step.call(values);
  const answer = await toolbox.call(target(c), {
    method: c.method,
    headers: c.json ? { "Content-Type": "application/json" } : {},
    body: c.json ? JSON.stringify(c.json) : c.text,
  });
  const text = await answer.text();
  const result = answer.headers.get("Content-Type")?.includes("json") ? readable(text) : text;
  return result.length > most ? `${result.slice(0, most)}\n… and ${result.length - most} characters more` : result;
}

/** Writes JSON for a person; of a program, what it printed. A failed one is an error. */
function readable(json: string): string {
  const v = JSON.parse(json) as { result?: string; exitCode?: number } | unknown[] | null;
  if (v && !Array.isArray(v) && typeof v.exitCode === "number") {
    if (v.exitCode !== 0) throw new Error(`It ended with exit code ${v.exitCode}: ${v.result}`);
    return v.result ?? "";
  }
  return JSON.stringify(v, null, 2);
}
