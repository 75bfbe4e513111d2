// Sessions on the server: /v1/sessions and its WebSocket.

import { Refusal, refusal, sentence } from "../run";
import type { Display, Progress, Status } from "../wire";

export interface Session {
  id: string;
  name: string;
  language: string;
  state: "starting" | "idle" | "busy" | "paused" | "failed";
  message: string;
  created_at: string;
  last_used_at: string;
  execution_count: number;
  memory_bytes: number;
  stored_bytes: number;
  fork_of: string;
  milliseconds?: number; // of a pause, a resume or a fork
  bytes?: number;
}

/** How a cell ended. */
export interface CellResult {
  status: Status;
  message: string;
  result: Display | null;
  error: { name: string; value: string; traceback: string[] } | null;
  execution_count: number;
  rolled_back: boolean;
  notice: string;
  wall_ms: number;
}

export type CellEvent =
  | { type: "start" | "input" } // input: the cell waits for it
  | ({ type: "status" } & Progress)
  | { type: "stdout" | "stderr"; text: string }
  | ({ type: "display" } & Display)
  | ({ type: "exit" } & CellResult);

export interface SessionFile {
  name: string; // path within the session's folder
  size: number;
}

const root = "/v1/sessions";

async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(root + path, { credentials: "same-origin", ...init });
  if (!response.ok) throw await refusal(response);
  return response;
}

async function json<T>(path: string, method = "GET", body?: unknown): Promise<T> {
  const init = body === undefined ? { method } : { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return (await (await call(path, init)).json()) as T;
}

export const create = (language: string, name: string): Promise<Session> => json("", "POST", { language, name });
export const get = (id: string): Promise<Session> => json(`/${id}`);
export const list = async (): Promise<Session[]> => (await json<{ sessions: Session[] }>("")).sessions;
export const rename = (id: string, name: string): Promise<Session> => json(`/${id}`, "PATCH", { name });
export const pause = (id: string): Promise<Session> => json(`/${id}/pause`, "POST");
export const resume = (id: string): Promise<Session> => json(`/${id}/resume`, "POST");
export const fork = (id: string): Promise<Session> => json(`/${id}/fork`, "POST");
export const restart = (id: string): Promise<Session> => json(`/${id}/restart`, "POST");

/** Interrupts the cell that runs. */
export async function interrupt(id: string): Promise<void> {
  await call(`/${id}/interrupt`, { method: "POST" });
}

/** Deletes a session; one that is gone already is fine. */
export async function remove(id: string): Promise<void> {
  await call(`/${id}`, { method: "DELETE" }).catch(unlessGone);
}

function unlessGone(e: unknown): void {
  if (!isGone(e)) throw e;
}

/** Whether an error says that there is no such session any more. */
export function isGone(e: unknown): boolean {
  return e instanceof Refusal && (e.status === 404 || e.status === 410);
}

// The session's files.

export const files = async (id: string): Promise<SessionFile[]> => (await json<{ files: SessionFile[] }>(`/${id}/files`)).files;

export function fileURL(id: string, name: string): string {
  return `${root}/${id}/files/${name.split("/").map(encodeURIComponent).join("/")}`;
}

export async function putFile(id: string, name: string, content: Blob): Promise<void> {
  const response = await fetch(fileURL(id, name), { method: "PUT", body: content, headers: { "Content-Type": "application/octet-stream" } });
  if (!response.ok) throw await refusal(response);
}

export async function removeFile(id: string, name: string): Promise<void> {
  const response = await fetch(fileURL(id, name), { method: "DELETE" });
  if (!response.ok) throw await refusal(response);
}

/** The connection was lost while a cell ran, which goes on at the server. */
export class Lost extends Error {}

type Message = { id?: string; type: string; error?: { kind: string; message: string } } & Record<string, unknown>;

/** A WebSocket to a session. It is opened for the first cell and kept for those that follow. */
export class Line {
  private socket?: WebSocket;
  private take?: (m: Message | Lost) => void;
  private turns = 0;

  constructor(readonly session: string) {}

  /** Executes a cell and yields its events; the last is exit. */
  execute(code: string): AsyncGenerator<CellEvent> {
    return this.events({ type: "execute", code });
  }

  /** Yields the events of the cell that runs, or of the last one, from its start. */
  follow(): AsyncGenerator<CellEvent> {
    return this.events({ type: "follow" });
  }

  private async *events(ask: Record<string, string>): AsyncGenerator<CellEvent> {
    const socket = await this.open();
    const id = String(++this.turns);
    const queue: (Message | Lost)[] = [];
    let wake = () => {};
    this.take = (m) => (queue.push(m), wake());
    socket.send(JSON.stringify({ ...ask, id }));
    try {
      for (;;) {
        while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        const m = queue.shift()!;
        if (m instanceof Lost) throw m;
        if (m.type === "error" && m.error && (m.id === undefined || m.id === id)) throw new Refusal(sentence(m.error.message), 0, 0);
        if (m.id !== id) continue; // what the session is, or the end of an earlier cell
        yield m as unknown as CellEvent;
        if (m.type === "exit") return;
      }
    } finally {
      this.take = undefined;
    }
  }

  private open(): Promise<WebSocket> {
    if (this.socket?.readyState === WebSocket.OPEN) return Promise.resolve(this.socket);
    const url = new URL(`${root}/${this.session}/connect`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.socket = new WebSocket(url));
    socket.addEventListener("message", (e) => this.take?.(JSON.parse(String(e.data)) as Message));
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => resolve(socket));
      socket.addEventListener("close", () => {
        reject(new Lost("The server cannot be reached. Check the connection and run the cell again."));
        this.take?.(new Lost("The connection was lost while the cell ran. It goes on at the server."));
      });
    });
  }

  /** Sends text to the standard input of the cell that runs. */
  stdin(text: string): void {
    this.socket?.send(JSON.stringify({ type: "stdin", data: text }));
  }

  /** Ends the standard input of the cell that runs. */
  endInput(): void {
    this.socket?.send(JSON.stringify({ type: "end" }));
  }

  close(): void {
    this.socket?.close();
  }
}
