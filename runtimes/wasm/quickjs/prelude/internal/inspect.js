// util.inspect and util.format: values as text, laid out as Node lays them out.

const { promiseState, promiseResult, isProxy, proxyTarget } = host;
const customInspect = Symbol.for("nodejs.util.inspect.custom");
const toStringTag = Symbol.toStringTag;
const classOf = Function.prototype.call.bind(Object.prototype.toString);
const functionText = Function.prototype.call.bind(Function.prototype.toString);
const hasOwn = Object.hasOwn;
const describeProperty = Object.getOwnPropertyDescriptor;
const prototypeOf = Object.getPrototypeOf;
const TypedArray = prototypeOf(Uint8Array);

const defaults = {
  showHidden: false,
  depth: 2,
  colors: false,
  customInspect: true,
  showProxy: false,
  maxArrayLength: 100,
  maxStringLength: 10000,
  breakLength: 80,
  compact: 3,
  sorted: false,
  getters: false,
  numericSeparator: false,
};

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

// ---- Names

const identifier = /^[a-zA-Z_][a-zA-Z_0-9]*$/;

// constructorName returns the name of the class that a value is an instance of,
// or null when there is none, as with Object.create(null).
function constructorName(value) {
  for (let object = value; object !== null; object = prototypeOf(object)) {
    const property = describeProperty(object, "constructor");
    if (property !== undefined && typeof property.value === "function" && property.value.name !== "" && isInstance(value, property.value)) {
      return `${property.value.name}`;
    }
  }
  return null;
}

