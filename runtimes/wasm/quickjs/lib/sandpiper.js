/**
 * Show pictures, tables and charts beside a program's output.
 *
 *     import * as sp from "sandpiper";
 *
 *     sp.line([3, 1, 4, 1, 5], { title: "Digits" });
 *     sp.bar({ tea: 12, coffee: 30 }, { ylabel: "Cups" });
 *     sp.scatter([1, 2, 3], { a: [2, 4, 3], b: [1, 1, 5] }).save("out/plot.svg");
 *     sp.hist([2.1, 2.4, 2.6, 3.9], { bins: 4 });
 *     sp.table([{ name: "Ada", born: 1815 }, { name: "Grace", born: 1906 }]);
 *     sp.html("<b>bold</b>");
 *     sp.image("photo.png");
 *
 * Charts take y values; x and y values; an array of [x, y] pairs; or, for several
 * series, an object (or a Map) of names to any of these. An object of names to
 * numbers gives one value per name. x values are numbers, dates or text. null and
 * NaN leave a gap. Options come last: title, xlabel, ylabel, and bins for hist.
 * Each call shows the chart at once and returns it; chart("line", ...) only
 * makes it.
 *
 * Everything here is plain JavaScript and draws SVG by itself. Outside Sandpiper
 * the text form of what is shown is printed instead.
 */

// ---------------------------------------------------------------- display

/**
 * Show each thing in the richest form that it has. A thing can define
 * toMimeBundle(), which returns an object of MIME types to values.
 */
export function display(...things) {
  for (const thing of things) {
    send({ "text/plain": inspect(thing), ...bundle(thing) });
    globalThis.__sandpiper_shown?.(thing);
  }
}

/** Show HTML, in a frame of its own. */
export function html(text) {
  send({ "text/html": String(text), "text/plain": String(text) });
}

/** Show an SVG picture. */
export function svg(text) {
  send({ "image/svg+xml": String(text), "text/plain": "[SVG picture]" });
}

/** Show Markdown. */
export function markdown(text) {
  send({ "text/markdown": String(text), "text/plain": String(text) });
}

/** Show a value as JSON. */
export function json(value) {
  const text = JSON.stringify(value, plain, 2) ?? "null";
  send({ "application/json": JSON.parse(text), "text/plain": text });
}

const MAGIC = [
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["\xff\xd8\xff", "image/jpeg"],
  ["GIF8", "image/gif"],
  ["BM", "image/bmp"],
];

/** Show a picture: its bytes (Uint8Array or ArrayBuffer), or the path of its file. */
export function image(source) {
  const bytes = typeof source === "string" ? builtin("fs").readFileSync(source) : new Uint8Array(source);
  const start = latin1(bytes.subarray(0, 1000));
  if (start.startsWith("RIFF") && start.slice(8, 12) === "WEBP") {
    return sendBinary("image/webp", bytes);
  }
  for (const [magic, mime] of MAGIC) {
    if (start.startsWith(magic)) {
      return sendBinary(mime, bytes);
    }
  }
  if (start.includes("<svg")) {
    return svg(new TextDecoder().decode(bytes));
  }
  throw new TypeError("image: not a PNG, JPEG, GIF, WebP, BMP or SVG picture");
}

function sendBinary(mime, bytes) {
  send({ [mime]: base64(bytes), "text/plain": `[${mime}, ${bytes.length} bytes]` });
}

function base64(bytes) {
  return btoa(latin1(bytes));
}

function latin1(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) {
    text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  }
  return text;
}

/** Return the MIME bundle of a thing, without its plain text. */
function bundle(thing) {
  if (typeof thing?.toMimeBundle !== "function") {
    return {};
  }
  const data = { ...thing.toMimeBundle() };
  for (const [mime, value] of Object.entries(data)) {
    if (value instanceof Uint8Array) {
      data[mime] = base64(value);
    }
  }
  return data;
}

/** Return one of the modules that Node.js and Sandpiper have. */
function builtin(name) {
  return globalThis.process?.getBuiltinModule?.(name);
}

function inspect(thing) {
  return typeof thing === "string" ? thing : builtin("util")?.inspect(thing) ?? String(thing);
}

/** Write a bundle to the display. */
function send(data, metadata = {}) {
  if (typeof globalThis.__sandpiper_display !== "function") {
    console.log(data["text/plain"]);
    return;
  }
  try {
    globalThis.__sandpiper_display(JSON.stringify({ data, metadata }, plain));
  } catch {
    // Over the display limits, which Sandpiper says by itself.
  }
}

/** Make JSON of what JSON does not have. */
function plain(key, value) {
  return typeof value === "bigint" ? String(value) : value;
}

// ---------------------------------------------------------------- tables

const MAX_ROWS = 1000; // that a table shows; the others are counted
const TABLE = "application/vnd.sandpiper.table+json";

