// A kernel: cells that are run one after another in one realm. The host calls the
// functions in exports.

const state = require("internal/state");
const { inspect } = require("internal/inspect");
const timers = require("internal/timers");
const { Buffer } = require("buffer");
const { stringify } = JSON;
const { defineProperty } = Object;

const maxText = 1 << 20; // characters of a result's plain text
const cells = new Map(); // source and source map by number, for the places in errors
let shown; // what the cell has displayed last: it is not shown again as its result

// ---- What a thing looks like

const hooks = [
  ["toHTML", "text/html"],
  ["toSVG", "image/svg+xml"],
  ["toMarkdown", "text/markdown"],
];

function textOf(value) {
  const text = inspect(value);
  return text.length > maxText ? `${text.slice(0, maxText)}… (${text.length - maxText} more characters)` : text;
}

// bundle returns a value's MIME types.
function bundle(value) {
  const data = { "text/plain": textOf(value) };
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    return data;
  }
  for (const [hook, mime] of hooks) {
    if (typeof value[hook] === "function") {
      const text = value[hook]();
      if (typeof text === "string") {
        data[mime] = text;
      }
    }
  }
  for (const hook of ["toMimeBundle", Symbol.for("Jupyter.display")]) {
    if (typeof value[hook] === "function") {
      Object.assign(data, value[hook]());
    }
  }
  for (const mime of Object.keys(data)) {
    if (data[mime] instanceof Uint8Array) {
      data[mime] = Buffer.from(data[mime]).toString("base64");
    }
  }
  return data;
}

const line = (data) => stringify({ data, metadata: {} }, (key, value) => (typeof value === "bigint" ? `${value}` : value));

function display(...things) {
  for (const thing of things) {
    shown = thing;
    const data = bundle(thing);
    host.display(line(typeof thing === "string" ? { ...data, "text/plain": thing } : data));
  }
}

// ---- The life of a kernel

// open is called once.
exports.open = function () {
  const global = (name, value) => defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  global("require", require("internal/modules").requireFor("/cell"));
  global("display", display);
  defineProperty(globalThis, "__sandpiper_shown", { value: (thing) => (shown = thing) });
  defineProperty(globalThis, "__sandpiper_names", { value: checkNames });
  let last;
  defineProperty(globalThis, "_", {
    get: () => last,
    set: (value) => global("_", value),
    enumerable: false,
    configurable: true,
  });
  state.setLast = (value) => {
    if (Object.getOwnPropertyDescriptor(globalThis, "_")?.get !== undefined) {
      last = value;
    }
  };
};

// checkNames refuses an import of what a module does not have.
function checkNames(module, specifier, names) {
  for (const name of names) {
    if (!(name in module)) {
      throw new SyntaxError(`Could not find export '${name}' in module '${specifier}'`);
    }
  }
  return module;
}

// begin starts a cell and returns its number.
exports.begin = function (source, map) {
  const number = cells.size + 1;
  cells.set(number, { source, map });
  shown = undefined;
  state.exiting = false;
  state.exitCode = undefined;
  state.restartStdin?.();
  return number;
};

// end forgets what a cell that did not end well still had to do.
exports.end = function () {
  timers.clearAll();
  state.dropTicks();
  state.dropRejections();
};

// cellOf returns a cell's source and source map.
exports.cellOf = (number) => stringify(cells.get(number) ?? null);

// result returns the bundle for what a cell's script came to, as JSON.
exports.result = function ({ value }) {
  if (value === undefined) {
    return undefined;
  }
  state.setLast(value);
  return value === shown && typeof value === "object" ? undefined : line(bundle(value));
};

// describe returns an error's name, its message and its text, as JSON.
exports.describe = function (error, text) {
  let name = typeof error;
  let message = text;
  try {
    if (error instanceof Error) {
      name = `${error.name}`;
      message = `${error.message}`;
    }
  } catch {
    name = "Error";
  }
  return stringify({ name, message });
};
