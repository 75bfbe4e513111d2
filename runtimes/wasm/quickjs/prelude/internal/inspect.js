// util.inspect: values as text, as Node writes them.

const { promiseResult } = host;
const { colors, formatNumber, formatPrimitive, layout, paint, quote, styles } = require("internal/layout");
const { constructorName, errorText, functionText, prefixOf, tagOf } = require("internal/names");
const { classOf, isArguments, isBoxed, isDate, isError, isMap, isProxy, isRegExp, isSet, promiseState, sizeOfMap, sizeOfSet, targetOf } = require("internal/kinds");
const customInspect = Symbol.for("nodejs.util.inspect.custom");
const toStringTag = Symbol.toStringTag;
const identifier = /^[a-zA-Z_][a-zA-Z_0-9]*$/;
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

// ---- Values

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
    return object(functionText(value, name, tag));
  }
  const kind = classOf(value).slice(8, -1);
  if (isError(value)) {
    const own = [...keys];
    const base = errorText(context, value, name, own);
    return { keys: own, base, braces: ["{", "}"], entries: none, emptyText: base };
  }
  switch (true) {
    case isArguments(value):
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

Object.assign(exports, { defaults, inspect });
