// Runs cells one after the other over the notebook's session, which is made when
// the first of them runs.

import { Refusal, type Run, sentence } from "../run";
import { TypingLine } from "../typing";
import type { CellView } from "./cell";
import { addOutput, type Notebook, type Output } from "./model";
import * as sessions from "./session";

export interface RunnerEvents {
  session(s: sessions.Session | undefined): void; // what is known of the session now
  active(on: boolean): void; // cells run or wait
  kept(): void; // something to keep
  spoken(text: string): void; // for assistive technology
}

/** Code that asks for input at once; any other may do so by what it calls. */
const reads = /\b(input|stdin|gets|readlines?|prompt|scanf)\b/;
const patience = 2000;

export class Runner {
  private queue: CellView[] = [];
  private current?: CellView;
  private line?: sessions.Line;

  constructor(
    private readonly notebook: Notebook,
    private readonly events: RunnerEvents,
  ) {}

  get active(): boolean {
    return this.current !== undefined;
  }

  /** Runs cells after those that wait already. */
  run(views: CellView[]): void {
    for (const v of views) {
      if (v.cell.kind !== "code" || v === this.current || this.queue.includes(v)) continue;
      this.queue.push(v);
      v.setMark("queued");
    }
    if (!this.current) void this.pump();
  }

  private async pump(): Promise<void> {
    this.events.active(true);
    for (let view = this.queue.shift(); view; view = this.queue.shift()) {
      this.current = view;
      if (!(await this.runOne(view))) this.drop();
      this.current = undefined;
    }
    this.events.active(false);
  }

  /** Takes the cells that wait out of the queue. */
  drop(): void {
    for (const v of this.queue) v.setMark("");
    this.queue = [];
  }

  /** A deleted cell neither runs nor waits. */
  forget(id: string): void {
    this.queue = this.queue.filter((v) => v.cell.id !== id);
    if (this.current?.cell.id === id) void this.interrupt();
  }

  /** Stops the cell that runs; what it did stays. */
  async interrupt(): Promise<void> {
    this.drop();
    if (this.notebook.session) await sessions.interrupt(this.notebook.session);
  }

  /** Runs a cell to its end and reports whether the next one may run. */
  private async runOne(view: CellView): Promise<boolean> {
    const { cell } = view;
    Object.assign(cell, { outputs: [], ms: 0, count: null, folded: false });
    view.output.clear();
    view.setMark("running");
    this.notebook.running = cell.id;
    this.events.kept();
    const began = performance.now();
    const clock = window.setInterval(() => view.show(performance.now() - began), 100);
    let good = false;
    try {
      good = await this.follow(view);
    } catch (e) {
      this.failed(view, e);
    } finally {
      window.clearInterval(clock);
      this.notebook.running = "";
      cell.ms ||= performance.now() - began;
      view.output.end();
      view.setMark(good ? "" : "failed");
      this.events.kept();
    }
    return good;
  }

  private async follow(view: CellView): Promise<boolean> {
    const line = await this.open(view);
    const typing = this.typing(view, line);
    try {
      for await (const event of line.execute(view.cell.id, view.cell.source)) {
        if (event.type === "exit") return this.ended(view, event);
        this.show(view, event);
      }
      return false;
    } finally {
      typing();
    }
  }

  /** The line to the session; one that is gone is made anew, and the cell says so. */
  private async open(view: CellView): Promise<sessions.Line> {
    const known = this.notebook.session;
    const found = known ? await sessions.get(known).catch((e) => (sessions.isGone(e) ? undefined : Promise.reject(e))) : undefined;
    if (found) this.events.session({ ...found, state: "busy" });
    else await this.begin();
    if (known && !found) this.put(view, { kind: "note", text: "The session of this notebook is gone, so the cell runs in a new one. What earlier cells defined is not there." });
    if (this.line?.session !== this.notebook.session) {
      this.line?.close();
      this.line = new sessions.Line(this.notebook.session);
    }
    return this.line;
  }

  /** Makes a session. */
  private async begin(): Promise<void> {
    const s = await sessions.create(this.notebook.language, this.notebook.name);
    this.notebook.session = s.id;
    this.events.session({ ...s, state: "busy" });
  }

