// Text cells. marked reads the Markdown into tokens; the elements are made here,
// one kind of token at a time, so that nothing in a notebook can become markup
// of the page: HTML is shown as text, pictures from elsewhere are links.

import { type Token, type Tokens } from "marked";
import { el } from "../dom";

const deepest = 24;

/** Makes elements of Markdown. attachments are pictures that the cell holds itself. */
export async function markdownView(text: string, attachments?: Record<string, unknown>): Promise<DocumentFragment> {
  const { lexer } = await import("marked");
  const out = document.createDocumentFragment();
  out.append(...new Writer(attachments).all(lexer(text, { gfm: true }), 0));
  return out;
}

class Writer {
  constructor(private readonly attachments?: Record<string, unknown>) {}

  all(tokens: Token[] | undefined, depth: number): (Node | string)[] {
    if (depth > deepest) return ["…"];
    return (tokens ?? []).flatMap((t) => this.one(t, depth + 1));
  }

  private one(token: Token, depth: number): (Node | string)[] {
    const inner = () => this.all((token as Tokens.Generic).tokens, depth);
    switch (token.type) {
      case "space":
      case "def":
        return [];
      case "heading":
        return [el(heading(token.depth), {}, ...inner())];
      case "paragraph":
        return [el("p", {}, ...inner())];
      case "blockquote":
        return [el("blockquote", {}, ...inner())];
      case "hr":
        return [el("hr")];
      case "code":
        return [el("pre", { tabindex: 0 }, el("code", {}, token.text))];
      case "list":
        return [this.list(token as Tokens.List, depth)];
      case "table":
        return [this.table(token as Tokens.Table, depth)];
      case "strong":
      case "em":
      case "del":
        return [el(token.type, {}, ...inner())];
      case "codespan":
        return [el("code", {}, token.text)];
      case "br":
        return [el("br")];
      case "checkbox":
        return [el("input", { type: "checkbox", disabled: true, checked: token.checked === true, "aria-label": token.checked ? "done" : "to do" })];
      case "link":
        return [link(token.href, inner())];
      case "image":
        return [this.picture(token as Tokens.Image)];
      case "escape":
        return [token.text];
      case "text":
        return "tokens" in token && token.tokens ? inner() : [characters(token.text)];
      default:
        return [token.raw]; // HTML among them, as the text that it is
    }
  }

  private list(t: Tokens.List, depth: number): HTMLElement {
    const items = t.items.map((item) => el("li", { class: item.task ? "task" : undefined }, ...this.all(item.tokens, depth)));
    return t.ordered ? el("ol", { start: t.start === "" || t.start === 1 ? undefined : t.start }, ...items) : el("ul", {}, ...items);
  }

  private table(t: Tokens.Table, depth: number): HTMLElement {
    const cell = (tag: "th" | "td") => (c: Tokens.TableCell) => el(tag, { scope: tag === "th" ? "col" : undefined, class: c.align === "right" ? "num" : undefined }, ...this.all(c.tokens, depth));
    const rows = t.rows.map((row) => el("tr", {}, ...row.map(cell("td"))));
    return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table" }, el("table", {}, el("thead", {}, el("tr", {}, ...t.header.map(cell("th")))), el("tbody", {}, ...rows)));
  }

  private picture(t: Tokens.Image): Node {
    const src = this.source(t.href);
    if (src) return el("img", { src, alt: t.text || "Picture" });
    return link(t.href, [`Picture${t.text ? `: ${t.text}` : ""} (not loaded)`]);
  }

  /** The picture's data when the notebook has it itself. */
  private source(href: string): string | undefined {
    if (/^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+$/.test(href)) return href;
    const held = href.startsWith("attachment:") ? this.attachments?.[decode(href.slice(11))] : undefined;
    for (const [type, data] of Object.entries((held as Record<string, unknown>) ?? {})) {
      if (/^image\/(png|jpeg|gif|webp)$/.test(type) && typeof data === "string" && /^[A-Za-z0-9+/=\s]+$/.test(data)) return `data:${type};base64,${data}`;
    }
    return undefined;
  }
}

/** The page has a heading of the first level, so a cell's begin with the second. */
function heading(depth: number): "h2" | "h3" | "h4" | "h5" | "h6" {
  return (["h2", "h3", "h4", "h5", "h6"] as const)[Math.min(Math.max(depth, 1), 5) - 1];
}

/** A link to the web or by mail; others are their text alone. */
function link(href: string, children: (Node | string)[]): Node {
  const url = href.startsWith("#") ? undefined : parsed(href);
  if (!url || !["http:", "https:", "mailto:"].includes(url.protocol)) return el("span", {}, ...children);
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, ...children);
}

/** Text with its character references read: "&amp;" is "&". */
function characters(text: string): string {
  return text.replace(/&(#\d{1,7}|#x[\da-f]{1,6}|\w{1,31});/gi, (ref) => new DOMParser().parseFromString(ref, "text/html").documentElement.textContent || ref);
}

function parsed(href: string): URL | undefined {
  return URL.canParse(href) ? new URL(href) : undefined;
}

function decode(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s;
  }
}