/**
 * Show a table: an array of objects or of arrays, or an object of columns.
 * columns names the columns of arrays, or chooses and orders those of objects.
 */
export function table(rows, columns) {
  [columns, rows] = tabulate(rows, columns);
  const more = Math.max(0, rows.length - MAX_ROWS);
  rows = rows.slice(0, MAX_ROWS);
  const types = columns.map((_, i) => columnType(rows.map((row) => row[i])));
  const text = rows.map((row) => row.map(cellText));
  const value = {
    columns: columns.map((name, i) => ({ name, type: types[i] })),
    rows: rows.map((row) => row.map((cell, i) => cellValue(cell, types[i]))),
  };
  const note = more ? `${grouped(String(more))} more rows` : rows.length ? "" : "no rows";
  send({
    [TABLE]: value,
    "text/html": tableHTML(columns, types, text, note),
    "text/plain": tableText(columns, types, text, note),
  }, more ? { more } : {});
}

/** Bring all forms of input to names and rows of the same length. */
function tabulate(rows, columns) {
  if (isDict(rows)) {
    const lists = new Map(entries(rows));
    columns = [...(columns ?? lists.keys())];
    const cells = columns.map((name) => [...lists.get(name)]);
    const length = Math.max(0, ...cells.map((c) => c.length));
    rows = Array.from({ length }, (_, i) => cells.map((c) => c[i]));
  }
  rows = [...rows];
  if (rows.length && rows.every(isDict)) {
    const maps = rows.map((row) => new Map(entries(row)));
    columns = [...(columns ?? new Set(maps.flatMap((row) => [...row.keys()])))];
    rows = maps.map((row) => columns.map((name) => row.get(name)));
  }
  rows = rows.map((row) => (Array.isArray(row) ? row : [row]));
  columns = [...(columns ?? [])].map(String);
  const width = rows.reduce((most, row) => Math.max(most, row.length), columns.length);
  while (columns.length < width) {
    columns.push(`column ${columns.length + 1}`);
  }
  return [columns, rows.map((row) => columns.map((_, i) => row[i] ?? null))];
}

function columnType(values) {
  const kinds = new Set(values.filter((v) => v !== null).map(cellType));
  return kinds.size === 1 ? [...kinds][0] : kinds.size ? "text" : "null";
}

function cellType(value) {
  if (typeof value === "boolean" || typeof value === "number") {
    return typeof value;
  }
  return isDate(value) ? "date" : "text";
}

function cellValue(value, kind) {
  if (value === null) {
    return null;
  }
  if (kind === "number") {
    return Number.isFinite(value) ? value : null;
  }
  return kind === "boolean" ? value : cellText(value);
}

function cellText(value) {
  if (value === null) {
    return "";
  }
  if (isDate(value)) {
    return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString().replace(/(T00:00:00)?\.000Z$/, "");
  }
  return typeof value === "object" ? inspect(value) : String(value);
}

function tableText(columns, types, rows, note) {
  const length = (text) => [...text].length;
  const widths = columns.map((name, i) => rows.reduce((most, row) => Math.max(most, length(row[i])), length(name)));
  const join = (row) => row.map((cell, i) => {
    const space = " ".repeat(widths[i] - length(cell));
    return types[i] === "number" ? space + cell : cell + space;
  }).join("  ").trimEnd();
  const lines = columns.length ? [join(columns), widths.map((w) => "-".repeat(w)).join("  ")] : [];
  return [...lines, ...rows.map(join), ...(note ? [note] : [])].join("\n");
}

function tableHTML(columns, types, rows, note) {
  const align = types.map((type) => (type === "number" ? ' style="text-align:right"' : ""));
  const cells = (tag, row) => `<tr>${row.map((cell, i) => `<${tag}${align[i]}>${escape(cell)}</${tag}>`).join("")}</tr>`;
  const caption = note ? `<caption>${note}</caption>` : "";
  const body = rows.map((row) => cells("td", row)).join("");
  return `<table>${caption}<thead>${cells("th", columns)}</thead><tbody>${body}</tbody></table>`;
}

/** Report whether a value is an object or a Map of names to values. */
function isDict(value) {
  return value instanceof Map ||
    typeof value === "object" && value !== null && !isDate(value) && typeof value[Symbol.iterator] !== "function";
}

function entries(dict) {
  return dict instanceof Map ? [...dict] : Object.entries(dict);
}

// ---------------------------------------------------------------- charts

/** Show a line chart. Options: title, xlabel, ylabel. */
export const line = (...data) => chart("line", ...data).show();

/** Show a bar chart. Options: title, xlabel, ylabel. */
export const bar = (...data) => chart("bar", ...data).show();

/** Show a scatter chart. Options: title, xlabel, ylabel. */
export const scatter = (...data) => chart("scatter", ...data).show();

