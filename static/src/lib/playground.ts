// The playground: the editor, the run and everything around them.

import { splitArgs } from "./args";
import { asCurl, asJavaScript, asPython } from "./copyas";
import { byId, copyText, el, isMac } from "./dom";
import { dropDraft, earlier, lastLanguage, loadDraft, saveDraft, setAside } from "./drafts";
import { type Editor, type EditorEvents, type EditorOptions, PlainEditor } from "./editor";
import { FilesBar } from "./files";
import { fromHash } from "./hash";
import { Offer } from "./move/offer";
import { onlyContainers } from "./move/open";
import { give } from "./notebook/shelf";
import { closeMenus } from "./page";
import { isMine, Sharing } from "./sharing";
import { Stage } from "./stage";
import { load, save } from "./store";
import { shownTheme } from "./theme";
import type { Diagnostic, Language, Program, RunRequest } from "./wire";

/** What the server tells the page's script. */
interface PageData {
  languages: Language[];
  program: Program;
  origin: "welcome" | "example" | "shared" | "answer";
  shared?: string; // the id, with origin "shared"
  open: boolean;
  base: string; // the server's public origin
}

/** A program that reads its input may wait for somebody who types. */
const typingTimeout = 60_000;
const reads = /\b(input|stdin|gets|readlines?|prompt|scanf)\b|io\.(read|lines)|\bSTDIN\b/;

export class Playground {
  private readonly data = JSON.parse(byId("data").textContent!) as PageData;
  private program = this.data.program;
  private linked = this.data.origin !== "welcome"; // it came from an example or a link and is not changed yet
  private shared = this.data.shared ?? "";
  private current = 0; // index of the open file
  private saving = 0;
  private editor!: Editor;
  private stale = false; // the editor is loading

  private readonly main = byId("main");
  private readonly language = byId<HTMLSelectElement>("language");
  private readonly stdin = byId<HTMLTextAreaElement>("stdin");
  private readonly args = byId<HTMLInputElement>("args");

  private readonly files = new FilesBar({
    open: (i) => this.openFile(i),
    changed: () => this.edited(),
    suggest: () => this.freeName(),
  });

  private readonly sharing = new Sharing({
    program: () => this.program,
    output: () => this.stage.console?.stdout() ?? "",
    shared: (id) => this.becameShared(id),
    deleted: () => this.becameOwn(),
  });

  private readonly offer = new Offer(() => this.program);

  private readonly stage = new Stage({
    screen: byId("screen"),
    status: byId("status"),
    around: { base: "", theme: shownTheme },
    endpoint: { base: "", path: "/v1/run", credentials: "same-origin" },
    running: (on) => this.showRunning(on),
    marks: (d) => this.editor.mark(d),
    goTo: (d) => this.goTo(d),
  });

  async start(): Promise<void> {
    await this.chooseProgram();
    this.editor = new PlainEditor(byId("editor"), this.editorEvents(), this.options());
    this.showProgram();
    byId("editor").hidden = false;
    this.main.classList.add("live");
    this.listen();
    if (this.shared && isMine(this.shared)) this.offerDelete();
    this.labelKeys();
    if (!load("plain")) await this.loadEditor();
  }

  /** A link wins over what the visitor wrote last, and that over the welcome. */
  private async chooseProgram(): Promise<void> {
    const linked = await fromHash(location.hash);
    if (linked && this.known(linked.language)) {
      this.program = linked;
      this.linked = true;
      return;
    }
    if (this.data.origin !== "welcome") return;
    const asked = new URLSearchParams(location.search).get("language");
    const draft = loadDraft(asked ?? lastLanguage() ?? this.program.language);
    if (draft && this.known(draft.language)) this.program = draft;
  }

  private known(id: string): Language | undefined {
    return this.data.languages.find((l) => l.id === id);
  }

  // The editor.

