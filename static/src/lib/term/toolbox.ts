// Requests to a sandbox's toolbox, for pages of ours.

/** A refusal in the toolbox's own words. */
export class ToolboxError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
  ) {
    super(message);
  }
}

/** What looks but does not use: it does not keep a sandbox from stopping. */
export const looking = { "X-Daytona-Skip-Last-Activity-Update": "true" };

export class Toolbox {
  /** base is the path of the toolbox with a slash at its end. */
  constructor(readonly base: string) {}

  async call(path: string, init: RequestInit = {}): Promise<Response> {
    let answer: Response;
    try {
      answer = await fetch(this.base + path, init);
    } catch (e) {
      if ((e as Error).name === "AbortError") throw e;
      throw new ToolboxError("The server does not answer. Check your connection and try again.", 0, "");
    }
    if (answer.ok) return answer;
    const body = (await answer.json().catch(() => ({}))) as { message?: string; code?: string };
    throw new ToolboxError(sentence(body.message ?? `the server answered ${answer.status}`), answer.status, body.code ?? "");
  }

  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    return (await (await this.call(path, init)).json()) as T;
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.json<T>(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }
}

function sentence(text: string): string {
  const s = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(s) ? s : s + ".";
}
