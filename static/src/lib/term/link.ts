// The connection to a terminal: the subprotocol sandpiper-pty.1 of the toolbox.
// Each byte of output arrives exactly once and in order, over as many
// connections as it takes, and no more of it than the screen can show: every
// piece is confirmed when the screen has taken it.

/** How a connection is, for people to be told. */
export type LinkState =
  | { kind: "connecting" }
  | { kind: "open" }
  | { kind: "waiting"; why: string } // tried again soon
  | { kind: "stopped"; why: string } // the sandbox does not run
  | { kind: "gone"; why: string } // there is no such terminal any more
  | { kind: "ended"; code: number; why: string };

export interface LinkEvents {
  state(s: LinkState): void;
  /** The terminal is not the one on the screen; skipped is how much it wrote that is gone. */
  fresh(skipped: number): void;
  /** Old output must not be answered. taken is to be called when the screen has it. */
  output(data: Uint8Array, old: boolean, taken: () => void): void;
  modes(sequences: string): void;
  lost(bytes: number): void;
  inputDropped(bytes: number): void;
  /** The connection ended before the other end said that it has what was typed last. */
  inputUnheard(bytes: number): void;
}

interface Control {
  status: string;
  error?: string;
  epoch?: string;
  offset?: number;
  end?: number;
  lost?: number;
  fresh?: boolean;
  modes?: string;
  exitCode?: number;
  exitReason?: string;
}

const protocol = "sandpiper-pty.1";
const ackEvery = 32 << 10;
const ackSoon = 100; // ms
const firstDelay = 250; // ms, doubled up to lastDelay
const lastDelay = 8000;
const answerTime = 6000; // ms for a ping
const askAfter = 1000; // ms from what is typed to the ping behind it

export class Link {
  private socket?: WebSocket;
  private epoch = "";
  private got = 0; // offset after the last byte that came
  private taken = 0; // offset after the last byte that the screen has
  private acked = 0;
  private old = 0; // bytes before this offset are old
  private delay = firstDelay;
  private retry = 0;
  private ackTimer = 0;
  private pongTimer = 0;
  private askTimer = 0;
  private unheard = 0; // bytes that were typed and that no pong stands for
  private asked = 0; // of those, what the next pong stands for
  private closed = false;
  private exit?: LinkState;
  private readonly client = crypto.getRandomValues(new Uint32Array(3)).join("");

  constructor(
    private readonly base: string, // path of the toolbox, with a slash at the end
    private readonly id: string,
    private readonly size: () => { cols: number; rows: number },
    private readonly events: LinkEvents,
  ) {}

  /** Connects, or tries again at once. */
  connect(): void {
    clearTimeout(this.retry);
    if (this.closed || this.exit || (this.socket && this.socket.readyState <= WebSocket.OPEN)) return;
    this.events.state({ kind: "connecting" });
    const url = new URL(`${this.base}process/pty/${encodeURIComponent(this.id)}/connect`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = new URLSearchParams({ client: this.client, epoch: this.epoch, offset: String(this.got) }).toString();
    const socket = new WebSocket(url, protocol);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onmessage = (e) => {
      if (socket !== this.socket) return;
      if (this.pongTimer) this.listen(); // what comes is a sign of life, and the pong is behind it
      if (typeof e.data === "string") this.control(JSON.parse(e.data) as Control);
      else this.output(new Uint8Array(e.data as ArrayBuffer));
    };
    socket.onclose = (e) => socket === this.socket && void this.cut(e);
  }

  /** Ends the connection for good; the shell goes on. */
  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.socket?.close(1000);
  }

  /** Forgets an end: what was ended has been started anew. */
  revive(): void {
    this.exit = undefined;
    this.delay = firstDelay;
    this.connect();
  }

