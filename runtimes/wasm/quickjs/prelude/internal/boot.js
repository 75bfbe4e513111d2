// The first part of the prelude: it sets up the globals and gives the host the
// functions that it calls. `host` has the host's operations, `stackHook` is a
// host function that calls prepareStack with stack to spare, `parts` has the
// functions of all other parts.
//
// All of this runs once, while the image is made that programs go on from. What
// differs from run to run comes with configure.

const { apply, ownKeys } = Reflect;
const { defineProperty } = Object;
const uncurry = (f) => (self, ...args) => apply(f, self, args);

// Programs may change the prototypes; what the event loop needs is kept here.
const mapSet = uncurry(Map.prototype.set);
const mapDelete = uncurry(Map.prototype.delete);
const mapEntries = uncurry(Map.prototype.entries);
const mapNext = uncurry(Object.getPrototypeOf(new Map().entries()).next);
const { stringify, parse } = JSON;
const NativeError = Error;

// state is shared by all parts.
const state = { __proto__: null, settings: { argv: [], env: {}, cwd: "/", main: "" }, timeOrigin: 0, exitCode: undefined, exiting: false, process: null, configureProcess: null, takeTicks: null };

// configure is called when a program is about to begin.
function configure(settings, now) {
  state.settings = parse(settings);
  state.timeOrigin = now;
  state.configureProcess(state.settings);
}

// Each part runs once, when it is first asked for.
Object.setPrototypeOf(parts, null);
const loaded = { __proto__: null, "internal/state": { exports: state } };

function part(name) {
  let module = loaded[name];
  if (module === undefined) {
    module = loaded[name] = { exports: {} };
    apply(parts[name], undefined, [module.exports, part, module, host]);
  }
  return module.exports;
}

// ---- Errors

const isInternal = (file) => file.length > 14 && file.slice(0, 14) === "node:internal/";

// framesText writes call sites as Node does. Frames of the prelude's internals
// are left out, and with them the native ones that led there.
function framesText(sites) {
  let text = "";
  let natives = "";
  for (let i = 0; i < sites.length; i++) {
    const site = sites[i];
    const name = site.getFunctionName();
    if (site.isNative()) {
      natives += `\n    at ${name || "<anonymous>"} (native)`;
      continue;
    }
    const file = site.getFileName();
    if (!file || (file === "<input>" && !name) || isInternal(file)) {
      natives = "";
      continue;
    }
    const where = host.locate(file, site.getLineNumber(), site.getColumnNumber());
    text += natives + (name && name !== "<eval>" && name !== "<anonymous>" ? `\n    at ${name} (${where})` : `\n    at ${where}`);
    natives = "";
  }
  return text;
}

function headerText(error) {
  try {
    const { name, message, code } = error;
    const title = name === undefined ? "Error" : `${name}`;
    const label = typeof code === "string" && code.slice(0, 4) === "ERR_" ? `${title} [${code}]` : title;
    const text = message === undefined ? "" : `${message}`;
    return text === "" ? label : label === "" ? text : `${label}: ${text}`;
  } catch {
    return "Error";
  }
}

// prepareStack makes what the engine keeps as an error's stack: the frames. The
// getter below puts the error's name and message in front when it is read, so
// that a name which a constructor sets after super() is there.
function prepareStack(error, sites) {
  const custom = NativeError.prepareStackTrace;
  if (typeof custom === "function") {
    return custom(error, sites);
  }
  return framesText(sites);
}

const isFrames = (stack) => typeof stack === "string" && (stack === "" || stack.slice(0, 8) === "\n    at ");

NativeError.prepareStackTrace = stackHook;
defineProperty(NativeError, "prepareStackTrace", { value: undefined, writable: true, configurable: true });

const engineStack = Object.getOwnPropertyDescriptor(NativeError.prototype, "stack").get;
const setOwnStack = (error, value) => defineProperty(error, "stack", { value, writable: true, enumerable: false, configurable: true });

defineProperty(NativeError.prototype, "stack", {
  get() {
    const stack = apply(engineStack, this, []);
    return isFrames(stack) || stack === null ? headerText(this) + (stack ?? "") : stack;
  },
  set(value) {
    setOwnStack(this, value);
  },
  enumerable: false,
  configurable: true,
});

const { captureStackTrace } = NativeError;
NativeError.captureStackTrace = function (error, upTo) {
  captureStackTrace(error, upTo);
  const frames = error.stack;
  if (isFrames(frames)) {
    defineProperty(error, "stack", {
      get() {
        return headerText(this) + frames;
      },
      set(value) {
        setOwnStack(this, value);
      },
      enumerable: false,
      configurable: true,
    });
  }
};

// makeError makes an error for the host. `where` is a place to add to its stack.
function makeError(code, type, message, where) {
  const error = new globalThis[type](message);
  error.code = code;
  if (where) {
    setOwnStack(error, `${headerText(error)}\n    at ${where}`);
  }
  return error;
}

// fail says what to print of an error that nobody caught, or true when the
// program has handled it.
let inPromise = false;

