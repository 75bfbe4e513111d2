// Tables that sort by a click and copy as CSV.

import { copyText, el } from "./dom";

export const tableType = "application/vnd.sandpiper.table+json";

interface Column {
  name: string;
  type?: string;
}

interface Data {
  columns: Column[];
  rows: unknown[][];
}

/** Reads a table; undefined when v is not one. */
export function tableData(v: unknown): Data | undefined {
  const data = v as Data;
  if (!Array.isArray(data?.columns) || !Array.isArray(data.rows)) return undefined;
  const columns = data.columns.map((c) => (typeof c === "string" ? { name: c } : { name: String(c?.name ?? ""), type: c?.type }));
  return { columns, rows: data.rows.filter(Array.isArray) };
}

/** Shows a table. */
export function tableView(data: Data): HTMLElement {
  const body = el("tbody");
  const numeric = data.columns.map((_, i) => isNumeric(data.rows, i));
  fill(body, data.rows, numeric);
  const heads = data.columns.map((c, i) => {
    const sort = el("button", { type: "button", title: `Sort by ${c.name}` }, c.name);
    const head = el("th", { scope: "col", class: numeric[i] ? "num" : undefined, "aria-sort": "none" }, sort);
    sort.addEventListener("click", () => sortBy(data, i, head, body, numeric));
    return head;
  });
  const copy = el("button", { type: "button", class: "btn quiet small" }, "Copy as CSV");
  copy.addEventListener("click", () => copyText(csv(data), copy));
  const count = `${data.rows.length.toLocaleString("en")} ${data.rows.length === 1 ? "row" : "rows"}`;
  return el(
    "div",
    { class: "sheet" },
    el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Table, ${count}` }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), body)),
    el("div", { class: "line" }, el("span", { class: "quiet-text" }, count), copy),
  );
}

function fill(body: HTMLElement, rows: unknown[][], numeric: boolean[]): void {
  body.replaceChildren(...rows.map((row) => el("tr", {}, ...numeric.map((num, i) => cell(row[i], num)))));
}

function cell(v: unknown, numeric: boolean): HTMLElement {
  if (v === null || v === undefined) return el("td", { class: "null" }, "NULL");
  return el("td", { class: numeric ? "num" : undefined }, text(v));
}

function text(v: unknown): string {
  return typeof v === "object" ? JSON.stringify(v) : String(v);
}

function isNumeric(rows: unknown[][], i: number): boolean {
  const values = rows.map((r) => r[i]).filter((v) => v !== null && v !== undefined);
  return values.length > 0 && values.every((v) => typeof v === "number" || typeof v === "bigint");
}

/** Sorts the rows up, then down, then as they came. */
function sortBy(data: Data, i: number, head: HTMLElement, body: HTMLElement, numeric: boolean[]): void {
  const was = head.getAttribute("aria-sort");
  const now = was === "none" ? "ascending" : was === "ascending" ? "descending" : "none";
  for (const other of head.parentElement!.children) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", now);
  const sign = now === "descending" ? -1 : 1;
  fill(body, now === "none" ? data.rows : [...data.rows].sort((a, b) => sign * compare(a[i], b[i])), numeric);
}

function compare(a: unknown, b: unknown): number {
  if (a === null || a === undefined) return b === null || b === undefined ? 0 : -1;
  if (b === null || b === undefined) return 1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return text(a).localeCompare(text(b), undefined, { numeric: true });
}

function csv(data: Data): string {
  const line = (values: unknown[]) => values.map((v) => (v === null || v === undefined ? "" : quote(text(v)))).join(",");
  return [line(data.columns.map((c) => c.name)), ...data.rows.map(line)].join("\r\n") + "\r\n";
}

function quote(s: string): string {
  return /[",\r\n]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s;
}