  private options(): EditorOptions {
    return { wrap: load("wrap") === true, readOnly: false, nonce: (document.querySelector("script[nonce]") as HTMLScriptElement)?.nonce ?? "" };
  }

  private editorEvents(): EditorEvents {
    return {
      change: (text) => this.typed(text),
      run: () => this.run(),
      save: () => void this.sharing.save(byId("share")),
    };
  }

  private async loadEditor(): Promise<void> {
    this.stale = true;
    try {
      const { CodeEditor } = await import("./codemirror");
      if (this.stale) this.replaceEditor(new CodeEditor(byId("editor"), this.editorEvents(), this.options()));
    } catch {
      // the textarea stays and works
    }
    this.stale = false;
  }

  private replaceEditor(editor: Editor): void {
    const focused = byId("editor").contains(document.activeElement);
    this.editor.destroy();
    this.editor = editor;
    this.openFile(this.current);
    if (focused) editor.focus();
  }

  private openFile(index: number): void {
    this.current = index;
    const f = this.program.files[index];
    this.editor.open(f.name, f.content, this.known(this.program.language)?.editor ?? "text");
    this.editor.mark(this.stage.last?.diagnostics ?? []);
  }

  private goTo(d: Diagnostic): void {
    const index = this.program.files.findIndex((f) => f.name === d.file);
    if (index < 0) return;
    this.view("code");
    if (index !== this.current) this.files.select(index);
    this.editor.goTo(d.line, d.column);
  }

  private freeName(): string {
    const extension = this.known(this.program.language)?.extension ?? ".txt";
    for (let n = 2; ; n++) {
      const name = `file${n}${extension}`;
      if (!this.program.files.some((f) => f.name === name)) return name;
    }
  }

  // The program.

  private showProgram(): void {
    this.language.value = this.program.language;
    this.stdin.value = this.program.stdin;
    this.args.value = this.program.args;
    if (this.program.stdin || this.program.args) byId<HTMLDetailsElement>("given").open = true;
    this.files.show(this.program.files);
    this.openFile(0);
    this.showGiven();
    byId("earlier").hidden = !earlier(this.program.language);
    byId("open-notebook").hidden = !this.known(this.program.language)?.notebook;
  }

  private showGiven(): void {
    const set = [this.program.stdin && "standard input", this.program.args && "arguments"].filter(Boolean);
    byId("given-summary").textContent = set.length ? `${set.join(" and ")} ${set.length > 1 || this.program.args ? "are" : "is"} set` : "";
  }

  private typed(text: string): void {
    this.program.files[this.current].content = text;
    this.edited();
  }

  /** The address must not claim to be the changed program, and the change is kept. */
  private edited(): void {
    if (this.linked) this.detach();
    window.clearTimeout(this.saving);
    this.saving = window.setTimeout(() => saveDraft(this.program), 300);
  }

  private detach(): void {
    this.linked = false;
    setAside(this.program.language);
    byId("earlier").hidden = !earlier(this.program.language);
    history.replaceState(null, "", "/");
    if (!this.shared) return void (this.program.title = ""); // no longer what the title says
    byId("notices").replaceChildren(el("p", { id: "shared-note" }, "Changed since it was shared. ", el("a", { href: `/s/${this.shared}` }, "Open the shared version")));
  }

  private replaceProgram(p: Program): void {
    this.becameOwn();
    this.program = structuredClone(p);
    this.stage.clear();
    this.showProgram();
  }

  private becameOwn(): void {
    this.linked = false;
    this.shared = "";
    byId("shared-note")?.remove();
    history.replaceState(null, "", "/");
  }

  private becameShared(id: string): void {
    this.shared = id;
    this.linked = true;
    history.replaceState(null, "", `/s/${id}`);
    byId("shared-note")?.remove();
  }

  private offerDelete(): void {
    const button = document.getElementById("delete-share");
    if (!button) return;
    button.hidden = false;
    button.dataset.delete = this.shared;
  }

