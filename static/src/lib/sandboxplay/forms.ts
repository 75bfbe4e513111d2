// The forms of the page: of the sandbox, and of the steps.

import { byId, el } from "../dom";
import type { Plan, Settings } from "./codes";
import { steps } from "./steps/all";
import { samples } from "./steps/process";
import { type Field, type Kind, kinds, type Step, type Values } from "./steps/step";

/** The parts of the page that have forms of steps, with the sections in each. */
const parts = { code: ["Files", "Git", "Process", "Session"], desktop: ["Desktop"] };
export type Part = keyof typeof parts;

type Input = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

export class Forms {
  private readonly inputs = new Map<string, Input>();
  private readonly snapshot = byId<HTMLSelectElement>("play-snapshot");
  private readonly kind = byId<HTMLSelectElement>("play-kind");

  /** single does one step at once. */
  constructor(private readonly single: (step: Step, values: Values) => void) {
    for (const step of steps) byId(`section-${step.section}`).append(this.form(step));
    this.kind.append(...kinds.map((k) => el("option", { value: k }, { python: "Python", typescript: "TypeScript", javascript: "JavaScript" }[k])));
    this.kind.addEventListener("change", () => this.sample());
    this.snapshot.addEventListener("change", () => this.ofImage());
    this.ofImage();
  }

  /** What the sandbox is to be. */
  settings(): Settings {
    const number = (id: string) => Math.floor(Number(byId<HTMLInputElement>(id).value) || 0);
    const minutes = (id: string) => (byId<HTMLInputElement>(id).value.trim() === "" ? undefined : Math.max(id === "play-delete-after" ? -1 : 0, number(id)));
    return {
      snapshot: this.snapshot.value, image: byId<HTMLInputElement>("play-image").value.trim(),
      cpu: Math.max(1, number("play-cpu")), memory: Math.max(1, number("play-memory")), disk: Math.max(1, number("play-disk")),
      kind: this.kind.value as Kind,
      autoStop: minutes("play-stop"), autoArchive: minutes("play-archive"), autoDelete: minutes("play-delete-after"),
    };
  }

  /** The steps that are chosen in a part, with what is in their fields. */
  chosen(part: Part): Plan["steps"] {
    return steps.filter((s) => parts[part].includes(s.section) && (this.inputs.get(s.id) as HTMLInputElement).checked).map((step) => ({ step, values: this.values(step) }));
  }

  private values(step: Step): Values {
    return Object.fromEntries(step.fields.map((f) => {
      const input = this.inputs.get(`${step.id}-${f.name}`)!;
      return [f.name, f.type === "check" ? String((input as HTMLInputElement).checked || "") : input.value];
    }));
  }

  private form(step: Step): HTMLElement {
    const box = el("input", { type: "checkbox", id: `do-${step.id}`, checked: step.on === true });
    this.inputs.set(step.id, box);
    const now = el("button", { type: "button", class: "btn small", "aria-label": `Do it: ${step.title}`, click: () => this.single(step, this.values(step)) }, "Do it");
    const head = el("div", { class: "line spread" }, el("label", { class: "check" }, box, step.title), now);
    return el("div", { class: "step" }, head, step.fields.length ? el("div", { class: "fields" }, ...step.fields.map((f) => this.field(step, f))) : undefined);
  }

  private field(step: Step, f: Field): HTMLElement {
    const id = `${step.id}-${f.name}`;
    const input = control(id, f);
    this.inputs.set(id, input);
    if (f.type === "check") return el("div", { class: "field" }, el("label", { class: "check" }, input, f.label));
    return el("div", { class: f.type === "area" ? "field of-area" : "field" }, el("label", { for: id }, f.label), input);
  }

  /** A program in another language takes the place of one that nobody has changed. */
  private sample(): void {
    const code = this.inputs.get("code-code")!;
    if ((Object.values(samples) as string[]).includes(code.value)) code.value = samples[this.kind.value as Kind];
  }

  private ofImage(): void {
    byId("play-of-image").hidden = this.snapshot.value !== "";
  }
}

function control(id: string, f: Field): Input {
  if (f.choices) {
    const list = el("select", { class: "select", id }, ...f.choices.map((c) => el("option", { value: c }, c)));
    list.value = f.value;
    return list;
  }
  if (f.type === "check") return el("input", { type: "checkbox", id, checked: f.value !== "" });
  const input = f.type === "area" ? el("textarea", { class: "area mono", id, rows: Math.min(8, f.value.split("\n").length + 1), spellcheck: "false" })
    : f.type === "number" ? el("input", { class: "input", id, type: "number", inputmode: "numeric", min: 0, max: f.max })
    : el("input", { class: "input mono", id, spellcheck: "false", autocomplete: "off" });
  input.value = f.value;
  return input;
}
