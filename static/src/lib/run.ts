// One run against the API: start it, follow its events, feed and stop it.

import { messages } from "./sse";
import type { RunEvent } from "./wire";

/** What the server said instead of running the program. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly retryAfter: number, // seconds; 0 when the server did not say
  ) {
    super(message);
  }
}

/** Where and how runs are asked for. */
export interface Endpoint {
  base: string; // "" for the page's own server, else an origin
  path: string; // "/v1/run"
  credentials: RequestCredentials;
}

export class Run {
  private readonly abort = new AbortController();
  private id = "";

  constructor(private readonly at: Endpoint) {}

  /** Yields the events of the run. It throws a Refusal when there is no run. */
  async *start(body: unknown): AsyncGenerator<RunEvent> {
    const response = await fetch(this.at.base + this.at.path, {
      method: "POST",
      // Without a body there is no type: browsers then ask no permission first,
      // which a closed server's embeds would not get.
      headers: { Accept: "text/event-stream", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      credentials: this.at.credentials,
      body: JSON.stringify(body),
      signal: this.abort.signal,
    });
    if (!response.ok || !response.body) throw await refusal(response);
    for await (const message of messages(response.body)) {
      const event = { type: message.event, data: JSON.parse(message.data) } as RunEvent;
      if (event.type === "start") this.id = event.data.id;
      yield event;
    }
  }

  /** Sends text to the program's standard input. */
  input(text: string): Promise<void> {
    return this.post("stdin", text, "text/plain;charset=utf-8");
  }

  /** Ends the program's standard input. */
  endInput(): Promise<void> {
    return this.post("stdin?end=1", "", "text/plain;charset=utf-8");
  }

  /** Interrupts the program; where it cannot be reached, closes the connection, which stops it too. */
  async stop(): Promise<void> {
    const sent = this.id !== "" && (await this.post("signal", JSON.stringify({ signal: "SIGINT" }), "application/json").then(() => true, () => false));
    if (!sent) this.abort.abort();
  }

  /** Closes the connection. */
  leave(): void {
    this.abort.abort();
  }

  private async post(what: string, body: string, type: string): Promise<void> {
    if (this.id === "") return;
    const response = await fetch(`${this.at.base}/v1/runs/${this.id}/${what}`, {
      method: "POST",
      headers: { "Content-Type": type },
      credentials: this.at.credentials,
      body,
    });
    if (!response.ok) throw await refusal(response);
  }
}

/** Reads what the server said instead of doing what was asked. */
export async function refusal(response: Response): Promise<Refusal> {
  let message = `The server answered ${response.status} ${response.statusText}.`;
  try {
    const body = await response.json();
    if (typeof body?.error?.message === "string") message = sentence(body.error.message);
  } catch {
    // not JSON: a proxy answered
  }
  return new Refusal(message, response.status, Number(response.headers.get("Retry-After")) || 0);
}

/** Writes an error of the API as a sentence. */
export function sentence(s: string): string {
  const text = s.charAt(0).toUpperCase() + s.slice(1);
  return /[.!?]$/.test(text) ? text : text + ".";
}
