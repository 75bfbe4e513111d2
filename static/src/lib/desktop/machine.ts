// What a page asks of a desktop's toolbox.

export type Answer = { status: "active" | "partial" | "inactive" };

export interface Recording {
  id: string;
  fileName: string;
  startTime: string;
  status: string;
  durationSeconds?: number;
  sizeBytes?: number;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Looking is not using: what a page asks by itself keeps no sandbox running. */
const passive = { "X-Daytona-Skip-Last-Activity-Update": "true" };

export class Machine {
  /** base is where the toolbox is, with a slash at the end. */
  constructor(readonly base: string) {}

  url(path: string): string {
    return `${this.base}computeruse/${path}`;
  }

  /** Asks for something without using the sandbox. */
  get(path: string, init: RequestInit = {}): Promise<Response> {
    return this.call(path, { ...init, headers: { Accept: "application/json", ...passive, ...(init.headers ?? {}) } });
  }

  async status(): Promise<Answer["status"]> {
    return ((await (await this.get("status")).json()) as Answer).status;
  }

  async start(): Promise<void> {
    await this.call("start", { method: "POST" });
  }

  async stop(): Promise<void> {
    await this.call("stop", { method: "POST" });
  }

  async recordings(): Promise<Recording[]> {
    const all = (await (await this.get("recordings")).json()) as { recordings?: Recording[] };
    return all.recordings ?? [];
  }

  async record(label: string): Promise<void> {
    await this.post("recordings/start", { label });
  }

  async stopRecording(id: string): Promise<void> {
    await this.post("recordings/stop", { id });
  }

  async deleteRecording(id: string): Promise<void> {
    await this.call(`recordings/${encodeURIComponent(id)}`, { method: "DELETE" });
  }

  private post(path: string, body: unknown): Promise<Response> {
    return this.call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }

  private async call(path: string, init: RequestInit): Promise<Response> {
    let answer: Response;
    try {
      answer = await fetch(this.url(path), init);
    } catch (e) {
      if ((e as Error).name === "AbortError") throw e;
      throw new Refusal(0, "The server cannot be reached");
    }
    if (answer.ok) return answer;
    throw new Refusal(answer.status, await reason(answer));
  }
}

async function reason(answer: Response): Promise<string> {
  try {
    const body = (await answer.json()) as { message?: unknown; error?: unknown };
    const text = Array.isArray(body.message) ? body.message.join("; ") : body.message;
    if (typeof text === "string" && text !== "") return text;
  } catch {
    // then the status must do
  }
  return `The server answered with status ${answer.status}`;
}

/** Writes a message as a sentence. */
export function sentence(text: string): string {
  const s = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(s) ? s : s + ".";
}
