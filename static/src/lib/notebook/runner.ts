// Runs cells one after the other over the notebook's session, which is made when
// the first of them runs.

import { Refusal, type Run, sentence } from "../run";
import { TypingLine } from "../typing";
import type { Display } from "../wire";
import type { CellView } from "./cell";
import { addOutput, type Notebook, type Output, updateDisplay } from "./model";
import * as sessions from "./session";

export interface RunnerEvents {
  session(s: sessions.Session | undefined): void; // what is known of the session now
  active(on: boolean): void; // cells run or wait
  kept(): void; // something to keep
  spoken(text: string): void; // for assistive technology
}

export class Runner {
  private queue: CellView[] = [];
  private current?: CellView;
  private line?: sessions.Line;
  private clearing = false; // what the cell that runs has said goes when it says more

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
  private runOne(view: CellView): Promise<boolean> {
    return this.perform(view, async () => {
      await this.open(view);
      return this.line!.execute(view.cell.source);
    });
  }

  /** Shows a cell that runs, from its first event to its last. */
  private async perform(view: CellView, start: () => AsyncGenerator<sessions.CellEvent> | Promise<AsyncGenerator<sessions.CellEvent>>): Promise<boolean> {
    const { cell } = view;
    Object.assign(cell, { outputs: [], ms: 0, count: null, folded: false });
    this.clearing = false;
    view.output.clear();
    view.setMark("running");
    this.notebook.running = cell.id;
    this.events.kept();
    const began = performance.now();
    const clock = window.setInterval(() => view.show(performance.now() - began), 100);
    let good = false;
    try {
      good = await this.follow(view, await start());
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

  /** Shows the events of a cell to its end. */
  private async follow(view: CellView, events: AsyncGenerator<sessions.CellEvent>): Promise<boolean> {
    let typing: TypingLine | undefined;
    try {
      for await (const event of events) {
        if (event.type === "exit") return this.ended(view, event);
        if (event.type === "input") typing ??= this.ask(view, this.line!);
        else this.show(view, event);
      }
      return false;
    } finally {
      typing?.end();
    }
  }

  /** Opens the line to the session. One that is gone is made anew, and the cell says so. */
  private async open(view: CellView): Promise<void> {
    const known = this.notebook.session;
    const found = known ? await sessions.get(known).catch((e) => (sessions.isGone(e) ? undefined : Promise.reject(e))) : undefined;
    if (found) this.events.session({ ...found, state: "busy" });
    else await this.begin();
    if (known && !found) this.put(view, { kind: "note", text: "The session of this notebook is gone, so the cell runs in a new one. What earlier cells defined is not there." });
    this.connect();
  }

  private connect(): void {
    if (this.line?.session === this.notebook.session) return;
    this.line?.close();
    this.line = new sessions.Line(this.notebook.session);
  }

  /** Makes a session. */
  private async begin(): Promise<void> {
    const s = await sessions.create(this.notebook.language, this.notebook.name);
    this.notebook.session = s.id;
    this.events.session({ ...s, state: "busy" });
  }

  /** Lets the visitor type for a cell that waits for it. */
  private ask(view: CellView, line: sessions.Line): TypingLine {
    const input: Pick<Run, "input" | "endInput" | "stop"> = {
      input: async (text) => {
        line.stdin(text);
        addOutput(view.cell, { kind: "stream", name: "stdout", text }); // the typing line has shown it
      },
      endInput: async () => line.endInput(),
      stop: () => this.interrupt(),
    };
    return new TypingLine(view.output.host, input, view.output.log);
  }

  private show(view: CellView, event: sessions.CellEvent): void {
    switch (event.type) {
      case "status":
        if (event.state === "queued") this.events.spoken(event.message || "The cell waits for its turn.");
        return;
      case "stdout":
      case "stderr":
        return this.put(view, { kind: "stream", name: event.type, text: event.text });
      case "display":
        return this.display(view, event);
    }
  }

  /** Adds a rich output, or does what it says to those of before. */
  private display(view: CellView, d: Display): void {
    if (!d.act) return this.put(view, { kind: "display", data: d.data, metadata: d.metadata, count: null, id: d.display_id });
    if (d.act === "clear_next") this.clearing = true;
    else if (d.act === "clear") this.clear(view);
    else {
      if (this.clearing) this.clear(view);
      updateDisplay(view.cell, d.display_id ?? "", d.data, d.metadata);
    }
    view.output.log.display(d);
  }

  private clear(view: CellView): void {
    this.clearing = false;
    view.cell.outputs = [];
  }

  /** Adds an output to the cell and to the page. */
  private put(view: CellView, o: Output): void {
    if (this.clearing && o.kind !== "note") this.clear(view);
    for (const added of addOutput(view.cell, o)) view.output.add(added);
  }

  private ended(view: CellView, r: sessions.CellResult): boolean {
    const { cell } = view;
    cell.count = r.execution_count;
    cell.ms = r.wall_ms;
    if (r.notice) this.put(view, { kind: "note", text: sentence(r.notice) });
    if (r.result) this.put(view, { kind: "result", data: r.result.data, metadata: r.result.metadata ?? {}, count: r.execution_count });
    if (r.error) this.put(view, { kind: "error", ...r.error, traceback: r.error.traceback ?? [] });
    if (r.status !== "ok" && (r.message || !r.error)) this.put(view, { kind: "note", text: sentence(r.message || `Ended: ${r.status}`) });
    if (r.rolled_back) this.put(view, { kind: "note", text: "The session has the state that it had before this cell." });
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

  /** Goes on with a cell that ran when the page was left: its events come from its start. */
  async recover(view: CellView | undefined): Promise<void> {
    if (!view || !this.notebook.session) return void (this.notebook.running = "");
    this.current = view;
    this.events.active(true);
    await this.perform(view, () => (this.connect(), this.line!.follow()));
    this.current = undefined;
    if (this.queue.length > 0) return this.pump();
    this.events.active(false);
  }

  /** Gives the notebook a session whose interpreter is new. Its files stay. */
  async restart(): Promise<void> {
    this.drop();
    const id = this.notebook.session;
    if (id) await sessions.restart(id).catch((e) => (sessions.isGone(e) ? this.begin() : Promise.reject(e)));
    else await this.begin();
    this.events.kept();
    await this.refresh();
  }

  close(): void {
    this.line?.close();
  }
}
