// The terminals of a sandbox: tabs, the bar above them, and what is said.

import { byId, copyText, el } from "../dom";
import { KeyBar } from "./keybar";
import type { LinkState } from "./link";
import { keep, largest, onTheme, type Settings, settings, smallest } from "./look";
import { allowStyles } from "./policy";
import { Screen, type ScreenHost } from "./screen";
import { looking, Toolbox, ToolboxError } from "./toolbox";

interface PTY {
  id: string;
  active: boolean;
}

export class Workspace implements ScreenHost {
  private readonly toolbox: Toolbox;
  private readonly screens = new Map<string, Screen>();
  private readonly tabs = byId("term-tabs");
  private readonly place = byId("term-place");
  private readonly status = byId("term-status");
  private readonly keys: KeyBar;
  private values = settings();
  private current?: Screen;
  private running = true;
  private missing = ""; // the terminal that the address named and that is not there

  constructor(root: HTMLElement) {
    allowStyles(document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "");
    this.toolbox = new Toolbox(root.dataset.toolbox!);
    this.keys = new KeyBar((data) => this.current?.link.type(data), () => this.current?.term.modes.applicationCursorKeysMode ?? false);
    byId("term-keys").append(this.keys.box);
    this.controls();
    new ResizeObserver(() => this.current?.fitNow()).observe(this.place);
    onTheme(() => this.each((s) => s.restyle()));
    const check = () => document.hidden || this.each((s) => s.state.kind !== "connecting" && s.link.check());
    addEventListener("online", check);
    document.addEventListener("visibilitychange", check);
    addEventListener("focus", () => this.current?.link.resize());
    addEventListener("popstate", () => this.show(asked(), false));
  }

  /** Shows the terminals there are, or starts the first. */
  async start(): Promise<void> {
    try {
      const list = await this.list();
      for (const p of list) this.add(p.id);
      if (list.length === 0) return await this.create(asked() || "1", false);
      this.show(asked(), false, (list.find((p) => p.active) ?? list[0]).id);
    } catch (e) {
      this.say("error", (e as Error).message, "Try again", () => void this.start());
    }
  }

  /** The sandbox has another state. */
  sandbox(state: string): void {
    const was = this.running;
    this.running = state === "started";
    if (this.running && !was) void this.back();
    else if (!this.running && this.current) this.stopped();
    else if (!this.running) this.stopped();
  }

  /** Types into the terminal that is shown, and reports whether there is one that listens. */
  type(text: string): boolean {
    const screen = this.current;
    if (screen?.state.kind !== "open") return false;
    screen.link.type(text);
    screen.term.focus();
    return true;
  }

  /** Ends this page's connections; the terminals go on without it. */
  close(): void {
    this.each((s) => this.remove(s));
  }

  private stopped(): void {
    this.say("warn", "The sandbox is not running, so there is no terminal. Start it above; the terminal goes on by itself.");
  }

  /** The sandbox runs again: with the terminals it still has. */
  private async back(): Promise<void> {
    this.say("info", "The sandbox runs again. Connecting…");
    try {
      const there = new Set((await this.list()).map((p) => p.id));
      for (const [id, s] of this.screens) {
        if (there.has(id)) s.link.revive();
        else this.remove(s);
      }
      if (this.screens.size === 0) await this.start();
      else this.show(this.current?.id ?? [...this.screens.keys()][0], false);
    } catch (e) {
      this.say("error", (e as Error).message, "Try again", () => void this.back());
    }
  }

  private async list(): Promise<PTY[]> {
    return (await this.toolbox.json<{ sessions: PTY[] }>("process/pty", { headers: looking })).sessions;
  }

  private async create(id: string, push = true): Promise<void> {
    try {
      await this.toolbox.post("process/pty", { id, lazyStart: true, envs: { COLORTERM: "truecolor" } });
    } catch (e) {
      if (!(e instanceof ToolboxError && e.status === 409)) throw e; // else another page made it: this one joins
    }
    this.add(id);
    this.show(id, push);
    this.current?.term.focus();
  }

  private async another(): Promise<void> {
    const taken = new Set((await this.list()).map((p) => p.id));
    let n = 1;
    while (taken.has(String(n)) || this.screens.has(String(n))) n++;
    await this.create(String(n));
  }

  private add(id: string): void {
    if (this.screens.has(id)) return;
    const screen = new Screen(id, this.toolbox.base, this);
    screen.hide();
    this.place.append(screen.box);
    this.screens.set(id, screen);
    this.drawTabs();
  }