  private chooseLanguage(id: string): void {
    saveDraftNow(this.program, this.linked);
    save("language", id);
    this.replaceProgram(loadDraft(id) ?? this.known(id)!.welcome);
    void fetchStatus(id);
  }

  private reset(): void {
    if (!this.linked) setAside(this.program.language);
    dropDraft(this.program.language);
    this.replaceProgram(this.known(this.program.language)!.welcome);
  }

  private bringBack(): void {
    const before = earlier(this.program.language);
    if (!before) return;
    if (!this.linked) setAside(this.program.language);
    this.replaceProgram(before);
    saveDraft(this.program);
  }

  // The run.

  private request(): { body: RunRequest; live: boolean } {
    const { language, files, stdin, args } = this.program;
    const body: RunRequest = { language, files };
    if (stdin) body.stdin = stdin;
    const list = splitArgs(args);
    if (list.length) body.args = list;
    return { body, live: !stdin };
  }

  private run(): void {
    if (this.stage.running) return;
    this.view("output");
    const { body, live } = this.request();
    const waits = live && this.program.files.some((f) => reads.test(f.content));
    void this.stage.run({ ...body, stdin_live: live, timeout_ms: waits ? typingTimeout : undefined }, live).then(() => this.offerSandbox());
  }

  /** After a run that WebAssembly could not do, or not well, a computer is offered. */
  private offerSandbox(): void {
    if (this.stage.beyond()) this.offer.below(byId("screen"), "sandpiper-small");
  }

  /** The kind of sandbox that the last run asked for; WebAssembly before any. */
  private openSandbox(): void {
    closeMenus();
    void this.offer.open(this.stage.beyond() || onlyContainers.has(this.program.language) ? "sandpiper-small" : "wasm");
  }

  /** Hands the main file over to a new notebook. */
  private openNotebook(): void {
    const { language, files } = this.program;
    const given = give({ language, code: files[0].content });
    location.assign(given ? "/notebook/new?given" : `/notebook/new?language=${language}`);
  }

  private showRunning(on: boolean): void {
    const inside = ["run", "stop", "thumb-run", "thumb-stop"].includes(document.activeElement?.id ?? "");
    for (const id of ["run", "thumb-run"]) byId(id).hidden = on;
    for (const id of ["stop", "thumb-stop"]) byId(id).hidden = !on;
    for (const id of ["clear", "copy-output"]) byId(id).hidden = on;
    byId("screen").setAttribute("aria-busy", String(on));
    if (inside) (onScreen(on ? ["stop", "thumb-stop"] : ["run", "thumb-run"]) ?? byId("screen")).focus();
  }

  private view(name: "code" | "output"): void {
    this.main.dataset.view = name;
    for (const b of document.querySelectorAll<HTMLElement>(".thumb [data-view]")) b.setAttribute("aria-pressed", String(b.dataset.view === name));
  }

  private copyAs(kind: string, button: HTMLElement): void {
    const { body } = this.request();
    const target = { origin: this.data.base, open: this.data.open };
    const text = kind === "curl" ? asCurl(body, target) : kind === "python" ? asPython(body, target) : asJavaScript(body, target);
    void copyText(text, button);
  }

  // The page.

  private listen(): void {
    const on = (id: string, event: string, f: (e: Event) => void) => byId(id).addEventListener(event, f);
    on("program", "submit", (e) => {
      e.preventDefault();
      this.run();
    });
    on("thumb-run", "click", () => this.run());
    for (const id of ["stop", "thumb-stop"]) on(id, "click", () => this.stage.stop());
    on("language", "change", () => this.chooseLanguage(this.language.value));
    on("stdin", "input", () => this.given("stdin", this.stdin.value));
    on("args", "input", () => this.given("args", this.args.value));
    on("clear", "click", () => this.clear());
    on("copy-output", "click", (e) => void copyText(this.stage.console?.text() ?? "", e.currentTarget as HTMLElement));
    on("thumb", "click", (e) => {
      const name = (e.target as HTMLElement).closest<HTMLElement>("[data-view]")?.dataset.view;
      if (name === "code" || name === "output") this.view(name);
    });
    byId("examples").addEventListener("click", (e) => this.openExamples(e));
    this.listenMenu(on);
    window.addEventListener("keydown", (e) => this.key(e));
    window.addEventListener("hashchange", () => location.hash.startsWith("#code=") && location.reload());
    window.addEventListener("pagehide", () => saveDraftNow(this.program, this.linked));
  }