function fail(error) {
  const label = inPromise ? "Uncaught (in promise) " : "Uncaught ";
  const origin = inPromise ? "unhandledRejection" : "uncaughtException";
  inPromise = false;
  try {
    const { process } = state;
    if (!state.exiting && process !== null && process.listenerCount("uncaughtException") > 0) {
      process.emit("uncaughtException", error, origin);
      return true;
    }
  } catch (next) {
    error = next;
  }
  return label + withoutBrackets(error, describe(error));
}

// withoutBrackets removes what marks an error without a stack inside other values.
function withoutBrackets(error, text) {
  if (text[0] !== "[") {
    return text;
  }
  const header = headerText(error);
  return text.slice(1, header.length + 2) === `${header}]` ? header + text.slice(header.length + 2) : text;
}

function describe(value) {
  try {
    return part("internal/inspect").inspect(value);
  } catch {
    try {
      return typeof value === "object" && value !== null ? headerText(value) : `${value}`;
    } catch {
      return "an error that cannot be shown";
    }
  }
}

// ---- Promises that were rejected and have no handler

const rejected = new Map();

function rejection(promise, reason, handled) {
  if (handled) {
    mapDelete(rejected, promise);
  } else {
    mapSet(rejected, promise, reason);
  }
}

// unhandled looks at one such promise: it throws its reason unless the program
// listens for unhandledRejection. It returns false when there is none.
function unhandled() {
  const first = mapNext(mapEntries(rejected));
  if (first.done) {
    return false;
  }
  const promise = first.value[0];
  const reason = first.value[1];
  mapDelete(rejected, promise);
  const { process } = state;
  if (process !== null && process.listenerCount("unhandledRejection") > 0) {
    process.emit("unhandledRejection", reason, promise);
    return true;
  }
  inPromise = true;
  throw reason;
}

state.dropRejections = () => {
  inPromise = false;
  rejected.clear();
};

// ---- The end of a turn, and of the program

function ticks() {
  return state.takeTicks();
}

function beforeExit() {
  const { process } = state;
  if (process === null || process.listenerCount("beforeExit") === 0) {
    return false;
  }
  process.emit("beforeExit", exitCode());
  return part("internal/timers").pending();
}

function exit(code) {
  if (code >= 0) {
    state.exitCode = code;
  }
  const { process } = state;
  if (process !== null && !state.exiting) {
    state.exiting = true;
    process.emit("exit", exitCode());
  }
  return exitCode();
}

function exitCode() {
  return state.exitCode === undefined ? 0 : Number(state.exitCode) | 0;
}

// ---- Globals

function define(name, value) {
  defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
}

// lazy defines globals that load their part when they are first used.
function lazy(partName, names) {
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    defineProperty(globalThis, name, {
      get() {
        const value = part(partName)[name];
        define(name, value);
        return value;
      },
      set(value) {
        define(name, value);
      },
      enumerable: false,
      configurable: true,
    });
  }
}

// The engine's clock counts from when the image was made; see state.timeOrigin.
const clock = Object.create(performance);
defineProperty(clock, "timeOrigin", { get: () => state.timeOrigin, enumerable: true, configurable: true });

define("global", globalThis);
define("performance", clock);
define("console", part("internal/console").console);
const timers = part("internal/timers");
for (const name of ["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "clearImmediate"]) {
  define(name, timers[name]);
}
lazy("internal/process", ["process"]);
lazy("internal/encoding", ["TextEncoder", "TextDecoder"]);
lazy("internal/url", ["URL", "URLSearchParams"]);
lazy("internal/events", ["Event", "CustomEvent", "EventTarget", "AbortController", "AbortSignal"]);
lazy("internal/clone", ["structuredClone"]);
lazy("internal/dialogs", ["prompt", "alert", "confirm"]);
lazy("internal/fetch", ["fetch", "Headers"]);
lazy("internal/intl", ["Intl"]);
lazy("crypto", ["crypto"]);
lazy("buffer", ["Buffer", "Blob"]);
part("internal/locale");
define("navigator", Object.freeze({ language: "en-US", languages: Object.freeze(["en-US"]), hardwareConcurrency: 1, userAgent: "Sandpiper" }));

// What the host's generated modules and the chart helper call.
const hidden = (name, value) => defineProperty(globalThis, name, { value });
hidden("__sandpiper_require", (name) => part("internal/modules").load(name));
hidden("__sandpiper_display", (line) => {
  const failed = host.display(`${line}`);
  if (failed !== undefined) {
    throw new NativeError(`display: ${failed}`);
  }
});

// What most programs need is there before they begin.
for (const name of ["internal/process", "internal/modules", "internal/format", "internal/errors"]) {
  part(name);
}

return {
  configure,
  prepareStack,
  makeError,
  rejection,
  unhandled,
  fail,
  ticks,
  beforeExit,
  exit,
  step: timers.step,
  runScript: (run, name) => part("internal/modules").runMain(run, name),
  importScript: (name) => stringify(ownKeys(Object(part("internal/modules").load(name))).filter((key) => typeof key === "string")),
  kernel: (name, ...args) => part("internal/kernel")[name](...args),
  describe: (error) => withoutBrackets(error, describe(error)),
  exportsOf: (name) => stringify(Object.keys(part(name))),
};