  /** Lets the visitor type for the cell, at once or when it takes a while. It returns what takes the line away. */
  private typing(view: CellView, line: sessions.Line): () => void {
    const input: Pick<Run, "input" | "endInput" | "stop"> = {
      input: async (text) => line.stdin(text),
      endInput: async () => line.endInput(),
      stop: () => this.interrupt(),
    };
    let shown: TypingLine | undefined;
    const show = () => (shown = new TypingLine(view.output.host, input, view.output.log));
    const timer = window.setTimeout(show, reads.test(view.cell.source) ? 0 : patience);
    return () => {
      window.clearTimeout(timer);
      shown?.end();
    };
  }

  private show(view: CellView, event: Exclude<sessions.CellEvent, { type: "exit" }>): void {
    switch (event.type) {
      case "stdout":
      case "stderr":
        return this.put(view, { kind: "stream", name: event.type, text: event.text });
      case "display":
        return this.put(view, { kind: "display", data: event.data, metadata: event.metadata, count: null });
    }
  }

  /** Adds an output to the cell and to the page. */
  private put(view: CellView, o: Output): void {
    if (addOutput(view.cell, o)) view.output.add(o);
  }

  private ended(view: CellView, r: sessions.CellResult): boolean {
    const { cell } = view;
    cell.count = r.executionCount;
    cell.ms = r.wall_ms;
    if (r.notice) this.put(view, { kind: "note", text: sentence(r.notice) });
    if (r.result) this.put(view, { kind: "result", data: r.result.data, metadata: r.result.metadata ?? {}, count: r.executionCount });
    if (r.error) this.put(view, { kind: "error", ...r.error, traceback: r.error.traceback ?? [] });
    if (r.status !== "ok" && (r.message || !r.error)) this.put(view, { kind: "note", text: sentence(r.message || `Ended: ${r.status}`) });
    if (r.rolledBack) this.put(view, { kind: "note", text: "The session has the state that it had before this cell." });
    this.events.spoken(r.error ? `Cell failed: ${r.error.name}` : `Cell ended: ${r.status}`);
    void this.refresh();
    return r.status === "ok";
  }

  private failed(view: CellView, e: unknown): void {
    const again = e instanceof Refusal && e.retryAfter > 0 ? ` Try again in ${e.retryAfter} s.` : "";
    const text = e instanceof TypeError ? "The server cannot be reached. Check the connection and run the cell again." : sentence(String((e as Error).message)) + again;
    this.put(view, { kind: "note", text });
    this.events.spoken(text);
    void this.refresh();
  }

  /** Asks how the session is. */
  async refresh(): Promise<void> {
    if (!this.notebook.session) return this.events.session(undefined);
    try {
      this.events.session(await sessions.get(this.notebook.session));
    } catch (e) {
      if (sessions.isGone(e)) this.events.session(undefined);
    }
  }

  /** Goes on showing a cell that ran when the page was left: its output comes when it ends. */
  async recover(view: CellView | undefined): Promise<void> {
    const id = this.notebook.session;
    if (!view || !id) return void (this.notebook.running = "");
    this.current = view;
    view.setMark("running");
    this.events.active(true);
    try {
      await this.awaitIdle(id);
      this.replay(view, await sessions.last(id));
    } catch (e) {
      this.put(view, { kind: "note", text: `What the cell said since the page was left is lost. ${(e as Error).message}` });
      view.setMark("failed");
    }
    this.notebook.running = "";
    this.current = undefined;
    this.events.kept();
    this.events.active(false);
    void this.pump();
  }

  private async awaitIdle(id: string): Promise<void> {
    for (let wait = 200; ; wait = Math.min(wait * 1.5, 3000)) {
      const s = await sessions.get(id);
      this.events.session(s);
      if (s.state !== "busy" && s.state !== "starting") return;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  /** Shows a whole answer in the place of what came of it before. */
  private replay(view: CellView, r: sessions.CellResult): void {
    view.cell.outputs = [];
    view.output.clear();
    if (r.stdout) this.put(view, { kind: "stream", name: "stdout", text: r.stdout });
    if (r.stderr) this.put(view, { kind: "stream", name: "stderr", text: r.stderr });
    for (const d of r.outputs ?? []) this.put(view, { kind: "display", data: d.data, metadata: d.metadata, count: null });
    const good = this.ended(view, r);
    view.output.end();
    view.setMark(good ? "" : "failed");
  }

  /** Begins anew: another session in the place of this one. */
  async restart(): Promise<void> {
    const old = this.notebook.session;
    this.drop();
    this.line?.close();
    this.line = undefined;
    this.notebook.session = "";
    this.events.session(undefined);
    if (old) await sessions.remove(old);
    await this.begin();
    this.events.kept();
    await this.refresh();
  }

  close(): void {
    this.line?.close();
  }
}
