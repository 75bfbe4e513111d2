// A sandbox's files: a folder at a time, whose path is in the address.

import { ask, note } from "../ask";
import { byId, el } from "../dom";
import { bytes } from "../format";
import { looking, Toolbox } from "../term/toolbox";
import { type Upload, Uploads } from "./uploads";
import { open as openFile } from "./viewer";

export interface FileInfo {
  name: string;
  path: string;
  isDir: boolean;
  size: number;
  modifiedAt: string;
  mode: string;
  permissions: string;
  owner: string;
  group: string;
}

export class Files {
  private readonly toolbox: Toolbox;
  private readonly uploads: Uploads;
  private readonly list = byId("file-rows");
  private entries: FileInfo[] = [];
  private folder = "";
  private running = false;
  private shown = 0; // counts what is shown, so that a slow answer does not replace a newer one

  constructor(private readonly root: HTMLElement) {
    this.toolbox = new Toolbox(root.dataset.toolbox!);
    this.uploads = new Uploads((path) => `${this.toolbox.base}files/upload-v2?path=${encodeURIComponent(path)}`);
    const on = (id: string, event: string, f: (e: Event) => void) => byId(id).addEventListener(event, f);
    on("file-new", "click", () => void this.guard(this.make("file")));
    on("folder-new", "click", () => void this.guard(this.make("folder")));
    on("file-again", "click", () => void this.show());
    on("file-delete", "click", () => void this.guard(this.remove(this.chosen())));
    on("file-all", "change", () => this.chooseAll(byId<HTMLInputElement>("file-all").checked));
    this.list.addEventListener("change", () => this.chosenChanged());
    for (const id of ["file-upload", "folder-upload"]) {
      const input = byId<HTMLInputElement>(id);
      input.addEventListener("change", () => {
        const files = [...input.files!].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
        input.value = ""; // so that the same can be chosen again
        void this.guard(this.upload(files));
      });
    }
    this.drops();
    addEventListener("popstate", () => void this.show());
  }

  sandbox(state: string): void {
    const was = this.running;
    this.running = state === "started";
    byId("file-tools").hidden = !this.running;
    if (this.running && !was) void this.show();
    if (!this.running) note("The sandbox is not running, so its files cannot be reached. Start it above; they appear by themselves.", "warn");
  }

  /** Shows the folder of the address. */
  async show(): Promise<void> {
    const turn = ++this.shown;
    try {
      const asked = new URL(location.href).searchParams.get("path");
      const folder = asked ?? (await this.toolbox.json<{ dir: string }>("work-dir", { headers: looking })).dir;
      const entries = await this.toolbox.json<FileInfo[]>(`files?path=${encodeURIComponent(folder)}`, { headers: looking });
      if (turn !== this.shown) return;
      this.folder = folder.length > 1 ? folder.replace(/\/+$/, "") : folder;
      this.entries = entries.sort((a, b) => Number(b.isDir) - Number(a.isDir) || a.name.localeCompare(b.name, undefined, { numeric: true }));
      note("");
    } catch (e) {
      if (turn === this.shown && this.running) note((e as Error).message, "error");
      return;
    }
    this.crumbs();
    this.draw();
  }

  private go(path: string): void {
    const url = new URL(location.href);
    url.searchParams.set("path", path);
    history.pushState(null, "", url);
    void this.show();
  }

  private link(path: string, text: string, extra: Record<string, string> = {}): HTMLAnchorElement {
    const a = el("a", { href: `?path=${encodeURIComponent(path)}`, ...extra }, text);
    a.addEventListener("click", (e) => {
      if (e.ctrlKey || e.metaKey || e.shiftKey) return;
      e.preventDefault();
      this.go(path);
    });
    return a;
  }

  private crumbs(): void {
    const parts = this.folder.split("/").filter(Boolean);
    const items = [el("li", {}, this.link("/", "/", { "aria-label": "Root folder" }))];
    parts.forEach((part, i) => items.push(el("li", {}, this.link("/" + parts.slice(0, i + 1).join("/"), part, i === parts.length - 1 ? { "aria-current": "page" } : {}))));
    byId("file-crumbs").replaceChildren(...items);
    byId<HTMLAnchorElement>("file-zip").href = this.archive(this.folder, "zip");
  }

  private draw(): void {
    this.list.replaceChildren(...this.entries.map((f) => this.row(f)));
    byId("file-empty").hidden = this.entries.length > 0;
    byId<HTMLInputElement>("file-all").checked = false;
    this.chosenChanged();
  }

