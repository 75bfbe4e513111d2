// Server-Sent Events read from a fetch, since EventSource cannot POST.

export interface Message {
  event: string;
  data: string;
}

/** Reads messages until the stream ends. */
export async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<Message> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new Parser();
  let ended = false;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      ended = done;
      if (done) return;
      yield* parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    if (!ended) reader.cancel().catch(() => {}); // the reader of the messages has enough
  }
}

/** Parser cuts a text stream into messages. Lines end in LF or CRLF. */
export class Parser {
  private rest = "";
  private event = "";
  private data: string[] = [];

  *feed(chunk: string): Generator<Message> {
    const lines = (this.rest + chunk).split("\n");
    this.rest = lines.pop()!;
    for (const line of lines) {
      const message = this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (message) yield message;
    }
  }

  private line(line: string): Message | undefined {
    if (line === "") return this.flush();
    if (line.startsWith(":")) return; // a comment that keeps the connection alive
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.event = value;
    if (field === "data") this.data.push(value);
  }

  private flush(): Message | undefined {
    const message = { event: this.event || "message", data: this.data.join("\n") };
    const empty = this.data.length === 0;
    this.event = "";
    this.data = [];
    return empty ? undefined : message;
  }
}