/** Show a histogram of values. Options: title, xlabel, ylabel, bins. */
export const hist = (...data) => chart("hist", ...data).show();

/** Make a chart without showing it: a "line", "bar", "scatter" or "hist". */
export function chart(kind, ...data) {
  const options = data.length > 1 && isOptions(data.at(-1)) ? data.pop() : {};
  return new Chart(kind, data, options);
}

const OPTIONS = ["title", "xlabel", "ylabel", "bins"];

function isOptions(value) {
  return isDict(value) && entries(value).every(([name, v]) => OPTIONS.includes(name) && typeof v !== "object");
}

/** A picture of some series. Its text as SVG is in svg. */
export class Chart {
  constructor(kind, data, { title = "", xlabel = "", ylabel = "", bins } = {}) {
    if (!Object.hasOwn(KINDS, kind)) {
      throw new TypeError(`"${kind}" is not a kind of chart: use "line", "bar", "scatter" or "hist"`);
    }
    this.kind = kind;
    this.title = String(title);
    this.xlabel = String(xlabel);
    this.ylabel = String(ylabel);
    this.series = readSeries(kind, data);
    [this.description, this.svg] = draw(this, bins);
  }

  /** Show the chart and return it. */
  show() {
    send(this.toMimeBundle());
    globalThis.__sandpiper_shown?.(this);
    return this;
  }

  /** Write the chart to an SVG file, making its folder, and return the chart. */
  save(path) {
    const fs = builtin("fs");
    const folder = path.slice(0, path.lastIndexOf("/"));
    if (path.includes("/") && folder) {
      fs.mkdirSync(folder, { recursive: true });
    }
    fs.writeFileSync(path, this.svg);
    return this;
  }

  toMimeBundle() {
    return { "image/svg+xml": this.svg, "text/plain": this.toString() };
  }

  toString() {
    return this.title ? `[${this.title}: ${this.description}]` : `[${this.description}]`;
  }
}

// The series of a chart are an array of [name, points], points an array of
// [x, y]. x stays as it was given until the axis is known; y is a number or null.

function readSeries(kind, data) {
  if (kind === "hist" && data.length !== 1) {
    throw new TypeError("hist takes values, or an object of names to values");
  }
  if (data.length < 1 || data.length > 2) {
    throw new TypeError(`${kind} takes y values, or x and y values`);
  }
  const xs = data.length === 2 ? [...data[0]] : null;
  const ys = data.at(-1);
  if (!isDict(ys)) {
    return [["", readPoints(kind, "y", xs, ys)]];
  }
  const named = entries(ys);
  if (named.length && named.every(([, v]) => isScalar(v))) {
    return [["", readPoints(kind, "y", named.map(([name]) => name), named.map(([, v]) => v))]];
  }
  return named.map(([name, values]) => [String(name), readPoints(kind, String(name), xs, values)]);
}

function isScalar(value) {
  return value === null || value === undefined || typeof value === "string" || isNumber(value);
}

function isNumber(value) {
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
}

function isDate(value) {
  return value instanceof Date;
}

function readPoints(kind, name, xs, values) {
  values = [...values];
  if (xs === null && kind !== "hist" && values.length && values.every((v) => Array.isArray(v) && v.length === 2)) {
    xs = values.map((v) => v[0]);
    values = values.map((v) => v[1]);
  }
  xs ??= values.map((_, i) => i);
  if (xs.length !== values.length) {
    throw new RangeError(`x has ${xs.length} values, ${name} has ${values.length}`);
  }
  return values.map((y, i) => [xs[i], number(y)]);
}

// Numbers beyond are gaps and zero: differences would overflow or vanish.
const LARGEST = 1e300;
const SMALLEST = 1e-300;

/** Return a value as a number, null where it cannot be drawn. */
function number(value) {
  if (value === null || value === undefined) {
    return null;
  }
  if (!isNumber(value)) {
    throw new TypeError(`${inspect(value)} is not a number`);
  }
  value = Number(value);
  if (!(Math.abs(value) <= LARGEST)) {
    return null;
  }
  return Math.abs(value) >= SMALLEST ? value : 0;
}

// Numbers are written by arithmetic that is the same in every language, so that
// the same data gives the same picture in each.

/** Return [f, e] with value = f * 10**e and 1 <= f < 10, for value > 0. */
function split(value) {
  let e = 0;
  while (value >= 10) {
    value /= 10;
    e++;
  }
  while (value < 1) {
    value *= 10;
    e--;
  }
  return [value, e];
}

