// The bar of file tabs: choose, add, rename, delete.

import { byId, el } from "./dom";
import type { ProgramFile } from "./wire";

const longestName = 255; // bytes, as the server has it
const mostFiles = 64;

export interface FilesEvents {
  open(index: number): void;
  changed(): void;
  suggest(): string; // a name for a new file
}

export class FilesBar {
  private readonly bar = byId("files");
  private files: ProgramFile[] = [];
  private current = 0;

  constructor(private readonly events: FilesEvents) {
    byId("file-add").addEventListener("click", () => this.add());
    byId("file-rename").addEventListener("click", () => this.rename());
    byId("file-delete").addEventListener("click", () => this.remove());
  }

  /** Shows a program's files. The bar changes the array itself. */
  show(files: ProgramFile[], current = 0): void {
    this.files = files;
    this.current = Math.min(current, files.length - 1);
    this.draw();
  }

  select(index: number): void {
    this.current = index;
    this.draw();
    this.events.open(index);
  }

  private draw(): void {
    this.bar.replaceChildren(
      ...this.files.map((f, i) => {
        const tab = el("button", { type: "button", class: "tab", "aria-current": i === this.current ? "true" : undefined }, f.name);
        tab.addEventListener("click", () => this.select(i));
        tab.addEventListener("dblclick", () => this.rename());
        return tab;
      }),
    );
    byId<HTMLButtonElement>("file-delete").disabled = this.files.length < 2;
    byId<HTMLButtonElement>("file-add").disabled = this.files.length >= mostFiles;
    this.bar.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  private add(): void {
    const field = this.field("", this.events.suggest());
    this.bar.append(field);
    this.edit(field, -1, (name) => {
      this.files.push({ name, content: "" });
      this.events.changed();
      this.select(this.files.length - 1);
    });
  }

  private rename(): void {
    const i = this.current;
    const field = this.field(this.files[i].name, this.files[i].name);
    this.bar.children[i]?.replaceWith(field);
    this.edit(field, i, (name) => {
      this.files[i].name = name;
      this.events.changed();
      this.select(i);
    });
  }

  private remove(): void {
    const [gone] = this.files.splice(this.current, 1);
    if (gone.content.trim() !== "" && !confirm(`Delete ${gone.name}? Its ${gone.content.split("\n").length} lines are lost.`)) {
      this.files.splice(this.current, 0, gone);
      return;
    }
    this.events.changed();
    this.select(Math.max(0, this.current - 1));
  }

  private field(label: string, value: string): HTMLInputElement {
    return el("input", { class: "tab-name", "aria-label": label ? `New name of ${label}` : "Name of the new file", value, spellcheck: "false", autocapitalize: "off", maxlength: longestName });
  }

  /** Lets the name be typed: Enter and leaving take it, Escape does not. */
  private edit(field: HTMLInputElement, index: number, take: (name: string) => void): void {
    let done = false;
    const end = (name?: string) => {
      if (done) return;
      done = true;
      if (name) take(name);
      else this.draw();
    };
    field.addEventListener("input", () => field.setCustomValidity(this.problem(field.value.trim(), index)));
    field.addEventListener("blur", () => end(this.problem(field.value.trim(), index) ? undefined : field.value.trim()));
    field.addEventListener("keydown", (e) => {
      if (e.key === "Escape") end();
      if (e.key !== "Enter") return;
      e.preventDefault();
      if (field.reportValidity()) end(field.value.trim());
    });
    field.focus();
    field.setSelectionRange(0, field.value.lastIndexOf(".") > 0 ? field.value.lastIndexOf(".") : field.value.length);
  }

  private problem(name: string, index: number): string {
    if (name === "") return "A file needs a name.";
    if (this.files.some((f, i) => i !== index && f.name === name)) return `There is a file ${name} already.`;
    const parts = name.split("/");
    if (/[\\\u0000-\u001f\u007f]/.test(name) || parts.some((p) => p === "" || p === "." || p === "..")) return "Use a plain name, with / between folders.";
    return "";
  }
}