  /** Shows a terminal, or instead of one that is not there another one. */
  private show(id: string, push = true, instead = this.current?.id ?? [...this.screens.keys()][0]): void {
    const screen = this.screens.get(id) ?? this.screens.get(instead);
    if (!screen) return;
    this.missing = screen.id === id ? "" : id;
    for (const s of this.screens.values()) if (s !== screen) s.hide();
    this.current = screen;
    screen.box.dataset.bell = "";
    screen.show();
    this.drawTabs();
    this.state(screen, screen.state);
    const url = new URL(location.href);
    url.searchParams.set("t", screen.id);
    if (url.href !== location.href) history[push ? "pushState" : "replaceState"](null, "", url);
    if (matchMedia("(hover: hover)").matches) screen.term.focus();
  }

  private remove(screen: Screen): void {
    screen.dispose();
    this.screens.delete(screen.id);
    if (this.current === screen) this.current = undefined;
    this.drawTabs();
  }

  private async closeTab(screen: Screen): Promise<void> {
    const over = screen.state.kind === "gone" || screen.state.kind === "ended";
    if (!over && !(await this.confirm(`Close terminal ${screen.id}?`, "Its shell and what runs in it are ended, and its output is gone.", "Close it"))) return;
    await this.end(screen);
    const ids = [...this.screens.keys()];
    const next = ids[ids.indexOf(screen.id) + 1] ?? ids[ids.indexOf(screen.id) - 1];
    this.remove(screen);
    if (next) this.show(next);
    else this.say("info", "No terminal is open.", "New terminal", () => void this.guard(this.another()));
  }

  /** Ends the shell, unless it is gone already. */
  private async end(screen: Screen): Promise<void> {
    await this.toolbox.call(`process/pty/${encodeURIComponent(screen.id)}`, { method: "DELETE" }).catch((e: Error) => {
      if (!(e instanceof ToolboxError && e.status === 404)) throw e;
    });
  }

  private drawTabs(): void {
    const had = this.tabs.contains(document.activeElement);
    this.tabs.replaceChildren(
      ...[...this.screens.values()].map((s) => {
        const on = s === this.current;
        const label = `Terminal ${s.id}`;
        const tab = el("button", { type: "button", class: "tab", role: "tab", "aria-selected": String(on), "aria-controls": "term-place", tabindex: on ? 0 : -1, title: s.title || label }, s.box.dataset.bell ? `${label} •` : label);
        tab.addEventListener("click", () => this.show(s.id));
        return tab;
      }),
    );
    if (had) this.tabs.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
  }

  private tabKey(e: KeyboardEvent): void {
    const ids = [...this.screens.keys()];
    const at = ids.indexOf(this.current?.id ?? "");
    const to = e.key === "ArrowRight" ? at + 1 : e.key === "ArrowLeft" ? at - 1 : -1;
    if (ids[to] === undefined) return;
    e.preventDefault();
    this.show(ids[to]);
    this.tabs.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
  }

  private controls(): void {
    const on = (id: string, done: () => void) => byId(id).addEventListener("click", done);
    this.tabs.addEventListener("keydown", (e) => this.tabKey(e));
    on("term-new", () => void this.guard(this.another()));
    on("term-close", () => this.current && void this.guard(this.closeTab(this.current)));
    on("term-find", () => this.command("find"));
    on("term-larger", () => this.set({ fontSize: Math.min(largest, this.values.fontSize + 1) }));
    on("term-smaller", () => this.set({ fontSize: Math.max(smallest, this.values.fontSize - 1) }));
    for (const name of ["reader", "clipboard"] as const) {
      const box = byId<HTMLInputElement>(`term-${name}`);
      box.checked = this.values[name];
      box.addEventListener("change", () => this.set({ [name]: box.checked }));
    }
    const find = byId<HTMLFormElement>("term-search");
    const field = byId<HTMLInputElement>("term-search-text");
    const look = (back: boolean) => field.value && this.current?.search[back ? "findPrevious" : "findNext"](field.value);
    find.addEventListener("submit", (e) => (e.preventDefault(), look(false)));
    on("term-search-back", () => look(true));
    field.addEventListener("keydown", (e) => {
      if (e.key === "Enter" && e.shiftKey) (e.preventDefault(), look(true));
      if (e.key === "Escape") this.endSearch();
    });
    on("term-search-close", () => this.endSearch());
  }

