// One terminal on the page: xterm.js, its connection, and what is said about it.

import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";
import { el } from "../dom";
import { bytes } from "../format";
import { Link, type LinkState } from "./link";
import { type Settings, theme } from "./look";

export interface ScreenHost {
  settings(): Settings;
  /** Asks whether a text of several lines is to be pasted. */
  mayPaste(text: string): Promise<boolean>;
  copied(text: string): void;
  command(name: "find" | "leave"): void;
  title(screen: Screen, title: string): void;
  bell(screen: Screen): void;
  state(screen: Screen, s: LinkState): void;
  notice(screen: Screen, text: string): void;
  /** Turns what is typed into what the bar of keys makes of it. */
  modified(data: string): string;
}

export class Screen {
  readonly box = el("div", { class: "term" });
  readonly term: Terminal;
  readonly link: Link;
  readonly search = new SearchAddon();
  private readonly fit = new FitAddon();
  private shown = false;
  private replaying = 0; // pieces of old output that are being shown
  private skipLine = false; // what comes begins in the middle of a line
  state: LinkState = { kind: "connecting" };
  title = "";

  constructor(
    readonly id: string,
    base: string,
    private readonly host: ScreenHost,
  ) {
    const s = host.settings();
    this.term = new Terminal({
      allowProposedApi: true, // for graphemes
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
      fontSize: s.fontSize,
      screenReaderMode: s.reader,
      minimumContrastRatio: 4.5,
      scrollback: 10_000,
      macOptionIsMeta: true,
      rightClickSelectsWord: false,
      linkHandler: { activate: (_e, uri) => openLink(uri) },
    });
    this.link = new Link(base, id, () => ({ cols: this.term.cols, rows: this.term.rows }), {
      state: (state) => this.changed(state),
      fresh: (skipped) => this.fresh(skipped),
      output: (data, old, taken) => this.output(data, old, taken),
      modes: (sequences) => this.term.write(sequences),
      lost: (n) => this.lost(n),
      inputDropped: (n) => host.notice(this, `${bytes(n)} that you typed were dropped: the program in this terminal does not read its input.`),
      inputUnheard: (n) => this.remark(`the line was cut: ${bytes(n)} that you typed may not have arrived`),
    });
  }

  /** Shows the terminal, and connects it the first time. */
  show(): void {
    this.box.hidden = false;
    if (!this.shown) {
      this.shown = true;
      this.open();
    }
    this.fitNow();
    this.link.connect();
  }

  hide(): void {
    this.box.hidden = true;
  }

  dispose(): void {
    this.link.close();
    this.term.dispose();
    this.box.remove();
  }

  /** Fits the terminal to its place, and tells the shell. */
  fitNow(): void {
    if (this.box.hidden || !this.shown) return;
    const { cols, rows } = this.term;
    this.fit.fit();
    if (cols !== this.term.cols || rows !== this.term.rows) this.link.resize();
  }

  /** Takes over the colours of the page and the visitor's settings. */
  restyle(): void {
    const s = this.host.settings();
    this.term.options.theme = theme(this.box);
    this.term.options.fontSize = s.fontSize;
    this.term.options.screenReaderMode = s.reader;
    this.fitNow();
  }

  private open(): void {
    const { term } = this;
    term.loadAddon(this.fit);
    term.loadAddon(this.search);
    term.loadAddon(new UnicodeGraphemesAddon());
    term.loadAddon(new WebLinksAddon((_e, uri) => openLink(uri)));
    term.options.theme = theme(this.box);
    term.open(this.box);
    this.accelerate();
    term.textarea?.setAttribute("aria-label", `Terminal ${this.id}. Control Shift L leaves it.`);
    term.textarea?.setAttribute("aria-describedby", "terminal-hint");
    term.onData((data) => this.typed(data));
    term.onBinary((data) => this.replaying || this.link.type(Uint8Array.from(data, (c) => c.charCodeAt(0))));
    term.onTitleChange((title) => this.host.title(this, (this.title = title)));
    term.onBell(() => this.replaying || this.host.bell(this));
    term.parser.registerOscHandler(52, (data) => this.clipboard(data));
    term.attachCustomKeyEventHandler((e) => this.key(e));
    this.box.addEventListener("paste", (e) => void this.paste(e), { capture: true });
  }

