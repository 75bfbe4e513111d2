// The inside of the sandboxed frame that shows a program's HTML or Markdown. It
// has an opaque origin and no network; content comes from the page around it,
// and the content's height goes back.

interface Show {
  type: "sandpiper:show";
  kind: "html" | "markdown";
  content: string;
  theme: "light" | "dark";
}

const style = `
:root { color-scheme: THEME; }
body { display: flow-root; margin: 8px 12px; font: 14px/1.5 system-ui, sans-serif; color: light-dark(#1d2320, #e9e7e0); background: light-dark(#fffdf9, #1a1e1d); overflow-wrap: break-word; }
a { color: light-dark(#0a6761, #5cc5ba); }
pre, code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 13px; }
pre { overflow-x: auto; padding: 8px 12px; border-radius: 6px; background: light-dark(#efece4, #111413); }
h1 { font-size: 20px; } h2 { font-size: 16px; } h3, h4 { font-size: 14px; }
table { border-collapse: collapse; } th, td { padding: 4px 12px; border: 1px solid light-dark(#ddd8cb, #2e3532); text-align: left; }
blockquote { margin: 0; padding-left: 12px; border-left: 3px solid light-dark(#ddd8cb, #2e3532); }
img, svg { max-width: 100%; }
:where(body > :first-child) { margin-top: 0; }
:where(body > :last-child) { margin-bottom: 0; }
`;

window.addEventListener("message", async (e) => {
  const message = e.data as Show;
  if (e.source !== window.parent || message?.type !== "sandpiper:show") return;
  write(await html(message), message.theme === "dark" ? "dark" : "light");
  report();
});

async function html(m: Show): Promise<string> {
  if (m.kind === "html") return m.content;
  const { marked } = await import("marked");
  return marked.parse(m.content, { async: false, gfm: true });
}

/** Replaces the document, so that scripts in the content run in their order. */
function write(content: string, theme: string): void {
  document.open();
  document.write(`<!DOCTYPE html><meta charset="utf-8"><style>${style.replace("THEME", theme)}</style>${content}`);
  document.close();
}

/** Tells the page around how tall the content is, now and when that changes. */
function report(): void {
  let last = 0;
  const tell = () => {
    const body = document.body;
    const margin = body ? parseFloat(getComputedStyle(body).marginTop) + parseFloat(getComputedStyle(body).marginBottom) : 0;
    const height = Math.ceil((body?.scrollHeight ?? 0) + margin);
    if (height === last) return;
    last = height;
    window.parent.postMessage({ type: "sandpiper:height", height }, "*");
  };
  new ResizeObserver(tell).observe(document.body ?? document.documentElement);
  window.addEventListener("load", tell);
  tell();
}
