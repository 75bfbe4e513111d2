// A table that a program also prints as text is shown once. The text may come
// before the table or, since programs buffer what they print, after it.

export class Twins {
  private waiting: string[] = []; // texts that are still to come
  private held = ""; // the end of what was written, which may be the beginning of one

  /** Expects a text, and leaves it out of what filter returns. */
  expect(text: string): void {
    if (text.trim() !== "") this.waiting.push(text);
  }

  /** Returns what is to be shown of text. */
  filter(text: string): string {
    let shown = "";
    this.held += text;
    while (this.waiting.length > 0) {
      const twin = this.waiting[0];
      const at = this.held.indexOf(twin);
      if (at < 0) {
        const keep = this.beginning(twin);
        shown += this.held.slice(0, keep);
        this.held = this.held.slice(keep);
        return shown;
      }
      shown += this.held.slice(0, at);
      this.held = this.held.slice(at + twin.length);
      this.waiting.shift();
    }
    return shown + this.rest();
  }

  /** Returns where the beginning of twin stands at the end of what is held. */
  private beginning(twin: string): number {
    let at = this.held.indexOf(twin[0], Math.max(0, this.held.length - twin.length + 1));
    while (at >= 0 && !twin.startsWith(this.held.slice(at))) at = this.held.indexOf(twin[0], at + 1);
    return at < 0 ? this.held.length : at;
  }

  /** Returns what is held, when no more will come. */
  rest(): string {
    const rest = this.held;
    this.held = "";
    return rest;
  }
}
