// console.table.

const { inspect } = require("internal/inspect");

// show writes a cell: objects with more than two properties by their class only.
function show(value) {
  const large = typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 2;
  return inspect(value, { depth: large ? -1 : 0, maxArrayLength: 3, breakLength: Infinity });
}

// widthOf is how many columns a text takes in a terminal.
function widthOf(text) {
  let width = 0;
  for (const c of text.normalize("NFC")) {
    const code = c.codePointAt(0);
    const wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) || (code >= 0x1f300 && code <= 0x1faff);
    width += wide ? 2 : code < 32 || (code >= 0x300 && code <= 0x36f) || code === 0x200b || code === 0xfe0f ? 0 : 1;
  }
  return width;
}

function render(head, columns) {
  const rows = Math.max(...columns.map((c) => c.length));
  const widths = columns.map((c, i) => Math.max(widthOf(head[i]), ...c.map((cell) => widthOf(cell ?? ""))) + 2);
  const rule = (left, middle, right) => left + widths.map((w) => "─".repeat(w)).join(middle) + right;
  const line = (cells) => `│${cells.map((cell, i) => pad(cell ?? "", widths[i])).join("│")}│`;
  const body = [];
  for (let i = 0; i < rows; i++) {
    body.push(line(columns.map((c) => c[i])));
  }
  return [rule("┌", "┬", "┐"), line(head), rule("├", "┼", "┤"), ...body, rule("└", "┴", "┘")].join("\n");
}

const pad = (text, width) => ` ${text}${" ".repeat(width - widthOf(text) - 1)}`;

// rowsOf returns the heading of the index column and [index, row] pairs.
function rowsOf(data) {
  if (data instanceof Map) {
    return ["(iteration index)", [...data].map(([key, value], i) => [i, { Key: key, Values: value }])];
  }
  if (data instanceof Set) {
    return ["(iteration index)", [...data].map((value, i) => [i, value])];
  }
  return ["(index)", Object.keys(data).map((key) => [key, data[key]])];
}

exports.table = function (data, wanted) {
  const [title, rows] = rowsOf(data);
  const isRow = (row) => row !== null && (typeof row === "object" || typeof row === "function");
  const columns = new Map();
  const plain = [];
  let anyPlain = false;
  rows.forEach(([, row], i) => {
    if (!isRow(row)) {
      plain[i] = show(row);
      anyPlain = true;
      return;
    }
    for (const key of wanted ?? Object.keys(row)) {
      if (!columns.has(key)) {
        columns.set(key, []);
      }
      if (Object.hasOwn(row, key)) {
        columns.get(key)[i] = show(row[key]);
      }
    }
  });
  const head = [title, ...columns.keys()].map(String);
  const cells = [rows.map(([key]) => `${key}`), ...columns.values()];
  if (anyPlain) {
    head.push("Values");
    cells.push(plain);
  }
  for (const column of cells) {
    column.length = rows.length;
  }
  return render(head, cells.map((column) => Array.from(column, (cell) => cell ?? "")));
};
