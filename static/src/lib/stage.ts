// The output pane: runs a program and shows all of it, from the queue to the
// files it left. The playground, embeds and snippets share it.

import { Console } from "./console";
import type { Surroundings } from "./display";
import { el } from "./dom";
import { bytes, ending, figures, place } from "./format";
import { leftView } from "./left";
import { type Endpoint, Refusal, Run } from "./run";
import { TypingLine } from "./typing";
import type { Diagnostic, Progress, Result, RunEvent } from "./wire";

export interface Parts {
  screen: HTMLElement; // scrolls
  status: HTMLElement; // one line, role status
  around: Surroundings;
  endpoint: Endpoint;
  running(on: boolean): void;
  marks(d: Diagnostic[]): void;
  goTo(d: Diagnostic): void;
}

export class Stage {
  console?: Console;
  last?: Result;
  private refused = false; // for what it needs
  private current?: Run;
  private typing?: TypingLine;

  constructor(private readonly parts: Parts) {}

  get running(): boolean {
    return this.current !== undefined;
  }

  /** Runs a program to its end. live says that its input stays open. */
  async run(body: unknown, live: boolean): Promise<void> {
    if (this.current) return;
    const run = (this.current = new Run(this.parts.endpoint));
    this.clear();
    this.console = new Console(this.parts.screen, this.parts.around);
    this.parts.screen.append(this.console.log);
    this.parts.running(true);
    this.say("busy", "Starting");
    try {
      await this.follow(run, body, live);
    } catch (e) {
      this.failed(e);
    } finally {
      this.current = undefined;
      this.typing?.end();
      this.typing = undefined;
      this.parts.running(false);
    }
  }

  private async follow(run: Run, body: unknown, live: boolean): Promise<void> {
    let ended = false;
    for await (const event of run.start(body)) {
      ended ||= event.type === "exit" || event.type === "error";
      this.show(event, run, live);
    }
    if (!ended) throw new Error("The connection was lost before the program ended. Run it again.");
  }

  private show(event: RunEvent, run: Run, live: boolean): void {
    const out = this.console!;
    switch (event.type) {
      case "start":
        return;
      case "status":
        this.progress(event.data);
        if (event.data.state === "running" && live) this.typing ??= new TypingLine(this.parts.screen, run, out);
        return;
      case "stdout":
        return out.write("out", event.data.text);
      case "stderr":
        return out.write("err", event.data.text);
      case "display":
        return out.display(event.data);
      case "error":
        throw new Error(event.data.message);
      case "exit":
        return this.ended(event.data);
    }
  }

  private progress(p: Progress): void {
    if (p.state === "running") return this.say("busy", "Running");
    if (p.state === "queued" && p.position) return this.say("paused", `Waiting: place ${p.position} in the queue`);
    this.say("busy", p.message || (p.state === "queued" ? "Waiting" : "Preparing the language"));
  }

  private ended(r: Result): void {
    this.last = r;
    this.typing?.end();
    this.console!.end();
    for (const [stream, cut] of Object.entries(r.truncated)) {
      if (cut && r.status !== "output_limit") this.console!.remark(`The end of ${stream} is missing: the output limit was reached after ${bytes(stream === "stdout" ? r.stdout.length : r.stderr.length)}.`);
    }
    const { summary, state } = ending(r);
    this.say(state, summary, figures(r), place(r));
    this.after(r);
    this.parts.marks(r.diagnostics);
  }

  private after(r: Result): void {
    const after = el("div", { class: "after" });
    if (r.diagnostics.length > 0) after.append(this.problems(r.diagnostics));
    if (r.files.length > 0) after.append(leftView(r.files));
    if (!after.hasChildNodes() && !this.console!.log.hasChildNodes()) {
      this.parts.screen.append(el("p", { class: "empty" }, "The program printed nothing."));
    }
    if (after.hasChildNodes()) this.parts.screen.append(after);
    this.console!.toEnd();
  }

  private problems(diagnostics: Diagnostic[]): HTMLElement {
    const items = diagnostics.map((d) => {
      const where = [d.file, d.line, d.column || undefined].filter(Boolean).join(":");
      const jump = el("button", { type: "button", class: d.severity }, el("span", { class: "place" }, where), el("span", {}, d.message));
      jump.addEventListener("click", () => this.parts.goTo(d));
      return el("li", {}, jump);
    });
    return el("section", {}, el("h3", {}, "Problems"), el("ul", { class: "marks" }, ...items));
  }

  /** Whether the last program needs more than WebAssembly has: it ran in a container, should have, or was refused. */
  beyond(): boolean {
    return this.last ? this.last.engine === "container" || this.last.reason.startsWith("needs ") : this.refused;
  }

  private failed(e: unknown): void {
    const aborted = e instanceof DOMException && e.name === "AbortError";
    this.console!.end();
    if (aborted) return this.say("stopped", "Stopped");
    if (e instanceof Refusal) {
      const again = e.retryAfter > 0 ? ` Try again in ${e.retryAfter} s.` : "";
      this.refused = e.status === 501;
      this.say("error", "Not run");
      this.parts.screen.append(el("div", { class: "after" }, el("p", { class: "note error" }, e.message + again)));
      return;
    }
    const message = e instanceof TypeError ? "The server cannot be reached. Check the connection and run it again." : String((e as Error).message ?? e);
    this.say("error", "No answer", "", "", message);
  }

  /** Interrupts the program. */
  stop(): void {
    this.say("busy", "Stopping");
    void this.current?.stop();
  }

  /** Empties the pane. */
  clear(): void {
    this.parts.screen.replaceChildren();
    this.parts.marks([]);
    this.console = undefined;
    this.last = undefined;
    this.refused = false;
  }

  private say(state: string, summary: string, ...more: string[]): void {
    const kinds = ["figures", "where", "where"];
    this.parts.status.replaceChildren(
      el("span", { class: `state ${state}` }, summary),
      ...more.flatMap((text, i) => (text ? [" ", el("span", { class: kinds[i] }, text)] : [])),
    );
  }
}
