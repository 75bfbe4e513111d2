// Figures with their units.

import type { Result } from "./wire";

export function milliseconds(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  for (const unit of ["kB", "MB", "GB"]) {
    n /= 1000;
    if (n < 999.5 || unit === "GB") return `${n < 9.95 ? n.toFixed(1) : Math.round(n)} ${unit}`;
  }
  return "";
}

const engines: Record<string, string> = { wasm: "WebAssembly", container: "Container" };

/** "WebAssembly · standard library only" */
export function place(r: { engine: string; reason: string }): string {
  return [engines[r.engine] ?? r.engine, r.reason].filter(Boolean).join(" · ");
}

/** How a run ended, in words and as the class of its state. */
export function ending(r: Result): { summary: string; state: string } {
  switch (r.status) {
    case "ok":
      return { summary: "Finished, exit 0", state: "ok" };
    case "error":
      return { summary: r.signal ? `Ended by ${r.signal}, exit ${r.exit_code}` : `Failed, exit ${r.exit_code}`, state: "error" };
    case "cancelled":
      return { summary: said(r) || "Stopped", state: "stopped" };
    case "internal":
      return { summary: said(r) || "The server failed", state: "error" };
    default:
      return { summary: said(r) || `Stopped: ${r.status.replace("_", " ")}`, state: "error" };
  }
}

/** The server's own words for an early end; they carry the limit. */
function said(r: Result): string {
  return r.message.replace(/\.$/, "");
}

/** "42 ms · 9.4 MB" */
export function figures(r: Result): string {
  const parts = [milliseconds(r.wall_ms)];
  if (r.memory_bytes > 0) parts.push(bytes(r.memory_bytes));
  return parts.join(" · ");
}
