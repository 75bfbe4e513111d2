// <sandpiper-snippet> makes a <pre> on anybody's page runnable:
//
//   <script src="https://HOST/embed.js" async></script>
//   <sandpiper-snippet language="python">
//   <pre>print("hello")</pre>
//   </sandpiper-snippet>
//
// The text stays what it is where scripts or the server are missing. Attributes:
//
//   language    the language's id; needed
//   server      the server's origin; else the one this script came from
//   files       further files: the text of elements, as "data.csv:#data util.py:#util"
//   main        the name of the program's own file among them
//   stdin       what the program reads; else the reader can type while it runs
//   args        arguments, as one types them
//   run-label   the word on the button
//   read-only   the code cannot be changed
//   theme       light, dark, or auto
//   output      id of an element with the output to show before the first run
//
// It needs a server on which anybody may run programs.

import { splitArgs } from "../lib/args";
import { el } from "../lib/dom";
import { Stage } from "../lib/stage";
import { snippetStyle } from "../lib/snippet-style";

const origin = new URL((document.currentScript as HTMLScriptElement | null)?.src ?? location.href).origin;

class Snippet extends HTMLElement {
  private stage!: Stage;
  private pre!: HTMLElement;
  private started = false;

  connectedCallback(): void {
    // The element may be met before its content has been parsed.
    if (this.querySelector("pre")) this.build();
    else document.addEventListener("DOMContentLoaded", () => this.build(), { once: true });
  }

  private build(): void {
    const pre = this.querySelector("pre");
    if (this.started || !pre) return;
    this.started = true;
    this.pre = pre;
    const base = this.getAttribute("server")?.replace(/\/$/, "") ?? origin;
    const parts = this.draw();
    this.stage = new Stage({
      screen: parts.screen,
      status: parts.status,
      around: { base, theme: () => this.theme() },
      endpoint: { base, path: "/v1/run", credentials: "omit" },
      running: (on) => {
        parts.run.hidden = on;
        parts.stop.hidden = !on;
      },
      marks: () => {},
      goTo: () => this.pre.focus(),
    });
    parts.run.addEventListener("click", () => this.run(parts.output));
    parts.stop.addEventListener("click", () => this.stage.stop());
    if (!this.hasAttribute("read-only")) this.edit(parts.output);
  }

  private draw() {
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(snippetStyle);
    root.adoptedStyleSheets = [sheet];
    const run = el("button", { type: "button", class: "btn primary small" }, this.getAttribute("run-label") || "Run");
    const stop = el("button", { type: "button", class: "btn stop small" }, "Stop");
    stop.hidden = true;
    const screen = el("div", { class: "screen", tabindex: 0, role: "region", "aria-label": "Output" });
    const status = el("div", { class: "ended", role: "status" });
    const output = el("div", { class: "output" }, screen, status);
    output.hidden = !this.storedOutput(screen);
    root.append(el("div", { class: "snippet", "data-theme": this.theme() }, el("slot"), el("div", { class: "buttons" }, run, stop), output));
    return { run, stop, screen, status, output };
  }

  /** Shows the output that the page brought along; it stays when the server is down. */
  private storedOutput(screen: HTMLElement): boolean {
    const id = this.getAttribute("output");
    const stored = id ? document.getElementById(id.replace(/^#/, "")) : null;
    if (!stored) return false;
    screen.append(el("div", { class: "log" }, el("pre", { class: "out" }, stored.textContent ?? "")));
    stored.hidden = true;
    return true;
  }

  private edit(output: HTMLElement): void {
    this.pre.setAttribute("contenteditable", "plaintext-only");
    if (this.pre.contentEditable !== "plaintext-only") this.pre.contentEditable = "true";
    this.pre.setAttribute("role", "textbox");
    this.pre.setAttribute("aria-multiline", "true");
    this.pre.setAttribute("aria-label", "Code, can be changed");
    this.pre.spellcheck = false;
    this.pre.addEventListener("keydown", (e) => {
      if (e.key !== "Enter" || !(e.ctrlKey || e.metaKey || e.shiftKey)) return;
      e.preventDefault();
      this.run(output);
    });
  }

  private run(output: HTMLElement): void {
    output.hidden = false;
    const stdin = this.getAttribute("stdin") ?? "";
    const live = stdin === "";
    const more = this.moreFiles();
    const code = this.code(this.pre);
    void this.stage.run(
      {
        language: this.getAttribute("language") ?? "",
        ...(more.length ? { files: [{ name: this.getAttribute("main") || "main", content: code }, ...more] } : { code }),
        stdin: stdin || undefined,
        stdin_live: live,
        args: splitArgs(this.getAttribute("args") ?? ""),
      },
      live,
    );
  }

  private moreFiles(): { name: string; content: string }[] {
    const list = (this.getAttribute("files") ?? "").split(/\s+/).filter(Boolean);
    return list.flatMap((entry) => {
      const at = entry.lastIndexOf(":#");
      const e = at > 0 ? document.getElementById(entry.slice(at + 2)) : null;
      return e ? [{ name: entry.slice(0, at), content: this.code(e) }] : [];
    });
  }

  /** The text of an element without the line break after its tag. */
  private code(e: HTMLElement): string {
    const text = e instanceof HTMLTextAreaElement ? e.value : e.isContentEditable ? e.innerText : (e.textContent ?? "");
    return text.replace(/^\n/, "").replace(/\u00a0/g, " ");
  }

  private theme(): "light" | "dark" {
    const asked = this.getAttribute("theme");
    if (asked === "light" || asked === "dark") return asked;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
}

if (!customElements.get("sandpiper-snippet")) customElements.define("sandpiper-snippet", Snippet);