  private row(f: FileInfo): HTMLElement {
    const name = f.isDir ? this.link(f.path, f.name + "/") : el("button", { type: "button", class: "linklike", click: () => void this.guard(this.open(f)) }, f.name);
    const when = new Date(f.modifiedAt);
    const menu = el(
      "span",
      { class: "line tight" },
      ...(f.isDir ? ["zip", "tar"].map((format) => el("a", { class: "btn quiet small", href: this.archive(f.path, format), download: true, "aria-label": `Download ${f.name} as ${format}` }, format)) : []),
      f.isDir ? undefined : el("a", { class: "btn quiet small", href: this.download(f.path), download: f.name, "aria-label": `Download ${f.name}` }, "Download"),
      el("button", { type: "button", class: "btn quiet small", "aria-label": `Rename ${f.name}`, click: () => void this.guard(this.rename(f)) }, "Rename"),
      el("button", { type: "button", class: "btn quiet small danger", "aria-label": `Delete ${f.name}`, click: () => void this.guard(this.remove([f])) }, "Delete"),
    );
    return el(
      "tr",
      {},
      el("td", {}, el("input", { type: "checkbox", "aria-label": `Choose ${f.name}`, value: f.path })),
      el("td", { class: "name" }, name),
      el("td", { class: "num" }, f.isDir ? "" : bytes(f.size)),
      el("td", { class: "wide" }, el("code", { title: `${f.permissions}, ${f.owner}:${f.group}` }, f.mode)),
      el("td", { class: "wide" }, el("time", { datetime: f.modifiedAt, title: when.toLocaleString() }, when.toLocaleDateString(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }))),
      el("td", { class: "do" }, menu),
    );
  }

  private download(path: string): string {
    return `${this.toolbox.base}files/download?path=${encodeURIComponent(path)}`;
  }

  /** A folder with all in it. */
  private archive(path: string, format: string): string {
    return `${this.toolbox.base}files/archive?path=${encodeURIComponent(path)}&format=${format}`;
  }

  private chosen(): FileInfo[] {
    const on = new Set([...this.list.querySelectorAll<HTMLInputElement>("input:checked")].map((i) => i.value));
    return this.entries.filter((f) => on.has(f.path));
  }

  private chooseAll(on: boolean): void {
    for (const box of this.list.querySelectorAll<HTMLInputElement>("input[type=checkbox]")) box.checked = on;
    this.chosenChanged();
  }

  private chosenChanged(): void {
    const n = this.chosen().length;
    const button = byId<HTMLButtonElement>("file-delete");
    button.disabled = n === 0;
    button.textContent = n > 0 ? `Delete ${n}…` : "Delete…";
  }

  private within(name: string): string {
    return `${this.folder === "/" ? "" : this.folder}/${name}`;
  }

  private async open(f: FileInfo): Promise<void> {
    if (await openFile(this.toolbox, f, this.download(f.path))) await this.show();
  }

  private async make(what: "file" | "folder"): Promise<void> {
    const name = await ask({ title: `New ${what}`, yes: "Make it", field: { label: "Name", value: what === "file" ? "untitled.txt" : "folder" } });
    if (name === undefined) return;
    const path = encodeURIComponent(this.within(name));
    if (what === "folder") await this.toolbox.call(`files/folder?path=${path}&mode=0755`, { method: "POST" });
    else await this.toolbox.call(`files/upload-v2?path=${path}`, { method: "POST", headers: { "If-None-Match": "*" }, body: new Blob([]) });
    await this.show();
  }

  private async rename(f: FileInfo): Promise<void> {
    const to = await ask({ title: `Rename or move ${f.name}`, text: "A name, or a whole path to move it elsewhere. Nothing that is there is replaced.", yes: "Rename", field: { label: "New name", value: f.name } });
    if (to === undefined || to === f.name) return;
    const destination = to.startsWith("/") ? to : this.within(to);
    await this.toolbox.call(`files/move?source=${encodeURIComponent(f.path)}&destination=${encodeURIComponent(destination)}`, { method: "POST" });
    await this.show();
  }

  private async remove(files: FileInfo[]): Promise<void> {
    if (files.length === 0) return;
    const folders = files.filter((f) => f.isDir).length;
    const size = files.reduce((n, f) => n + (f.isDir ? 0 : f.size), 0);
    const names = files.slice(0, 5).map((f) => f.name).join(", ") + (files.length > 5 ? " and others" : "");
    const loss = `${names}: ${bytes(size)} in files${folders ? `, and ${folders === 1 ? "a folder" : `${folders} folders`} with all that is inside` : ""}. There is no way back.`;
    if (!(await ask({ title: files.length === 1 ? `Delete ${files[0].name}?` : `Delete ${files.length} things?`, text: loss, yes: "Delete", danger: true }))) return;
    for (const f of files) await this.toolbox.call(`files?path=${encodeURIComponent(f.path)}&recursive=${f.isDir}`, { method: "DELETE" });
    await this.show();
  }

  private drops(): void {
    const over = (on: boolean) => this.root.classList.toggle("dropping", on);
    this.root.addEventListener("dragover", (e) => (e.preventDefault(), over(true)));
    this.root.addEventListener("dragleave", (e) => e.relatedTarget && this.root.contains(e.relatedTarget as Node) || over(false));
    this.root.addEventListener("drop", (e) => {
      e.preventDefault();
      over(false);
      const entries = [...(e.dataTransfer?.items ?? [])].map((i) => i.webkitGetAsEntry()).filter((x) => x !== null);
      const plain = [...(e.dataTransfer?.files ?? [])];
      void this.guard(this.upload(entries.length ? Promise.all(entries.map((x) => walk(x))).then((all) => all.flat()) : plain.map((file) => ({ file, name: file.name }))));
    });
  }

  private async upload(files: Upload[] | Promise<Upload[]>): Promise<void> {
    const { folder } = this; // where it is now, however long it takes
    const said = await this.uploads.add(folder, await files).finally(() => this.show());
    note(said);
  }

  private async guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (e) {
      note((e as Error).message, "error");
    }
  }
}

/** All files below an entry that was dropped. */
async function walk(entry: FileSystemEntry, prefix = ""): Promise<Upload[]> {
  const name = prefix + entry.name;
  if (entry.isFile) return [{ name, file: await new Promise<File>((ok, no) => (entry as FileSystemFileEntry).file(ok, no)) }];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const out: Upload[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((ok, no) => reader.readEntries(ok, no));
    if (some.length === 0) return out;
    for (const e of some) out.push(...(await walk(e, name + "/")));
  }
}
