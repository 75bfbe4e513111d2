// How inspect lays out text: quoted strings, colours, entries on one line, in
// columns or one below the other.

const { hasOwn } = Object;

const styles = {
  special: "cyan", number: "yellow", bigint: "yellow", boolean: "yellow", undefined: "grey", null: "bold",
  string: "green", symbol: "green", date: "magenta", regexp: "red", module: "underline",
};
const colors = {
  bold: [1, 22], underline: [4, 24], cyan: [36, 39], yellow: [33, 39], grey: [90, 39], green: [32, 39],
  magenta: [35, 39], red: [31, 39],
};
const escapeSequences = /\x1b\[\d+m/g;

// ---- Strings

const escapes = { "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\\": "\\\\" };
const special = /[\x00-\x1f\x7f-\x9f\\]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function escapeCharacter(c) {
  if (hasOwn(escapes, c)) {
    return escapes[c];
  }
  const code = c.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).toUpperCase().padStart(2, "0")}` : `\\u${code.toString(16).toUpperCase()}`;
}

function quote(text) {
  let mark = "'";
  if (text.includes("'")) {
    if (!text.includes('"')) {
      mark = '"';
    } else if (!text.includes("`") && !text.includes("${")) {
      mark = "`";
    }
  }
  let escaped = text.replace(special, escapeCharacter);
  if (mark === "'") {
    escaped = escaped.replaceAll("'", "\\'");
  }
  return mark + escaped + mark;
}

// ---- Colours

function paint(context, text, style) {
  if (!context.colors) {
    return text;
  }
  const [on, off] = colors[styles[style]];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

// ---- Layout

const length = (text, context) => (context.colors ? text.replace(escapeSequences, "").length : text.length);

// columns sets the entries of a long array in columns, if they are short and
// alike enough for that to look well.
function columns(context, output, value, extra) {
  const count = extra ? output.length - 1 : output.length;
  const gap = 2;
  const lengths = [];
  let total = 0;
  let longest = 0;
  for (let i = 0; i < count; i++) {
    const n = length(output[i], context);
    lengths.push(n);
    total += n + gap;
    longest = Math.max(longest, n);
  }
  const cell = longest + gap;
  if (cell * 3 + context.indentation >= context.breakLength || (total / cell <= 5 && longest > 6)) {
    return output;
  }
  const bias = Math.max(cell - 3 - Math.sqrt(cell - total / output.length), 1); // uneven cells want more columns
  const wanted = Math.min(
    Math.round(Math.sqrt(2.5 * bias * count) / bias),
    Math.floor((context.breakLength - context.indentation) / cell),
    context.compact * 4,
    15,
  );
  return wanted <= 1 ? output : rows(output, value, lengths, wanted, count, gap);
}

function rows(output, value, lengths, wanted, count, gap) {
  const widths = [];
  for (let i = 0; i < wanted; i++) {
    let width = 0;
    for (let j = i; j < count; j += wanted) {
      width = Math.max(width, lengths[j]);
    }
    widths.push(width + gap);
  }
  let numbers = value !== undefined;
  for (let i = 0; numbers && i < count; i++) {
    numbers = typeof value[i] === "number" || typeof value[i] === "bigint";
  }
  const lines = [];
  for (let i = 0; i < count; i += wanted) {
    const end = Math.min(i + wanted, count);
    let line = "";
    for (let j = i; j < end; j++) {
      const last = j === end - 1;
      const cell = last ? output[j] : `${output[j]}, `;
      const space = " ".repeat(Math.max(0, widths[j - i] - lengths[j] - gap));
      line += numbers ? space + cell : last ? cell : cell + space;
    }
    lines.push(line);
  }
  if (count < output.length) {
    lines.push(output[count]);
  }
  return lines;
}

function fits(context, output, start, base) {
  let total = output.length + start;
  if (total + output.length > context.breakLength) {
    return false;
  }
  for (const entry of output) {
    total += length(entry, context);
    if (total > context.breakLength) {
      return false;
    }
  }
  return base === "" || !base.includes("\n");
}

// layout joins the entries of an object: on one line if they fit and the object
// is not nested too deeply for that, else one below the other.
function layout(context, output, base, braces, isArray, level, value, extra) {
  const head = base ? `${base} ` : "";
  if (context.compact === true) {
    return `${head}${braces[0]} ${output.join(", ")} ${braces[1]}`;
  }
  if (context.compact >= 1) {
    const entries = output.length;
    if (isArray && entries > 6) {
      output = columns(context, output, value, extra);
    }
    if (context.deepest - level < context.compact && entries === output.length) {
      const start = output.length + context.indentation + braces[0].length + base.length + 10;
      if (fits(context, output, start, base)) {
        const line = output.join(", ");
        if (!line.includes("\n")) {
          return `${head}${braces[0]} ${line} ${braces[1]}`;
        }
      }
    }
  }
  const margin = `\n${" ".repeat(context.indentation)}`;
  return `${head}${braces[0]}${margin}  ${output.join(`,${margin}  `)}${margin}${braces[1]}`;
}

// ---- Primitive values

function formatString(context, text) {
  let rest = "";
  if (text.length > context.maxStringLength) {
    const more = text.length - context.maxStringLength;
    text = text.slice(0, context.maxStringLength);
    rest = `... ${more} more character${more > 1 ? "s" : ""}`;
  }
  if (context.compact !== true && text.length > 16 && text.length > context.breakLength - context.indentation - 4 && text.includes("\n")) {
    const lines = text.match(/[^\n]*\n|[^\n]+$/g);
    return lines.map((line) => paint(context, quote(line), "string")).join(` +\n${" ".repeat(context.indentation + 2)}`) + rest;
  }
  return paint(context, quote(text), "string") + rest;
}

function formatNumber(context, n) {
  return paint(context, Object.is(n, -0) ? "-0" : `${n}`, "number");
}

function formatPrimitive(context, value) {
  switch (typeof value) {
    case "string":
      return formatString(context, value);
    case "number":
      return formatNumber(context, value);
    case "bigint":
      return paint(context, `${value}n`, "bigint");
    case "boolean":
      return paint(context, `${value}`, "boolean");
    case "undefined":
      return paint(context, "undefined", "undefined");
    case "symbol":
      return paint(context, value.toString(), "symbol");
  }
  return paint(context, "null", "null");
}

Object.assign(exports, { colors, formatNumber, formatPrimitive, layout, paint, quote, styles });
