// Terminal colours in a program's output. Other escape sequences are dropped.

const sequence = /\x1b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])/g;

interface Look {
  bold: boolean;
  dim: boolean;
  italic: boolean;
  under: boolean;
  colour: number; // 0 to 7, or -1
}

const plain: Look = { bold: false, dim: false, italic: false, under: false, colour: -1 };

/** Painter turns text into nodes and remembers the colour between pieces. */
export class Painter {
  private look: Look = { ...plain };
  private rest = "";

  paint(text: string): Node[] {
    text = this.rest + text;
    this.rest = unfinished(text);
    if (this.rest) text = text.slice(0, -this.rest.length);
    if (!text.includes("\x1b")) return text ? [this.node(text)] : [];
    const nodes: Node[] = [];
    let from = 0;
    for (const m of text.matchAll(sequence)) {
      if (m.index > from) nodes.push(this.node(text.slice(from, m.index)));
      if (m[2] === "m") this.apply(m[1]);
      from = m.index + m[0].length;
    }
    if (from < text.length) nodes.push(this.node(text.slice(from)));
    return nodes;
  }

  private node(text: string): Node {
    const classes = this.classes();
    if (!classes) return document.createTextNode(text);
    const span = document.createElement("span");
    span.className = classes;
    span.textContent = text;
    return span;
  }

  private classes(): string {
    const { bold, dim, italic, under, colour } = this.look;
    return [bold && "a-b", dim && "a-d", italic && "a-i", under && "a-u", colour >= 0 && `a${colour}`].filter(Boolean).join(" ");
  }

  private apply(parameters: string): void {
    const codes = parameters.split(/[;:]/).map(Number);
    for (let i = 0; i < codes.length; i++) {
      const n = codes[i];
      if (n === 38 || n === 48) i += codes[i + 1] === 5 ? 2 : 4; // 256 and true colours are not shown
      else this.one(n);
    }
  }

  private one(n: number): void {
    const l = this.look;
    if (n === 0) this.look = { ...plain };
    else if (n === 1) l.bold = true;
    else if (n === 2) l.dim = true;
    else if (n === 3) l.italic = true;
    else if (n === 4) l.under = true;
    else if (n === 22) l.bold = l.dim = false;
    else if (n === 23) l.italic = false;
    else if (n === 24) l.under = false;
    else if (n >= 30 && n <= 37) l.colour = n - 30;
    else if (n >= 90 && n <= 97) l.colour = n - 90;
    else if (n === 39) l.colour = -1;
  }
}

/** Returns the beginning of an escape sequence at the end of text. */
function unfinished(text: string): string {
  const at = text.lastIndexOf("\x1b");
  if (at < 0 || text.length - at > 64) return "";
  const tail = text.slice(at);
  return /^\x1b(?:\[[0-9;:?]*[ -/]*|\][^\x07\x1b]*)?$/.test(tail) ? tail : "";
}

/** Returns cuts text where a carriage return sends the cursor back to the beginning of its line. */
export class Returns {
  private rest = "";

  /** Each piece but the first takes the place of the line before it. */
  split(text: string): string[] {
    text = this.rest + text;
    this.rest = text.endsWith("\r") ? "\r" : ""; // a line feed may follow
    if (this.rest) text = text.slice(0, -1);
    return text.replaceAll("\r\n", "\n").split("\r");
  }
}
