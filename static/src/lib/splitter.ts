// The two streams of a command whose log holds both.

export type Stream = "out" | "err";

/** Splits a log that is multiplexed: three bytes 1 or 2 begin what is of one stream. */
export class Splitter {
  private rest: number[] = [];
  private stream: Stream = "out";
  private readonly text = { out: new TextDecoder(), err: new TextDecoder() };

  constructor(private readonly emit: (stream: Stream, text: string) => void) {}

  push(data: Uint8Array): void {
    const all = this.rest.length ? Uint8Array.from([...this.rest, ...data]) : data;
    this.rest = [];
    let from = 0;
    for (let i = 0; i < all.length; i++) {
      const b = all[i];
      if (b !== 1 && b !== 2) continue;
      if (i + 2 >= all.length && all.subarray(i).every((x) => x === b)) {
        this.flush(all.subarray(from, i));
        this.rest = [...all.subarray(i)];
        return;
      }
      if (all[i + 1] !== b || all[i + 2] !== b) continue;
      this.flush(all.subarray(from, i));
      this.stream = b === 1 ? "out" : "err";
      from = i + 3;
      i += 2;
    }
    this.flush(all.subarray(from));
  }

  private flush(data: Uint8Array): void {
    if (data.length) this.emit(this.stream, this.text[this.stream].decode(data, { stream: true }));
  }
}