  private listenMenu(on: (id: string, event: string, f: (e: Event) => void) => void): void {
    on("more", "click", (e) => {
      const item = (e.target as HTMLElement).closest<HTMLElement>(".item");
      if (item?.dataset.copy) this.copyAs(item.dataset.copy, item);
    });
    on("copy-link", "click", (e) => void this.sharing.save(e.currentTarget as HTMLElement));
    on("open-sandbox", "click", () => this.openSandbox());
    on("open-notebook", "click", () => this.openNotebook());
    on("reset", "click", () => (closeMenus(), this.reset()));
    on("earlier", "click", () => (closeMenus(), this.bringBack()));
    this.toggle("plain", (on) => this.usePlain(on));
    this.toggle("wrap", (on) => this.editor.wrap(on));
  }

  /** Makes a menu item a setting that is remembered. */
  private toggle(name: "plain" | "wrap", apply: (on: boolean) => void): void {
    const item = byId(name);
    item.setAttribute("aria-pressed", String(load(name) === true));
    item.addEventListener("click", () => {
      const on = load(name) !== true;
      save(name, on);
      item.setAttribute("aria-pressed", String(on));
      apply(on);
    });
  }

  private usePlain(on: boolean): void {
    this.stale = false;
    if (on) this.replaceEditor(new PlainEditor(byId("editor"), this.editorEvents(), this.options()));
    else void this.loadEditor();
  }

  private given(what: "stdin" | "args", value: string): void {
    this.program[what] = value;
    this.showGiven();
    this.edited();
  }

  private clear(): void {
    this.stage.clear();
    byId("status").replaceChildren(el("span", { class: "state stopped" }, "Not run yet"));
    for (const id of ["clear", "copy-output"]) byId(id).hidden = true;
  }

  private openExamples(e: MouseEvent): void {
    if (e.ctrlKey || e.metaKey || e.shiftKey) return; // a new tab was asked for
    e.preventDefault();
    byId<HTMLDialogElement>("examples-dialog").showModal();
    byId("examples-content").dispatchEvent(new CustomEvent("open-examples"));
  }

  private key(e: KeyboardEvent): void {
    if (e.defaultPrevented || document.querySelector("dialog[open]")) return;
    const mod = e.ctrlKey || e.metaKey;
    if (e.key === "Enter" && mod) {
      e.preventDefault();
      this.run();
    } else if (mod && e.key.toLowerCase() === "s" && !e.shiftKey) {
      e.preventDefault();
      void this.sharing.save(byId("share"));
    }
  }

  private labelKeys(): void {
    if (!isMac()) return;
    for (const key of document.querySelectorAll(".kbd")) key.textContent = key.textContent!.replace("Ctrl", "⌘");
  }
}

/** The first of some controls that is shown at this width. */
function onScreen(ids: string[]): HTMLElement | undefined {
  return ids.map((id) => byId(id)).find((e) => e.offsetParent !== null);
}

/** Keeps the program, unless it is a link's or an example's as it came. */
function saveDraftNow(p: Program, linked: boolean): void {
  if (!linked) saveDraft(p);
}

/** Shows how far a language is, when it is not ready yet. */
async function fetchStatus(id: string): Promise<void> {
  const { default: htmx } = await import("htmx.org");
  await htmx.ajax("GET", `/languages/${id}/status`, { target: "#language-status", swap: "outerHTML" });
}
