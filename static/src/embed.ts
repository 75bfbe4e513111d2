// An embed: a shared program in a frame on somebody else's page. Its origin is
// opaque: no cookies, no storage, and the page around it cannot be read.

import { splitArgs } from "./lib/args";
import { byId, el } from "./lib/dom";
import { type Editor, type EditorEvents, PlainEditor } from "./lib/editor";
import { Stage } from "./lib/stage";
import { shownTheme } from "./lib/theme";
import type { Diagnostic, Program } from "./lib/wire";

interface EmbedData {
  program: Program;
  editor: string;
  file: string; // the one to open first
  readOnly: boolean;
  runNow: boolean;
  live: boolean; // changed programs and live input are possible
  path: string;
}

class Embed {
  private readonly data = JSON.parse(byId("data").textContent!) as EmbedData;
  private readonly program = this.data.program;
  private current = Math.max(0, this.program.files.findIndex((f) => f.name === this.data.file));
  private editor!: Editor;

  private readonly stage = new Stage({
    screen: byId("screen"),
    status: byId("status"),
    around: { base: "", theme: shownTheme },
    endpoint: { base: "", path: this.data.path, credentials: "omit" },
    running: (on) => this.showRunning(on),
    marks: (d) => this.editor.mark(d),
    goTo: (d) => this.goTo(d),
  });

  async start(): Promise<void> {
    this.editor = new PlainEditor(byId("editor"), this.events(), this.options());
    this.drawFiles();
    this.open(this.current);
    byId("run").addEventListener("click", () => this.run());
    byId("stop").addEventListener("click", () => this.stage.stop());
    this.reportHeight();
    if (this.data.runNow) this.run();
    await this.loadEditor();
  }

  private events(): EditorEvents {
    return {
      change: (text) => (this.program.files[this.current].content = text),
      run: () => this.run(),
      save: () => {}, // an embed has nothing to save to
    };
  }

  private options() {
    const nonce = document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";
    return { wrap: false, readOnly: this.data.readOnly, nonce };
  }

  private async loadEditor(): Promise<void> {
    try {
      const { CodeEditor } = await import("./lib/codemirror");
      this.editor.destroy();
      this.editor = new CodeEditor(byId("editor"), this.events(), this.options());
      this.open(this.current);
    } catch {
      // the textarea stays and works
    }
    byId("editor").hidden = false;
    byId("source").hidden = true;
  }

  private drawFiles(): void {
    if (this.program.files.length < 2) return;
    byId("files").replaceChildren(
      ...this.program.files.map((f, i) => {
        const tab = el("button", { type: "button", class: "tab", "aria-current": i === this.current ? "true" : undefined }, f.name);
        tab.addEventListener("click", () => this.open(i));
        return tab;
      }),
    );
  }

  private open(index: number): void {
    this.current = index;
    const f = this.program.files[index];
    this.drawFiles();
    this.editor.open(f.name, f.content, this.data.editor);
    this.editor.mark(this.stage.last?.diagnostics ?? []);
  }

  private goTo(d: Diagnostic): void {
    const index = this.program.files.findIndex((f) => f.name === d.file);
    if (index < 0) return;
    this.open(index);
    this.editor.goTo(d.line, d.column);
  }

  private run(): void {
    byId("output").hidden = false;
    if (!this.data.live) return void this.stage.run(undefined, false); // as it was shared
    const { language, files, stdin, args } = this.program;
    const live = !stdin;
    void this.stage.run({ language, files, stdin: stdin || undefined, args: splitArgs(args), stdin_live: live }, live);
  }

  private showRunning(on: boolean): void {
    byId("run").hidden = on;
    byId("stop").hidden = !on;
  }

  /** Tells the page around how tall the content is, so that it can size the frame. */
  private reportHeight(): void {
    if (window.parent === window) return;
    let last = 0;
    const tell = () => {
      const height = Math.ceil(byId("main").getBoundingClientRect().height);
      if (height === last) return;
      last = height;
      window.parent.postMessage({ type: "sandpiper:resize", height }, "*"); // a height is no secret
    };
    new ResizeObserver(tell).observe(byId("main"));
    tell();
  }
}

void new Embed().start();