function isInstance(value, type) {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

function prefixOf(name, tag, fallback, size = "") {
  const label = tag !== "" && tag !== name ? `[${tag}] ` : "";
  if (name === null) {
    return tag !== "" && tag !== fallback ? `[${fallback}${size}: null prototype] [${tag}] ` : `[${fallback}${size}: null prototype] `;
  }
  return `${name}${size} ${label}`;
}

function functionBase(f, name, tag) {
  const text = functionText(f);
  if (text.startsWith("class") && (text.endsWith("}") || text.includes("[native code]"))) {
    return classBase(f, name, tag);
  }
  const kind = classOf(f).slice(8, -1);
  let type = "Function";
  if (kind === "AsyncFunction" || kind === "GeneratorFunction" || kind === "AsyncGeneratorFunction") {
    type = kind;
  }
  let base = `[${type}`;
  if (name === null) {
    base += " (null prototype)";
  }
  base += f.name === "" || typeof f.name !== "string" ? " (anonymous)]" : `: ${f.name}]`;
  if (name !== type && name !== null && name !== "Function") {
    base += ` ${name}`;
  }
  return tag !== "" && tag !== name && tag !== type ? `${base} [${tag}]` : base;
}

function classBase(f, name, tag) {
  let base = `[class ${hasOwn(f, "name") && f.name ? f.name : "(anonymous)"}`;
  if (name !== "Function" && name !== null) {
    base += ` [${name}]`;
  }
  if (tag !== "" && tag !== name) {
    base += ` [${tag}]`;
  }
  const parent = prototypeOf(f);
  if (parent === null) {
    base += " extends null";
  } else if (parent.name) {
    base += ` extends ${parent.name}`;
  }
  return `${base}]`;
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

// ---- Values

function paint(context, text, style) {
  if (!context.colors) {
    return text;
  }
  const [on, off] = colors[styles[style]];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

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

function formatValue(context, value, level) {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) {
    return formatPrimitive(context, value);
  }
  const original = value;
  if (isProxy(value)) {
    if (context.showProxy) {
      return formatProxy(context, value, level);
    }
    while (isProxy(value)) {
      value = targetOf(value);
    }
    if (value === null || value === undefined) {
      return paint(context, "<Revoked Proxy>", "special");
    }
  }
  if (context.customInspect) {
    const custom = value[customInspect];
    if (typeof custom === "function" && custom !== inspect && !(value.constructor && value.constructor.prototype === value)) {
      const depth = context.depth === null ? null : context.depth - level;
      const result = custom.call(original, depth, { ...context.options, depth, stylize: (text) => text }, inspect);
      if (result !== original) {
        return typeof result === "object"
          ? formatValue(context, result, level)
          : `${result}`.replaceAll("\n", `\n${" ".repeat(context.indentation)}`);
      }
    }
  }
  if (context.seen.includes(value)) {
    if (!context.circular.has(value)) {
      context.circular.set(value, context.circular.size + 1);
    }
    return paint(context, `[Circular *${context.circular.get(value)}]`, "special");
  }
  return formatObject(context, value, level);
}

function targetOf(proxy) {
  try {
    return proxyTarget(proxy);
  } catch {
    return null;
  }
}

function formatProxy(context, value, level) {
  const target = targetOf(value);
  if (target === null) {
    return "<Revoked Proxy>";
  }
  return `Proxy [ ${formatValue(context, target, level + 1)} ]`;
}

function keysOf(context, value, withoutIndices) {
  const isKey = (key) => context.showHidden || describeProperty(value, key)?.enumerable;
  const keys = [];
  for (const key of Reflect.ownKeys(value)) {
    if (withoutIndices && typeof key === "string" && /^(?:0|[1-9][0-9]*)$/.test(key) && Number(key) < 2 ** 32 - 1) {
      continue;
    }
    if (isKey(key)) {
      keys.push(key);
    }
  }
  return keys;
}

function tagOf(value, name) {
  let tag;
  try {
    tag = value[toStringTag];
  } catch {
    return "";
  }
  return typeof tag !== "string" || tag === name || Object.prototype.propertyIsEnumerable.call(value, toStringTag) ? "" : tag;
}

// shape says how a value is shown: its keys, braces, what stands before them, and
// what makes its entries. A shape with text only is shown as that.
function shape(context, value, level, name, tag) {
  const keys = keysOf(context, value, false);
  const none = () => [];
  if (Array.isArray(value)) {
    const prefix = name !== "Array" || tag !== "" ? prefixOf(name, tag, "Array", `(${value.length})`) : "";
    return { keys: keysOf(context, value, true), braces: [`${prefix}[`, "]"], entries: arrayEntries, isArray: true, emptyText: value.length === 0 && `${prefix}[]` };
  }
  if (value instanceof Set && isSet(value)) {
    const prefix = prefixOf(name, tag, "Set", `(${value.size})`);
    return { keys, braces: [`${prefix}{`, "}"], entries: setEntries, emptyText: value.size === 0 && `${prefix}{}` };
  }
  if (value instanceof Map && isMap(value)) {
    const prefix = prefixOf(name, tag, "Map", `(${value.size})`);
    return { keys, braces: [`${prefix}{`, "}"], entries: mapEntries, emptyText: value.size === 0 && `${prefix}{}` };
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const prefix = prefixOf(name, tag === typedName(value) ? "" : tag, typedName(value), `(${value.length})`);
    return { keys: keysOf(context, value, true), braces: [`${prefix}[`, "]"], entries: typedEntries, isArray: true, emptyText: value.length === 0 && `${prefix}[]` };
  }
  const object = (base, entries = none) => ({ keys, base, braces: ["{", "}"], entries, emptyText: base });
  const labelled = (fallback, entries, isArray) => ({ keys, braces: [`${prefixOf(name, tag, fallback)}{`, "}"], entries, isArray });
  if (typeof value === "function") {
    return object(functionBase(value, name, tag));
  }
  const kind = classOf(value).slice(8, -1);
  if (isError(value)) {
    const own = [...keys];
    const base = formatError(context, value, name, own);
    return { keys: own, base, braces: ["{", "}"], entries: none, emptyText: base };
  }
  switch (true) {
    case isArguments(value, kind):
      return { keys, braces: ["[Arguments] {", "}"], entries: none, emptyText: "[Arguments] {}" };
    case isRegExp(value):
      return { ...object(paint(context, RegExp.prototype.toString.call(value), "regexp")), whole: true };
    case isDate(value):
      return object(paint(context, Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString(), "date"));
    case value instanceof ArrayBuffer || (typeof SharedArrayBuffer === "function" && value instanceof SharedArrayBuffer):
      return labelled("ArrayBuffer", bufferEntries);
    case value instanceof DataView:
      return labelled("DataView", viewEntries);
    case promiseState(value) >= 0:
      return labelled("Promise", promiseEntries);
    case value instanceof WeakSet:
      return labelled("WeakSet", unknownItems);
    case value instanceof WeakMap:
      return labelled("WeakMap", unknownItems);
    case value instanceof WeakRef:
      return labelled("WeakRef", (c, v, l) => [formatValue(c, v.deref(), l)]);
    case kind === "Module" && name === null:
      return { keys, braces: ["[Module: null prototype] {", "}"], entries: none };
    case isBoxed(value):
      return boxed(context, value, name, tag, keys, object);
  }
  const prefix = name === "Object" && tag === "" ? "" : prefixOf(name, tag, "Object");
  return { keys, braces: [`${prefix}{`, "}"], entries: none, emptyText: `${prefix}{}` };
}

const typedName = (value) => describeProperty(TypedArray.prototype, toStringTag).get.call(value);
const sizeOfSet = describeProperty(Set.prototype, "size").get;
const sizeOfMap = describeProperty(Map.prototype, "size").get;
const works = (f) => {
  try {
    f();
    return true;
  } catch {
    return false;
  }
};
const isSet = (value) => works(() => sizeOfSet.call(value));
const isMap = (value) => works(() => sizeOfMap.call(value));
const isRegExp = (value) => value instanceof RegExp && works(() => describeProperty(RegExp.prototype, "source").get.call(value)) && value !== RegExp.prototype;
const isDate = (value) => value instanceof Date && works(() => Date.prototype.getTime.call(value));
const isArguments = (value, kind) => kind === "Arguments" && typeof value.length === "number" && !hasOwn(value, toStringTag);
const isError = (value) => (typeof Error.isError === "function" ? Error.isError(value) : value instanceof Error) || (value instanceof Error && hasOwn(value, "stack"));

function isBoxed(value) {
  for (const type of [Number, String, Boolean, BigInt, Symbol]) {
    if (value instanceof type && works(() => type.prototype.valueOf.call(value))) {
      return true;
    }
  }
  return false;
}

function boxed(context, value, name, tag, keys, object) {
  const plain = value.valueOf();
  const type = { number: "Number", string: "String", boolean: "Boolean", bigint: "BigInt", symbol: "Symbol" }[typeof plain];
  let label = `[${type}`;
  if (name !== type) {
    label += name === null ? " (null prototype)" : ` (${name})`;
  }
  const text = `${label}: ${formatPrimitive({ ...context, colors: false }, plain)}]`;
  const own = typeof plain === "string" ? keys.slice(plain.length) : keys;
  return { ...object(tag !== "" && tag !== name ? `${text} [${tag}]` : text), keys: own };
}

function formatObject(context, value, level) {
  const name = constructorName(value);
  const tag = tagOf(value, name);
  const s = shape(context, value, level, name, tag);
  const base = s.base ?? "";
  const { keys } = s;
  if (keys.length === 0 && s.emptyText) {
    return s.emptyText;
  }
  if (context.depth !== null && level > context.depth) {
    if (s.whole || isError(value)) {
      return base;
    }
    const label = prefixOf(name, tag, Array.isArray(value) ? "Array" : "Object").slice(0, -1);
    return paint(context, `[${label}]`, "special");
  }
  if (level > 500) {
    return "[Object]"; // an inspector that calls itself without end
  }
  context.seen.push(value);
  context.deepest = level;
  const output = s.entries(context, value, level + 1);
  const extra = s.isArray && context.hasMore === true;
  context.hasMore = false;
  for (const key of keys) {
    output.push(formatProperty(context, value, level + 1, key, false));
  }
  context.seen.pop();
  let start = base;
  const { braces } = s;
  if (context.circular.has(value)) {
    const reference = paint(context, `<ref *${context.circular.get(value)}>`, "special");
    start = start === "" ? reference : `${reference} ${start}`;
  }
  if (context.sorted) {
    output.sort(context.sorted === true ? undefined : context.sorted);
  }
  if (output.length === 0) {
    return `${start === "" ? "" : `${start} `}${braces[0]}${braces[1]}`;
  }
  return layout(context, output, start, braces, s.isArray === true, level, value, extra);
}

function formatProperty(context, value, level, key, isEntry) {
  const property = describeProperty(value, key) ?? { value: value[key], enumerable: true };
  let text;
  if (property.value !== undefined || (!property.get && !property.set)) {
    context.indentation += 2;
    text = formatValue(context, property.value, level);
    context.indentation -= 2;
  } else if (property.get) {
    text = formatGetter(context, value, level, property);
  } else {
    text = paint(context, property.set ? "[Setter]" : "undefined", "special");
  }
  if (isEntry) {
    return text;
  }
  let name;
  if (typeof key === "symbol") {
    name = `[${paint(context, key.toString(), "symbol")}]`;
  } else if (key === "__proto__") {
    name = "['__proto__']";
  } else if (!property.enumerable) {
    name = `[${key}]`;
  } else {
    name = identifier.test(key) ? key : paint(context, quote(key), "string");
  }
  return `${name}: ${text}`;
}

function formatGetter(context, value, level, property) {
  const label = property.set ? "Getter/Setter" : "Getter";
  if (!context.getters) {
    return paint(context, `[${label}]`, "special");
  }
  try {
    context.indentation += 2;
    return `[${label}: ${formatValue(context, property.get.call(value), level)}]`;
  } catch (error) {
    return `[${label}: <Inspection threw (${error?.message})>]`;
  } finally {
    context.indentation -= 2;
  }
}

// ---- Entries

function more(context, output, count) {
  if (count > 0) {
    context.hasMore = true;
    output.push(`... ${count} more item${count > 1 ? "s" : ""}`);
  }
  return output;
}

function arrayEntries(context, value, level) {
  const output = [];
  let i = 0;
  for (; i < value.length && output.length < context.maxArrayLength; i++) {
    if (hasOwn(value, i)) {
      output.push(formatProperty(context, value, level, i, true));
      continue;
    }
    const begin = i;
    while (i + 1 < value.length && !hasOwn(value, i + 1)) {
      i++;
    }
    const holes = i - begin + 1;
    output.push(paint(context, `<${holes} empty item${holes > 1 ? "s" : ""}>`, "undefined"));
  }
  return more(context, output, value.length - i);
}

function typedEntries(context, value, level) {
  const shown = Math.min(value.length, context.maxArrayLength);
  const output = [];
  for (let i = 0; i < shown; i++) {
    output.push(formatPrimitive(context, value[i]));
  }
  return more(context, output, value.length - shown);
}

function setEntries(context, value, level) {
  const output = [];
  context.indentation += 2;
  for (const item of Set.prototype.values.call(value)) {
    if (output.length === context.maxArrayLength) {
      break;
    }
    output.push(formatValue(context, item, level));
  }
  context.indentation -= 2;
  more(context, output, sizeOfSet.call(value) - output.length);
  return output;
}

function mapEntries(context, value, level) {
  const output = [];
  context.indentation += 2;
  for (const [key, item] of Map.prototype.entries.call(value)) {
    if (output.length === context.maxArrayLength) {
      break;
    }
    output.push(`${formatValue(context, key, level)} => ${formatValue(context, item, level)}`);
  }
  context.indentation -= 2;
  more(context, output, sizeOfMap.call(value) - output.length);
  return output;
}

function bufferEntries(context, value, level) {
  const shown = Math.min(context.maxArrayLength, value.byteLength);
  const bytes = [...new Uint8Array(value, 0, shown)].map((b) => b.toString(16).padStart(2, "0"));
  const rest = value.byteLength - shown;
  const tail = rest > 0 ? ` ... ${rest} more byte${rest > 1 ? "s" : ""}` : "";
  return [`[Uint8Contents]: <${bytes.join(" ")}${tail}>`, `byteLength: ${formatNumber(context, value.byteLength)}`];
}

function viewEntries(context, value, level) {
  context.indentation += 2;
  const output = ["byteLength", "byteOffset", "buffer"].map((key) => `${key}: ${formatValue(context, value[key], level)}`);
  context.indentation -= 2;
  return output;
}

function promiseEntries(context, value, level) {
  const state = promiseState(value);
  if (state === 0) {
    return [paint(context, "<pending>", "special")];
  }
  context.indentation += 2;
  const text = formatValue(context, promiseResult(value), level);
  context.indentation -= 2;
  return [state === 2 ? `${paint(context, "<rejected>", "special")} ${text}` : text];
}

function unknownItems(context) {
  return [paint(context, "<items unknown>", "special")];
}

// ---- Errors

function formatError(context, error, name, keys) {
  const title = error.name != null ? `${error.name}` : "Error";
  let stack = typeof error.stack === "string" && error.stack !== "" ? error.stack : Error.prototype.toString.call(error);
  for (const key of ["name", "message", "stack"]) {
    const i = keys.indexOf(key);
    if (i >= 0 && (typeof error[key] !== "string" || stack.includes(error[key]))) {
      keys.splice(i, 1);
    }
  }
  if ("cause" in error && !keys.includes("cause") && hasOwn(error, "cause")) {
    keys.push("cause");
  }
  if (Array.isArray(error.errors) && !keys.includes("errors")) {
    keys.push("errors");
  }
  stack = withClassName(stack, name, title);
  const frames = stack.indexOf("\n    at ");
  if (frames < 0) {
    stack = `[${stack}]`;
  }
  if (context.indentation > 0) {
    stack = stack.replaceAll("\n", `\n${" ".repeat(context.indentation)}`);
  }
  return stack;
}

// withClassName names the class in a stack that begins with the name of a parent.
function withClassName(stack, name, title) {
  if (name === null || !title.endsWith("Error") || !stack.startsWith(title) || title.includes(name)) {
    return stack;
  }
  const next = stack[title.length];
  if (next !== undefined && next !== ":" && next !== "\n") {
    return stack;
  }
  return name.includes(title) ? name + stack.slice(title.length) : `${name} [${title}]${stack.slice(title.length)}`;
}

// ---- The functions that others use

function newContext(options) {
  const merged = { ...defaults, ...options };
  for (const key of ["maxArrayLength", "maxStringLength", "breakLength"]) {
    if (merged[key] === null) {
      merged[key] = Infinity;
    }
  }
  if (merged.depth === Infinity) {
    merged.depth = null;
  }
  if (merged.compact === false) {
    merged.compact = 0;
  }
  return { ...merged, options: merged, indentation: 0, deepest: 0, seen: [], circular: new Map(), hasMore: false };
}

function inspect(value, options, depth, withColors) {
  if (typeof options === "boolean") {
    options = { showHidden: options, depth: depth === undefined ? defaults.depth : depth, colors: withColors === true };
  }
  return formatValue(newContext(options), value, 0);
}
inspect.custom = customInspect;
inspect.defaultOptions = defaults;
inspect.colors = colors;
inspect.styles = styles;

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

// received describes a wrong argument in an error message.
function received(value) {
  if (value === null || value === undefined) {
    return `${value}`;
  }
  if (typeof value === "function") {
    return `function ${value.name}`;
  }
  if (typeof value === "object") {
    return value.constructor?.name ? `an instance of ${value.constructor.name}` : inspect(value, { depth: -1 });
  }
  let text = inspect(value, { colors: false });
  if (text.length > 28) {
    text = `${text.slice(0, 25)}...`;
  }
  return `type ${typeof value} (${text})`;
}

Object.assign(exports, { inspect, format, received, isError, isDate, isRegExp, isMap, isSet, isBoxed, isArguments: (v) => isArguments(v, classOf(v).slice(8, -1)), promiseState, isProxy, quote });
