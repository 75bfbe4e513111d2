// What runs in a sandbox: its main process, sessions with their commands and
// logs, and terminals.

import { ask, note } from "../ask";
import { byId, el } from "../dom";
import { looking, Toolbox, ToolboxError } from "../term/toolbox";
import { Follower } from "./follower";
import { Running } from "./running";

interface Command {
  id: string;
  command: string;
  exitCode?: number;
}

interface Session {
  sessionId: string;
  commands: Command[];
}

interface PTY {
  id: string;
  active: boolean;
  cwd: string;
}

const every = 2000; // ms between two looks

export class Processes {
  private readonly toolbox: Toolbox;
  private readonly list = byId("process-rows");
  private readonly follower: Follower;
  private readonly all: Running;
  private known = "";
  private running = false;
  private timer = 0;

  constructor(root: HTMLElement) {
    this.toolbox = new Toolbox(root.dataset.toolbox!);
    this.follower = new Follower(this.toolbox);
    this.all = new Running(this.toolbox);
    document.addEventListener("visibilitychange", () => this.look());
  }

  sandbox(state: string): void {
    this.running = state === "started";
    if (this.running) this.look();
    else {
      this.known = "";
      this.list.replaceChildren();
      this.all.clear();
      note("The sandbox is not running, so nothing runs in it. Start it above.", "warn");
    }
  }

  private look(): void {
    clearTimeout(this.timer);
    if (!this.running || document.hidden) return;
    void Promise.all([this.read(), this.all.read()]).finally(() => {
      clearTimeout(this.timer); // of a look that began meanwhile
      this.timer = window.setTimeout(() => this.look(), every);
    });
  }

  private async read(): Promise<void> {
    try {
      const ask = <T>(path: string) => this.toolbox.json<T>(path, { headers: looking });
      const [sessions, main, ptys] = await Promise.all([ask<Session[]>("process/session"), ask<Session>("process/session/entrypoint"), ask<{ sessions: PTY[] }>("process/pty")]);
      const now = JSON.stringify([sessions, main, ptys]);
      if (now === this.known) return;
      this.known = now;
      note("");
      this.draw(sessions, main, ptys.sessions);
    } catch (e) {
      if (this.running) note((e as Error).message, "error");
    }
  }

  private draw(sessions: Session[], main: Session, ptys: PTY[]): void {
    const groups: HTMLElement[] = [];
    if (main.commands.length) groups.push(this.group("Main process", main.commands.map((c) => this.command(c, "process/session/entrypoint/logs")), undefined));
    for (const s of sessions) {
      const path = `process/session/${encodeURIComponent(s.sessionId)}`;
      const rows = [...s.commands].reverse().map((c) => this.command(c, `${path}/command/${c.id}/logs`, `${path}/command/${c.id}/input`));
      groups.push(this.group(`Session ${s.sessionId}`, rows, () => this.end(`session ${s.sessionId}`, path), path));
    }
    for (const p of ptys) {
      const path = `process/pty/${encodeURIComponent(p.id)}`;
      const open = el("a", { class: "btn small", "data-key": `open ${path}`, href: `terminal?t=${encodeURIComponent(p.id)}` }, "Open");
      const row = el("li", {}, state(p.active ? "ok" : "stopped", p.active ? "Running" : "Ended"), el("span", { class: "grow mono" }, p.cwd), open);
      groups.push(this.group(`Terminal ${p.id}`, [row], () => this.end(`terminal ${p.id}`, path), path));
    }
    const focused = this.list.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset.key : undefined;
    this.list.replaceChildren(...groups);
    byId("process-empty").hidden = groups.length > 0;
    if (focused) this.focus(focused);
  }

  /** Gives the focus to what is now in the place of something that was drawn anew. */
  private focus(key: string): void {
    const at = document.activeElement; // in a dialog that was closed, if it is not the page
    if (!at || at === document.body || !at.checkVisibility()) this.list.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }

  private group(title: string, rows: HTMLElement[], kill?: () => void, key = ""): HTMLElement {
    const head = el("div", { class: "line spread" }, el("h2", {}, title), kill && el("button", { type: "button", class: "btn small danger", "data-key": `kill ${key}`, "aria-label": `Kill ${title}`, click: kill }, "Kill…"));
    return el("section", { class: "stack" }, head, el("ul", { class: "rows" }, ...(rows.length ? rows : [el("li", { class: "quiet-text" }, "No command yet")])));
  }

  private command(c: Command, logs: string, input?: string): HTMLElement {
    const mark = c.exitCode === undefined ? state("busy", "Running") : c.exitCode === 0 ? state("ok", "Exit 0") : state("error", `Exit ${c.exitCode}`);
    return el(
      "li",
      {},
      mark,
      el("code", { class: "grow cut", title: c.command }, c.command),
      input && c.exitCode === undefined ? el("button", { type: "button", class: "btn small", "data-key": `input ${input}`, click: () => void this.send(input) }, "Send input…") : undefined,
      el("button", { type: "button", class: "btn small", "data-key": `log ${c.id} ${logs}`, "aria-label": `Log of ${c.command.slice(0, 60)}`, click: () => this.log(c, logs) }, "Log"),
    );
  }

  private log(c: Command, logs: string): void {
    this.follower.open(c.command, logs, () => this.focus(`log ${c.id} ${logs}`));
  }

  private async send(path: string): Promise<void> {
    const data = await ask({ title: "Send input", text: "A line for the command to read.", yes: "Send", field: { label: "Input", value: "" } });
    this.focus(`input ${path}`);
    if (data !== undefined) await this.guard(this.toolbox.call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ data }) }));
  }

  private async end(what: string, path: string): Promise<void> {
    const sure = await ask({ title: `Kill ${what}?`, text: "What runs in it is ended at once, and its logs are gone.", yes: "Kill it", danger: true });
    this.focus(`kill ${path}`);
    if (!sure) return;
    await this.guard(this.toolbox.call(path, { method: "DELETE" }));
    this.known = "";
    this.look();
  }

  private async guard(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (e) {
      note(e instanceof ToolboxError ? e.message : String(e), "error");
    }
  }
}

function state(look: string, word: string): HTMLElement {
  return el("span", { class: `state ${look}` }, word);
}
