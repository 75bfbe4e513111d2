// The panel of the session's files.

import { ask, note } from "../ask";
import { byId, el } from "../dom";
import { bytes } from "../format";
import * as sessions from "./session";

export class FilesPanel {
  private readonly panel = byId("files-panel");

  /** session returns the id of the session; with make it makes one where there is none. */
  constructor(private readonly session: (make: boolean) => Promise<string>) {
    const upload = byId<HTMLInputElement>("upload");
    upload.addEventListener("change", () => {
      void this.guard(this.upload([...upload.files!]));
      upload.value = "";
    });
    this.panel.addEventListener("dragover", (e) => e.preventDefault());
    this.panel.addEventListener("drop", (e) => {
      e.preventDefault();
      void this.guard(this.upload([...(e.dataTransfer?.files ?? [])]));
    });
  }

  toggle(): void {
    this.panel.hidden = !this.panel.hidden;
    byId("files-toggle").setAttribute("aria-expanded", String(!this.panel.hidden));
    if (this.panel.hidden) return byId("files-toggle").focus();
    this.refresh();
  }

  /** Shows the files as they are now, when the panel is open. */
  refresh(): void {
    if (!this.panel.hidden) void this.guard(this.show());
  }

  private async show(): Promise<void> {
    const id = await this.session(false);
    const files = id ? await sessions.files(id) : [];
    byId("files-empty").hidden = files.length > 0;
    byId("files-list").replaceChildren(...files.map((f) => this.row(id, f)));
  }

  private row(id: string, f: sessions.SessionFile): HTMLElement {
    return el(
      "li",
      {},
      el("a", { href: sessions.fileURL(id, f.name), download: f.name.split("/").pop()!, "aria-label": `Download ${f.name}` }, f.name),
      el("span", { class: "quiet-text" }, bytes(f.size)),
      el("button", { type: "button", class: "btn quiet small danger", "aria-label": `Delete ${f.name}`, click: () => void this.guard(this.remove(id, f)) }, "Delete"),
    );
  }

  private async remove(id: string, f: sessions.SessionFile): Promise<void> {
    if (!(await ask({ title: `Delete ${f.name}?`, text: `${bytes(f.size)} are lost. There is no way back.`, yes: "Delete", danger: true }))) return;
    await sessions.removeFile(id, f.name);
    await this.show();
  }

  private async upload(files: File[]): Promise<void> {
    if (files.length === 0) return;
    const id = await this.session(true);
    const there = new Set((await sessions.files(id)).map((f) => f.name));
    for (const file of files) {
      if (there.has(file.name) && !(await ask({ title: `Replace ${file.name}?`, text: "A file of this name is there already. Its content would be lost.", yes: "Replace", danger: true }))) continue;
      await sessions.putFile(id, file.name, file);
    }
    await this.show();
  }

  private async guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (e) {
      note((e as Error).message, "error");
    }
  }
}