  /** Draws with the graphics card where there is a real one. */
  private accelerate(): void {
    if (!hasGraphicsCard()) return;
    try {
      const gl = new WebglAddon();
      gl.onContextLoss(() => gl.dispose());
      this.term.loadAddon(gl);
    } catch {
      // then it is drawn with elements
    }
  }

  private changed(state: LinkState): void {
    this.state = state;
    this.term.options.disableStdin = state.kind !== "open";
    this.host.state(this, state);
  }

  private fresh(skipped: number): void {
    this.term.reset();
    this.skipLine = skipped > 0;
    if (skipped > 0) this.remark(`${bytes(skipped)} of earlier output are no longer kept`);
  }

  private lost(n: number): void {
    this.skipLine = true;
    this.remark(`${bytes(n)} of output were lost: they came faster than this page could take them`);
  }

  /** Writes a line of our own among the output. */
  private remark(text: string): void {
    this.term.write(`\x1b[0m\r\n\x1b[2m── ${text} ──\x1b[0m\r\n`);
  }

  private output(data: Uint8Array, old: boolean, taken: () => void): void {
    let shown = data;
    if (this.skipLine) {
      const end = data.subarray(0, 4096).indexOf(10);
      if (end >= 0) shown = data.subarray(end + 1);
      this.skipLine = false;
    }
    if (old) this.replaying++;
    this.term.write(shown, () => {
      if (old) this.replaying--;
      taken();
    });
  }

  private typed(data: string): void {
    if (this.replaying) return; // answers to questions of long ago
    if (document.hidden && data.startsWith("\x1b")) return; // another page answers
    this.link.type(this.host.modified(data));
  }

  private key(e: KeyboardEvent): boolean {
    if (e.type !== "keydown" || !e.shiftKey || !(e.ctrlKey || e.metaKey) || e.altKey) return true;
    switch (e.code) {
      case "KeyC":
        e.preventDefault();
        if (this.term.hasSelection()) this.host.copied(this.term.getSelection());
        return false;
      case "KeyV":
        return false; // the browser pastes
      case "KeyF":
        e.preventDefault();
        this.host.command("find");
        return false;
      case "KeyL":
        e.preventDefault();
        this.host.command("leave");
        return false;
    }
    return true;
  }

  private async paste(e: ClipboardEvent): Promise<void> {
    const text = e.clipboardData?.getData("text/plain") ?? "";
    e.preventDefault();
    e.stopPropagation();
    const many = /[\r\n]./.test(text);
    if (!many || this.term.modes.bracketedPasteMode || (await this.host.mayPaste(text))) this.term.paste(text);
    this.term.focus();
  }

  /** OSC 52: a program puts text on the clipboard, where that is allowed. It never reads it. */
  private clipboard(data: string): boolean {
    const [, payload = ""] = data.split(";", 2);
    if (payload === "?" || this.replaying) return true;
    if (!this.host.settings().clipboard) {
      this.host.notice(this, "A program wanted to put text on your clipboard. The terminal's menu can allow it.");
      return true;
    }
    try {
      const text = new TextDecoder().decode(Uint8Array.from(atob(payload.slice(0, 1 << 20)), (c) => c.charCodeAt(0)));
      this.host.copied(text);
    } catch {
      // it is no base64: there is nothing to copy
    }
    return true;
  }
}

/** Whether WebGL is drawn by more than the processor, which elements are faster on. */
function hasGraphicsCard(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!gl) return false;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|software|basic render/i.test(name);
}

/** Opens a link of the output, which may be anybody's, apart from this page. */
function openLink(uri: string): void {
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    return;
  }
  if (url.protocol === "http:" || url.protocol === "https:") window.open(url.href, "_blank", "noopener,noreferrer");
}