  type(data: string | Uint8Array): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const sent = typeof data === "string" ? new TextEncoder().encode(data) : data.slice();
    this.socket.send(sent);
    // Only who types asks: a ping counts as use, and would keep the sandbox from stopping.
    this.unheard += sent.length;
    if (!this.askTimer && !this.pongTimer) this.askTimer = window.setTimeout(() => this.ask(), askAfter);
  }

  resize(): void {
    this.say({ type: "resize", ...this.size() });
  }

  /** Finds out whether the other end is still there, after a sleep for instance. */
  check(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) {
      this.delay = firstDelay;
      this.connect();
      return;
    }
    this.ask();
  }

  private ask(): void {
    clearTimeout(this.askTimer);
    this.askTimer = 0;
    this.asked = this.unheard;
    this.say({ type: "ping" });
    this.listen();
  }

  private listen(): void {
    clearTimeout(this.pongTimer);
    this.pongTimer = window.setTimeout(() => this.drop(), answerTime);
  }

  /** Stops waiting for a pong, and tells what never had one. */
  private silent(): void {
    clearTimeout(this.askTimer);
    clearTimeout(this.pongTimer);
    this.askTimer = this.pongTimer = 0;
    if (this.unheard > 0) this.events.inputUnheard(this.unheard);
    this.unheard = this.asked = 0;
  }

  private heard(): void {
    clearTimeout(this.pongTimer);
    this.pongTimer = 0;
    this.unheard -= this.asked;
    this.asked = 0;
    if (this.unheard > 0) this.askTimer = window.setTimeout(() => this.ask(), askAfter);
  }

  /** Breaks the connection off, as a bad line would. */
  drop(): void {
    const socket = this.socket;
    this.socket = undefined;
    if (!socket) return;
    socket.onclose = null;
    socket.close(4000, "no answer");
    this.silent();
    this.later("The line does not answer.");
  }

  private say(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private control(m: Control): void {
    switch (m.status) {
      case "connected":
        this.connected(m);
        break;
      case "lost":
        this.got = this.taken = this.acked = m.offset!;
        this.events.lost(m.lost!);
        if (m.modes) this.events.modes(m.modes);
        break;
      case "input-dropped":
        this.events.inputDropped(m.lost!);
        break;
      case "pong":
        this.heard();
        break;
      case "exited":
        this.exit = { kind: "ended", code: m.exitCode ?? 0, why: m.exitReason ?? "" };
        break;
      case "error":
        this.exit = { kind: "gone", why: m.error ?? "" };
    }
  }

  private connected(m: Control): void {
    this.epoch = m.epoch!;
    this.delay = firstDelay;
    this.acked = m.offset!;
    if (m.fresh) {
      this.got = this.taken = m.offset!;
      this.old = m.end ?? 0;
      this.events.fresh(m.offset!);
    } else if (m.lost) {
      this.got = this.taken = m.offset!;
      this.events.lost(m.lost);
    }
    if (m.modes) this.events.modes(m.modes);
    this.resize();
    this.events.state({ kind: "open" });
    this.confirm();
  }

  private output(data: Uint8Array): void {
    const old = this.got < this.old;
    this.got += data.length;
    const end = this.got;
    this.events.output(data, old, () => {
      if (end <= this.taken || end > this.got) return; // of a screen that was cleared
      this.taken = end;
      if (this.taken - this.acked >= ackEvery) this.confirm();
      else if (!this.ackTimer) this.ackTimer = window.setTimeout(() => this.confirm(), ackSoon);
    });
  }

  private confirm(): void {
    clearTimeout(this.ackTimer);
    this.ackTimer = 0;
    if (this.taken <= this.acked || this.socket?.readyState !== WebSocket.OPEN) return;
    this.acked = this.taken;
    this.say({ type: "ack", offset: this.acked });
  }

  /** The connection is gone: finds out why, and comes back where that is of use. */
  private async cut(e: CloseEvent): Promise<void> {
    this.socket = undefined;
    if (this.closed || this.exit) this.unheard = 0; // nobody is there to have it
    this.silent();
    if (this.closed) return;
    if (this.exit) {
      this.events.state(this.exit);
      return;
    }
    const why = await this.inquire();
    if (this.closed || this.socket) return;
    if (why.kind === "gone" || why.kind === "stopped") this.events.state(why);
    else this.later(e.code === 1001 && why.kind === "open" ? "The server restarts." : why.kind === "waiting" ? why.why : "The line was cut.");
  }

  /** Asks the toolbox by plain HTTP: a WebSocket does not say why it failed. */
  private async inquire(): Promise<LinkState> {
    let answer: Response;
    try {
      answer = await fetch(`${this.base}process/pty/${encodeURIComponent(this.id)}`, {
        headers: { "X-Daytona-Skip-Last-Activity-Update": "true" },
        signal: AbortSignal.timeout(answerTime),
      });
    } catch {
      return { kind: "waiting", why: navigator.onLine ? "The server does not answer." : "This device is offline." };
    }
    if (answer.ok) return { kind: "open" };
    const body = (await answer.json().catch(() => ({}))) as { message?: string; code?: string };
    const why = body.message ?? `The server answered ${answer.status}.`;
    if (answer.status === 401 || answer.status === 403) return { kind: "gone", why: "You are signed out. Reload the page to sign in." };
    if (answer.status === 404) return { kind: "gone", why: "This terminal is gone: it was closed, or the sandbox was started anew since." };
    if (answer.status === 400 || answer.status === 409) return { kind: "stopped", why };
    return { kind: "waiting", why };
  }

  private later(why: string): void {
    const wait = this.delay * (0.75 + Math.random() / 2);
    this.delay = Math.min(this.delay * 2, lastDelay);
    this.events.state({ kind: "waiting", why });
    clearTimeout(this.retry);
    this.retry = window.setTimeout(() => this.connect(), wait);
  }
}
