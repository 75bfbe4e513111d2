// util.format.

const { defaults, inspect } = require("internal/inspect");
const { formatNumber } = require("internal/layout");
const { isDate, isError, isProxy } = require("internal/kinds");
const functionText = Function.prototype.call.bind(Function.prototype.toString);

// hasOwnText reports whether a program says how a value becomes a string.
function hasOwnText(value) {
  if (typeof value.toString !== "function" || isProxy(value)) {
    return false;
  }
  return isError(value) || isDate(value) || !/\{\s*\[native code\]\s*\}$/.test(functionText(value.toString));
}

function formatS(value) {
  switch (typeof value) {
    case "bigint":
      return `${value}n`;
    case "number":
      return Object.is(value, -0) ? "-0" : `${value}`;
    case "symbol":
      return value.toString();
    case "object":
      if (value !== null && !hasOwnText(value)) {
        return inspect(value, { depth: 0, colors: false, compact: 3 });
      }
      return value === null ? "null" : String(value);
  }
  return String(value);
}

function formatD(value) {
  if (typeof value === "bigint") {
    return `${value}n`;
  }
  return typeof value === "symbol" ? "NaN" : formatNumber(defaults, Number(value));
}

const directives = {
  s: formatS,
  d: formatD,
  i: (v) => (typeof v === "bigint" ? `${v}n` : typeof v === "symbol" ? "NaN" : formatNumber(defaults, parseInt(v))),
  f: (v) => (typeof v === "symbol" ? "NaN" : formatNumber(defaults, parseFloat(v))),
  j: (v) => json(v),
  o: (v) => inspect(v, { showHidden: true, showProxy: true, depth: 4 }),
  O: (v) => inspect(v),
  c: () => "",
};

function json(value) {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (/circular/.test(error?.message)) {
      return "[Circular]";
    }
    throw error;
  }
}

function format(...args) {
  let text = "";
  let used = 0;
  if (typeof args[0] === "string") {
    used = 1;
    text = args.length === 1 ? args[0] : args[0].replace(/%[sdifjoOc%]/g, (directive) => {
      if (directive === "%%") {
        return "%";
      }
      return used < args.length ? directives[directive[1]](args[used++]) : directive;
    });
  }
  for (let i = used; i < args.length; i++) {
    text += (i > 0 ? " " : "") + (typeof args[i] === "string" ? args[i] : inspect(args[i]));
  }
  return text;
}

exports.format = format;