  private endSearch(): void {
    byId("term-search").hidden = true;
    this.current?.search.clearDecorations();
    this.current?.term.focus();
  }

  private set(change: Partial<Settings>): void {
    this.values = { ...this.values, ...change };
    keep(this.values);
    this.each((s) => s.restyle());
  }

  private each(f: (s: Screen) => void): void {
    for (const s of this.screens.values()) f(s);
  }

  private async guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (e) {
      this.say("error", (e as Error).message);
    }
  }

  // What a screen asks of its host.

  settings(): Settings {
    return this.values;
  }

  modified(data: string): string {
    return this.keys.modified(data);
  }

  copied(text: string): void {
    void copyText(text).then((ok) => ok || this.say("warn", "The browser does not let this page copy. Use its own menu."));
  }

  mayPaste(text: string): Promise<boolean> {
    const lines = text.replace(/(\r\n|\r|\n)$/, "").split(/\r\n|\r|\n/).length; // the last one may have its end, or not
    return this.confirm(`Paste ${lines} lines?`, "The program here does not know that they are pasted: each line may be run as soon as it arrives.", "Paste", text);
  }

  command(name: "find" | "leave"): void {
    if (name === "leave") {
      byId("term-new").focus();
      return;
    }
    byId("term-search").hidden = false;
    byId<HTMLInputElement>("term-search-text").select();
  }

  title(): void {
    this.drawTabs();
  }

  bell(screen: Screen): void {
    if (screen === this.current && !document.hidden) return;
    screen.box.dataset.bell = "rang";
    this.drawTabs();
  }

  notice(screen: Screen, text: string): void {
    if (screen === this.current) this.say("warn", text, "All right", () => this.state(screen, screen.state));
  }

  state(screen: Screen, s: LinkState): void {
    if (screen !== this.current) return;
    if (!this.running) return this.stopped();
    switch (s.kind) {
      case "open":
        if (this.missing) this.lacks(screen, this.missing);
        else this.status.hidden = true;
        break;
      case "connecting":
        if (this.status.hidden || !this.status.textContent) this.say("info", "Connecting…");
        break;
      case "waiting":
        this.say("warn", `${s.why} Nothing is lost: the terminal goes on when the connection is back. Trying again…`, "Try now", () => screen.link.connect());
        break;
      case "stopped":
        this.say("warn", `${s.why} The terminal goes on by itself when the sandbox runs again.`, "Try now", () => screen.link.connect());
        break;
      case "gone":
        this.say("warn", s.why, "Start a new one", () => void this.renew(screen));
        break;
      case "ended":
        this.say(s.code === 0 ? "info" : "warn", s.code === 0 ? "The shell has ended." : `The shell ended with exit code ${s.code}${s.why ? `: ${s.why}` : ""}.`, "Start a new one", () => void this.renew(screen));
    }
  }

  private lacks(screen: Screen, id: string): void {
    this.say("warn", `There is no terminal ${id}: it was closed, or the sandbox was started anew since. This is terminal ${screen.id}.`, `Start terminal ${id}`, () => void this.guard(this.create(id)));
  }

  /** Starts a terminal in the place of one that has ended. */
  private async renew(screen: Screen): Promise<void> {
    await this.guard(
      (async () => {
        await this.end(screen);
        this.remove(screen);
        await this.create(screen.id);
      })(),
    );
  }

  private say(kind: string, text: string, label?: string, action?: () => void): void {
    const button = label && el("button", { type: "button", class: "btn small", click: () => action?.() }, label);
    this.status.className = `note ${kind} term-note`;
    this.status.replaceChildren(el("span", {}, text), ...(button ? [button] : []));
    this.status.hidden = false;
  }

  private confirm(question: string, why: string, yes: string, sample?: string): Promise<boolean> {
    const dialog = byId<HTMLDialogElement>("term-ask");
    const go = el("button", { value: "yes", class: "btn primary" }, yes);
    dialog.replaceChildren(
      el("div", { class: "dialog-head" }, el("h2", { id: "term-ask-title" }, question)),
      el("form", { method: "dialog", class: "content stack" }, el("p", {}, why), sample === undefined ? undefined : el("pre", { class: "block paste" }, sample.slice(0, 2000)), el("div", { class: "line" }, go, el("button", { value: "no", class: "btn" }, "Cancel"))),
    );
    dialog.returnValue = "";
    dialog.showModal();
    go.focus();
    return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
  }
}

/** The terminal that the address names. */
function asked(): string {
  return new URL(location.href).searchParams.get("t") ?? "";
}