/** Write the integer n times 10**e. */
function decimal(n, e) {
  if (n === 0) {
    return "0";
  }
  const digits = String(Math.abs(n));
  const short = digits.replace(/0+$/, "");
  const sign = n < 0 ? "−" : "";
  e += digits.length - short.length;
  const leading = short.length + e - 1; // the exponent of the first digit
  if (leading <= -5 || leading >= 9) {
    return `${sign}${short[0]}${short.length > 1 ? `.${short.slice(1)}` : ""}e${leading}`;
  }
  let whole = e >= 0 ? short + "0".repeat(e) : leading >= 0 ? short.slice(0, e) : "0";
  const part = e < 0 ? short.slice(e).padStart(-e, "0") : "";
  if (whole.length > 4) {
    whole = grouped(whole);
  }
  return sign + whole + (part ? `.${part}` : "");
}

function grouped(digits) {
  return digits.replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** Write a number with six significant digits. */
function text(value) {
  if (value === Math.floor(value) && Math.abs(value) < 1e9) {
    return decimal(value, 0);
  }
  const [f, e] = split(Math.abs(value));
  const n = Math.floor(f * 100000 + 0.5);
  return decimal(value > 0 ? n : -n, e - 5);
}

/** Write a coordinate with two decimals at most. */
function px(value) {
  const n = Math.floor(value * 100 + 0.5);
  const cents = String(Math.abs(n) % 100).padStart(2, "0").replace(/0+$/, "");
  return (n < 0 ? "-" : "") + Math.floor(Math.abs(n) / 100) + (cents ? `.${cents}` : "");
}

/** Estimate the width of a text in pixels: wide characters count double. */
function width(label, size) {
  let units = 0;
  for (const c of label) {
    units += c.codePointAt(0) >= 0x1100 ? 11 : 6;
  }
  return units * size / 10;
}

/** Shorten a text so that it fits. */
function fit(label, size, room) {
  if (width(label, size) <= room) {
    return label;
  }
  const characters = [...label];
  while (characters.length && width(`${characters.join("")}…`, size) > room) {
    characters.pop();
  }
  return `${characters.join("")}…`;
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Escape a text for HTML and XML, which has no place for control characters. */
function escape(label) {
  let out = "";
  for (const c of label) {
    const code = c.codePointAt(0);
    const valid = c === "\t" || c === "\n" || code >= 0x20 && code < 0xd800 || code >= 0xe000 && code < 0xfffe || code > 0xffff;
    out += valid ? ENTITIES[c] ?? c : "\ufffd";
  }
  return out;
}

// An axis has a range and ticks, [value, label]. Times are seconds since 1970,
// UTC; categories are numbered and have labels. name writes a value for people.

const axis = (low, high, ticks, name = text, labels = null) => ({ low, high, ticks, name, labels });

const least = (values) => values.reduce((a, b) => (b < a ? b : a), values[0]);
const most = (values) => values.reduce((a, b) => (b > a ? b : a), values[0]);

const nice = (f) => (f <= 1 ? 1 : f <= 2 ? 2 : f <= 5 ? 5 : 10);

/**
 * Return a step of 1, 2 or 5 times a power of ten, as mantissa and exponent, and
 * the first and last of its multiples around the range. The step is at least 1
 * if whole.
 */
function niceSteps(low, high, count, whole = false) {
  let [f, e] = split((high - low) / count);
  let m = nice(f);
  if (whole && e < 0) {
    [m, e] = [1, 0];
  }
  const step = multiple(m, e);
  return [m, e, Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
}

/** Return n * 10**e with one rounding only. */
function multiple(n, e) {
  let power = 1;
  for (let i = Math.abs(e); i > 0; i--) {
    power *= 10;
  }
  return e >= 0 ? n * power : n / power;
}

/** Return the smallest and largest value, apart from each other. */
function range(values) {
  const [low, high] = values.length ? [least(values), most(values)] : [0, 1];
  if (high - low <= Math.max(Math.abs(low), Math.abs(high)) * 1e-9) {
    const pad = Math.abs(low) / 10 || 1;
    return [low - pad, high + pad];
  }
  return [low, high];
}

/** Make an axis of numbers; widen extends it to the ticks around its range. */
function numberAxis(values, count, { widen = true, whole = false } = {}) {
  const [low, high] = range(values);
  const [m, e, first, last] = niceSteps(low, high, count, whole);
  const ticks = [];
  for (let i = first; i <= last; i++) {
    ticks.push([multiple(i * m, e), decimal(i * m, e)]);
  }
  if (widen) {
    return axis(ticks[0][0], ticks.at(-1)[0], ticks);
  }
  const slack = (high - low) * 1e-9;
  return axis(low, high, ticks.filter(([value]) => low - slack <= value && value <= high + slack));
}

/** Add values beside the range, so that no mark lies on its end. */
function air(values) {
  if (!values.length) {
    return values;
  }
  const [low, high] = [least(values), most(values)];
  const room = (high - low) * 0.03;
  return [...values, low >= 0 && low < room ? low : low - room, high + room];
}

function categoryAxis(labels) {
  const ticks = labels.map((label, i) => [i, label]);
  return axis(-0.5, Math.max(labels.length, 1) - 0.5, ticks, (i) => labels[i], labels);
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const [MINUTE, HOUR, DAY, MONTH, YEAR] = [60, 3600, 86400, 2629746, 31556952];
const STEPS = [
  1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY,
];

/** Return a date as seconds since 1970, null for an invalid one. */
function seconds(date) {
  return number(date.getTime() / 1000);
}

/** Return year, month and day of a time, and the second of the day. */
function civil(time) {
  const days = Math.floor(time / DAY);
  const date = new Date(days * DAY * 1000);
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), Math.floor(time) - days * DAY];
}

const two = (n) => String(n).padStart(2, "0");

function dateText(time) {
  const [y, m, d, s] = civil(time);
  const date = `${String(y).padStart(4, "0")}-${two(m)}-${two(d)}`;
  return s === 0 ? date : `${date} ${clock(s)}${s % 60 ? `:${two(s % 60)}` : ""}`;
}

function clock(s) {
  return `${two(Math.floor(s / HOUR))}:${two(Math.floor(s / MINUTE) % 60)}`;
}

function timeAxis(values, count) {
  const low = least(values);
  let high = most(values);
  if (high - low < 1) {
    high = low + DAY;
  }
  const step = STEPS.find((s) => (high - low) / count <= s);
  if (step === undefined) {
    return axis(low, high, monthTicks(low, high, count), dateText);
  }
  const shift = step === 7 * DAY ? 4 * DAY : 0; // weeks begin on Monday
  const ticks = [];
  for (let i = Math.ceil((low - shift) / step); i <= Math.floor((high - shift) / step); i++) {
    ticks.push([i * step + shift, timeLabel(i * step + shift, step)]);
  }
  return axis(low, high, ticks, dateText);
}

function timeLabel(time, step) {
  const [, m, d, s] = civil(time);
  if (step >= DAY || s === 0) {
    return `${MONTHS[m - 1]} ${d}`;
  }
  return step >= MINUTE ? clock(s) : `${clock(s)}:${two(s % 60)}`;
}

/** Make ticks at the beginnings of months or years. */
function monthTicks(low, high, count) {
  const span = (high - low) / count;
  let months = [1, 2, 3, 6].find((n) => span <= n * MONTH);
  if (months === undefined) {
    const [f, e] = split(Math.max(span / YEAR, 1));
    months = multiple(nice(f), e) * 12;
  }
  const [year, first] = civil(low);
  const ticks = [];
  let month = Math.ceil((year * 12 + first - 1) / months) * months;
  for (; ticks.length < 100; month += months) {
    const [y, m] = [Math.floor(month / 12), month % 12];
    const time = new Date(0).setUTCFullYear(y, m, 1) / 1000;
    if (y < 1 || y > 9999 || time > high) {
      break;
    }
    if (time >= low) {
      ticks.push([time, months >= 12 ? String(y) : `${MONTHS[m]} ${y}`]);
    }
  }
  return ticks;
}

// ---------------------------------------------------------------- drawing

const WIDTH = 640;
const HEIGHT = 360;
const LIGHT = ["#0b6aa8", "#c8500a", "#0b7a5a", "#a0478a", "#8a6500", "#3d8fb5", "#8f2d2d", "#5b6360"];
const DARK = ["#5eb3ec", "#ff9a5c", "#45c79b", "#e295cb", "#e8bd3f", "#a5dcf5", "#f0857f", "#b9c0bb"];
const KINDS = { line: "Line chart", bar: "Bar chart", scatter: "Scatter chart", hist: "Histogram" };
const NAMED_MARKS = 200; // so many marks get a name that appears under the pointer

/** Return the description and the SVG text of a chart. */
function draw({ kind, series: given, title, xlabel, ylabel }, bins) {
  const [series, x] = kind === "hist" ? countBins(given, bins) : place(given, kind);
  const ys = series.flatMap(([, points]) => known(points));
  const y = kind === "scatter"
    ? numberAxis(air(ys), 7, { widen: false })
    : numberAxis(ys.length && kind !== "line" ? [...ys, 0] : ys, 5, { whole: kind === "hist" });
  const description = describe(kind, series, x);
  const canvas = new Canvas(x, y);
  canvas.frame(title, xlabel, ylabel || (kind === "hist" ? "Count" : ""), series.length > 1 ? series : [], kind);
  if (!ys.length) {
    canvas.label((canvas.left + canvas.right) / 2, (canvas.top + canvas.bottom) / 2, "No data", "middle");
  }
  const named = series.reduce((n, [, points]) => n + points.length, 0) <= NAMED_MARKS;
  const method = { line: "line", bar: "bars", scatter: "dots", hist: "boxes" }[kind];
  series.forEach(([name, points], i) => canvas[method](i, series.length, name, points, named));
  return [description, canvas.finish(title || KINDS[kind], description, series.length)];
}

/** Return the y values that are not missing. */
function known(points) {
  return points.map(([, y]) => y).filter((y) => y !== null);
}

/** Turn the x values into numbers and make their axis. */
function place(series, kind) {
  const xs = series.flatMap(([, points]) => points.map(([x]) => x)).filter((x) => x !== null && x !== undefined);
  if (kind !== "bar" && xs.length && xs.every(isDate)) {
    const [placed, values] = convert(series, seconds);
    return values.length ? [placed, timeAxis(values, 7)] : [placed, numberAxis(values, 8)];
  }
  if (kind !== "bar" && xs.every(isNumber)) {
    const [placed, values] = convert(series, number);
    const whole = values.every((x) => x === Math.floor(x));
    return [placed, numberAxis(kind === "scatter" ? air(values) : values, 8, { widen: false, whole })];
  }
  const labels = [...new Set(xs.map(category))];
  const index = new Map(labels.map((label, i) => [label, i]));
  return [convert(series, (x) => index.get(category(x)))[0], categoryAxis(labels)];
}

/** Return the series with converted x values, without the points that have
 * none, and all the x values. */
function convert(series, to) {
  const converted = series.map(([name, points]) => [
    name,
    points.filter(([x]) => x !== null && x !== undefined).map(([x, y]) => [to(x), y]).filter(([x]) => x !== null),
  ]);
  return [converted, converted.flatMap(([, points]) => points.map(([x]) => x))];
}

/** Write an x value as a category. */
function category(x) {
  if (isDate(x)) {
    const time = seconds(x);
    return time === null ? "" : dateText(time);
  }
  if (isNumber(x)) {
    x = number(x);
    return x === null ? "" : text(x);
  }
  return String(x);
}

/** Count the values of each series in bins of equal width. The points of the
 * result are the bins: their lower edges and counts. */
function countBins(series, bins) {
  const values = series.flatMap(([, points]) => known(points));
  const [low, high] = range(values);
  const edges = [];
  if (bins !== undefined && bins !== null) {
    bins = Math.max(1, Math.min(Math.trunc(bins), 1000));
    for (let i = 0; i <= bins; i++) {
      edges.push(low + (high - low) * i / bins);
    }
  } else {
    let wanted = 1;
    while (2 ** (wanted - 1) < values.length) {
      wanted++;
    }
    const [m, e, first, last] = niceSteps(low, high, wanted);
    for (let i = first; i <= last; i++) {
      edges.push(multiple(i * m, e));
    }
  }
  const bin = (edges.at(-1) - edges[0]) / (edges.length - 1);
  const counted = series.map(([name, points]) => {
    const counts = new Array(edges.length - 1).fill(0);
    for (const y of known(points)) {
      counts[Math.max(0, Math.min(Math.floor((y - edges[0]) / bin), counts.length - 1))]++;
    }
    return [name, values.length ? counts.map((n, i) => [edges[i], n]) : []];
  });
  return [counted, { ...numberAxis([edges[0], edges.at(-1)], 8, { widen: false }), bin }];
}

/** Say in words what the chart shows. */
function describe(kind, series, x) {
  const parts = [KINDS[kind] + (series.length > 1 ? ` with ${series.length} series` : "")];
  const xs = series.flatMap(([, points]) => points.map((p) => p[0]));
  if (xs.length && x.labels) {
    parts.push(`x: ${between(x.labels[0], x.labels.at(-1))}`);
  } else if (xs.length) {
    parts.push(`x: ${between(x.name(least(xs)), x.name(most(xs) + (x.bin ?? 0)))}`);
  }
  for (const [name, points] of series.slice(0, 8)) {
    const ys = known(points);
    let found = `${ys.length} ${kind === "hist" ? "bin" : "value"}${ys.length === 1 ? "" : "s"}`;
    if (ys.length) {
      found += `, ${between(text(least(ys)), text(most(ys)))}`;
    }
    parts.push(name ? `${name}: ${found}` : found);
  }
  return parts.join(". ");
}

function between(first, last) {
  return first === last ? first : `${first} to ${last}`;
}

/** An SVG picture with a plot between left, right, top and bottom. */
class Canvas {
  constructor(x, y) {
    this.x = x;
    this.y = y;
    this.out = [];
    this.left = Math.min(20 + Math.max(0, ...y.ticks.map(([, label]) => width(label, 12))), 160);
    this.right = WIDTH - 20;
    this.top = 20;
    this.bottom = HEIGHT - 30;
  }

  atX(value) {
    return this.left + (value - this.x.low) / (this.x.high - this.x.low) * (this.right - this.left);
  }

  atY(value) {
    return this.bottom - (value - this.y.low) / (this.y.high - this.y.low) * (this.bottom - this.top);
  }

  add(element) {
    this.out.push(element);
  }

  label(x, y, label, anchor = "start", style = 'class="dim" fill="#565d57"') {
    this.add(`<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" ${style}>${escape(label)}</text>`);
  }

  /** Draw everything around the data and leave room for it. */
  frame(title, xlabel, ylabel, legend, kind) {
    if (title) {
      const style = 'class="ink" fill="#1d2320" font-size="16" font-weight="600"';
      this.label(20, 30, fit(title, 17, WIDTH - 40), "start", style);
      this.top += 26;
    }
    if (legend.length) {
      this.legend(legend, kind);
    }
    if (ylabel) {
      this.label(20, this.top + 6, fit(ylabel, 12, WIDTH - 40));
      this.top += 24;
    }
    if (xlabel) {
      this.bottom -= 20;
      this.label((this.left + this.right) / 2, HEIGHT - 12, fit(xlabel, 12, this.right - this.left), "middle");
    }
    this.grid(kind);
  }

  legend(series, kind) {
    let [x, rows, last] = [20, 0, 0];
    for (let i = 0; i < series.length; i++) {
      const name = fit(series[i][0], 12, 150);
      if (x > 20 && x + 18 + width(name, 12) > WIDTH - (rows === 2 ? 90 : 20)) {
        [x, rows] = [20, rows + 1];
      }
      if (rows === 3) {
        this.label(WIDTH - 20, last + 8, `${series.length - i} more`, "end");
        break;
      }
      const y = this.top + rows * 18;
      if (kind === "line" || kind === "scatter") {
        this.mark(i, x + 5, y + 4, 5, "");
      } else {
        this.add(`<rect class="f${i % 8}" fill="${LIGHT[i % 8]}" x="${px(x)}" y="${px(y - 1)}" width="10" height="10" rx="2"/>`);
      }
      this.label(x + 16, y + 8, name);
      x += 34 + width(name, 12);
      last = y;
    }
    this.top = last + 24;
  }

  grid(kind) {
    for (const [value, label] of this.y.ticks) {
      const y = this.atY(value);
      const zero = value === 0 || value === this.y.low && this.y.low > 0;
      const style = zero ? 'class="axis" stroke="#8b867a"' : 'class="grid" stroke="#e4dfd3"';
      this.add(`<path ${style} d="M${px(this.left)} ${px(y)}H${px(this.right)}"/>`);
      this.label(this.left - 8, y + 4, label, "end");
    }
    if (this.x.labels) {
      this.categories();
      return;
    }
    for (const [value, label] of this.x.ticks) {
      const x = this.atX(value);
      if (kind === "scatter") {
        this.add(`<path class="grid" stroke="#e4dfd3" d="M${px(x)} ${px(this.top)}V${px(this.bottom)}"/>`);
      }
      this.tick(x, label);
    }
  }

  /** Label as many categories as there is room for. */
  categories() {
    const band = (this.right - this.left) / Math.max(this.x.labels.length, 1);
    const widest = Math.min(this.x.labels.reduce((most, label) => Math.max(most, width(label, 12)), 0), 90);
    const every = Math.max(1, Math.ceil((widest + 8) / band));
    for (let i = 0; i < this.x.labels.length; i += every) {
      this.tick(this.atX(i), fit(this.x.labels[i], 12, band * every - 8));
    }
  }

  /** Write a label below the plot, inside the picture. */
  tick(x, label) {
    const room = width(label, 12) / 2 + 4;
    this.label(Math.max(room, Math.min(x, WIDTH - room)), this.bottom + 18, label, "middle");
  }

  /** Draw the mark of series i: colour and shape tell it from the others. */
  mark(i, x, y, r, title) {
    const d = [
      () => `M${px(x - r)} ${px(y)}a${px(r)} ${px(r)} 0 1 0 ${px(2 * r)} 0a${px(r)} ${px(r)} 0 1 0 ${px(-2 * r)} 0z`,
      () => `M${px(x - r)} ${px(y - r)}h${px(2 * r)}v${px(2 * r)}h${px(-2 * r)}z`,
      () => `M${px(x)} ${px(y - r * 1.25)}l${px(r * 1.25)} ${px(r * 2.25)}h${px(r * -2.5)}z`,
      () => `M${px(x)} ${px(y - r * 1.5)}l${px(r * 1.5)} ${px(r * 1.5)}l${px(r * -1.5)} ${px(r * 1.5)}l${px(r * -1.5)} ${px(r * -1.5)}z`,
    ][i % 4]();
    this.filled(i, `d="${d}"`, "path", title);
  }

  filled(i, shape, tag, title) {
    const close = title ? `><title>${escape(title)}</title></${tag}>` : "/>";
    this.add(`<${tag} class="f${i % 8}" fill="${LIGHT[i % 8]}" ${shape}${close}`);
  }

  /** Write a mark's name: its series, x and y. */
  name(series, x, y) {
    return `${series ? `${series}, ` : ""}${this.x.name(x)}: ${text(y)}`;
  }

  line(i, count, name, points, named) {
    for (const run of runs(points)) {
      const at = thin(run).map(([x, y]) => `${px(this.atX(x))} ${px(this.atY(y))}`);
      if (at.length > 1) {
        this.add(`<path class="s${i % 8}" stroke="${LIGHT[i % 8]}" fill="none" stroke-width="2" ` +
          `stroke-linejoin="round" stroke-linecap="round" d="M${at.join("L")}"/>`);
      }
      if (points.length <= 30 || at.length === 1) {
        this.dots(i, count, name, run, named, 3);
      }
    }
  }

  dots(i, count, name, points, named, radius = 4) {
    const seen = new Set();
    for (const [x, y] of points) {
      if (y === null) {
        continue;
      }
      const at = `${px(this.atX(x))} ${px(this.atY(y))}`;
      if (!seen.has(at)) {
        seen.add(at);
        this.mark(i, this.atX(x), this.atY(y), radius, named ? this.name(name, x, y) : "");
      }
    }
  }

  bars(i, count, name, points, named) {
    const band = (this.right - this.left) / Math.max(this.x.labels.length, 1);
    const wide = band * 0.8 / count;
    for (const [x, y] of points) {
      if (y !== null) {
        const left = this.atX(x) - band * 0.4 + wide * i;
        this.box(i, left, Math.max(wide - Math.min(2, wide / 4), 0.5), y, named ? this.name(name, x, y) : "");
      }
    }
  }

  boxes(i, count, name, points, named) {
    const faint = count > 1 ? 0.6 : 1;
    for (const [x, y] of points) {
      if (y) {
        const [left, right] = [this.atX(x), this.atX(x + this.x.bin)];
        const title = `${name ? `${name}, ` : ""}${text(x)} to ${text(x + this.x.bin)}: ${text(y)}`;
        this.box(i, left + 0.5, Math.max(right - left - 1, 0.5), y, named ? title : "", faint);
      }
    }
  }

  box(i, left, wide, y, title, faint = 1) {
    const [top, bottom] = [Math.min(this.atY(y), this.atY(0)), Math.max(this.atY(y), this.atY(0))];
    let shape = `x="${px(left)}" y="${px(top)}" width="${px(wide)}" height="${px(bottom - top)}"`;
    shape += wide >= 8 && bottom - top >= 4 ? ' rx="2"' : "";
    this.filled(i, shape + (faint < 1 ? ` fill-opacity="${px(faint)}"` : ""), "rect", title);
  }

  /** Return the whole picture, with the colours for dark pages. */
  finish(title, description, count) {
    let dark = ".bg{fill:#1a1e1d}.ink{fill:#e9e7e0}.dim{fill:#a6ada7}.grid{stroke:#2e3532}.axis{stroke:#747d78}";
    for (let i = 0; i < Math.min(count, 8); i++) {
      dark += `.f${i}{fill:${DARK[i]}}.s${i}{stroke:${DARK[i]}}`;
    }
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
        'role="img" font-family="system-ui,sans-serif" font-size="12">',
      `<title>${escape(title)}</title>`,
      `<desc>${escape(description)}</desc>`,
      `<style>@media (prefers-color-scheme:dark){${dark}}</style>`,
      `<rect class="bg" fill="#fffdf9" width="${WIDTH}" height="${HEIGHT}" rx="6"/>`,
      ...this.out,
      "</svg>\n",
    ].join("\n");
  }
}

/** Split points where a value is missing. */
function runs(points) {
  const found = [[]];
  for (const point of points) {
    if (point[1] === null) {
      found.push([]);
    } else {
      found.at(-1).push(point);
    }
  }
  return found.filter((run) => run.length);
}

/** Keep the shape of a line with very many points: of each group the lowest and
 * the highest, in order, beside the first and the last of all. */
function thin(points) {
  if (points.length <= 2000) {
    return points;
  }
  const size = Math.ceil(points.length / 600);
  const kept = [points[0]];
  for (let start = 1; start < points.length - 1; start += size) {
    let [low, high] = [start, start];
    for (let i = start; i < Math.min(start + size, points.length - 1); i++) {
      low = points[i][1] < points[low][1] ? i : low;
      high = points[i][1] > points[high][1] ? i : high;
    }
    kept.push(points[Math.min(low, high)], ...(low === high ? [] : [points[Math.max(low, high)]]));
  }
  return [...kept, points.at(-1)];
}

export default { display, html, svg, markdown, json, image, table, line, bar, scatter, hist, chart, Chart };
