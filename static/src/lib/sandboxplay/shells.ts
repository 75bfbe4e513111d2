// The terminals of the playground's sandbox.

import { byId } from "../dom";
import type { Workspace } from "../term/workspace";

export class Shells {
  private readonly blank = byId("terminal").cloneNode(true) as HTMLElement;
  private workspace?: Promise<Workspace>;
  private id = "";
  private shown = false;

  /** The page's sandbox is another one; "" is none. */
  sandbox(id: string): void {
    if (id === this.id) return;
    this.id = id;
    void this.workspace?.then((w) => w.close());
    this.workspace = undefined;
    byId("terminal").replaceWith(this.blank.cloneNode(true));
    this.show(this.shown);
  }

  /** Whether the terminals are on the page. They stay connected when they are not. */
  show(on: boolean): void {
    this.shown = on;
    byId("play-no-terminal").hidden = this.id !== "";
    byId("terminal").hidden = this.id === "";
    if (on && this.id) this.workspace ??= this.open();
  }

  private async open(): Promise<Workspace> {
    const { Workspace } = await import("../term/workspace");
    const root = byId("terminal");
    root.dataset.toolbox = `/toolbox/${encodeURIComponent(this.id)}/`;
    const workspace = new Workspace(root);
    await workspace.start();
    return workspace;
  }
}
