// The console. Lines of plain strings do not load the formatter.

const { write } = host;
const counts = new Map();
const started = new Map();
let indent = "";

const inspect = (...args) => require("internal/inspect").inspect(...args);

function text(args) {
  if (args.length === 1 && typeof args[0] === "string") {
    return args[0];
  }
  return require("internal/format").format(...args);
}

function print(stream, line) {
  if (indent !== "") {
    line = indent + line.replaceAll("\n", "\n" + indent);
  }
  write(stream, line + "\n");
}

const out = (...args) => print(1, text(args));
const err = (...args) => print(2, text(args));

function elapsed(label) {
  const begin = started.get(label);
  if (begin === undefined) {
    print(2, `Warning: No such label '${label}' for console.time()`);
    return undefined;
  }
  return duration(performance.now() - begin);
}

function duration(ms) {
  if (ms >= 3600000) {
    return `${(ms / 3600000).toFixed(3)}h`;
  }
  if (ms >= 60000) {
    return `${Math.floor(ms / 60000)}:${((ms % 60000) / 1000).toFixed(3).padStart(6, "0")} (m:ss.mmm)`;
  }
  return ms >= 1000 ? `${(ms / 1000).toFixed(3)}s` : `${Number(ms.toFixed(3))}ms`;
}

const console = {
  log(...args) {
    out(...args);
  },
  info(...args) {
    out(...args);
  },
  debug(...args) {
    out(...args);
  },
  warn(...args) {
    err(...args);
  },
  error(...args) {
    err(...args);
  },
  dir(value, options) {
    print(1, inspect(value, { customInspect: false, ...options }));
  },
  dirxml(...args) {
    out(...args);
  },
  trace(...args) {
    const stack = new Error().stack;
    const at = stack.indexOf("\n    at ");
    const message = args.length > 0 ? `Trace: ${text(args)}` : "Trace";
    print(2, message + (at < 0 ? "" : stack.slice(at)));
  },
  assert(condition, ...args) {
    if (condition) {
      return;
    }
    if (typeof args[0] === "string") {
      args[0] = `Assertion failed: ${args[0]}`;
    } else {
      args.unshift("Assertion failed");
    }
    err(...args);
  },
  group(...args) {
    if (args.length > 0) {
      out(...args);
    }
    indent += "  ";
  },
  groupCollapsed(...args) {
    console.group(...args);
  },
  groupEnd() {
    indent = indent.slice(2);
  },
  count(label = "default") {
    label = `${label}`;
    const n = (counts.get(label) ?? 0) + 1;
    counts.set(label, n);
    print(1, `${label}: ${n}`);
  },
  countReset(label = "default") {
    if (!counts.delete(`${label}`)) {
      print(2, `Warning: Count for '${label}' does not exist`);
    }
  },
  time(label = "default") {
    label = `${label}`;
    if (started.has(label)) {
      print(2, `Warning: Label '${label}' already exists for console.time()`);
      return;
    }
    started.set(label, performance.now());
  },
  timeLog(label = "default", ...args) {
    const t = elapsed(`${label}`);
    if (t !== undefined) {
      print(1, `${label}: ${t}${args.length > 0 ? ` ${text(args)}` : ""}`);
    }
  },
  timeEnd(label = "default") {
    const t = elapsed(`${label}`);
    if (t !== undefined) {
      started.delete(`${label}`);
      print(1, `${label}: ${t}`);
    }
  },
  table(data, columns) {
    if (data === null || typeof data !== "object") {
      out(data);
      return;
    }
    print(1, require("internal/table").table(data, columns));
  },
  clear() {},
};
Object.defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
exports.console = console;
