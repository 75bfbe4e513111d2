// util: inspect and format, promisify and friends, types.

const { inspect } = require("internal/inspect");
const { format } = require("internal/format");
const kinds = require("internal/kinds");
const custom = Symbol.for("nodejs.util.promisify.custom");
const tagOf = (value) => Object.prototype.toString.call(value).slice(8, -1);

function checkFunction(f, name) {
  if (typeof f !== "function") {
    throw require("internal/errors").wrongType(name, "of type function", f);
  }
}

function promisify(original) {
  checkFunction(original, "original");
  if (original === setTimeout) {
    return require("timers/promises").setTimeout;
  }
  if (original === setImmediate) {
    return require("timers/promises").setImmediate;
  }
  if (original[custom] !== undefined) {
    return original[custom];
  }
  function promised(...args) {
    return new Promise((resolve, reject) => {
      original.call(this, ...args, (error, value) => (error ? reject(error) : resolve(value)));
    });
  }
  Object.setPrototypeOf(promised, Object.getPrototypeOf(original));
  return Object.defineProperties(promised, Object.getOwnPropertyDescriptors(original));
}
promisify.custom = custom;

function callbackify(original) {
  checkFunction(original, "original");
  return function (...args) {
    const done = args.pop();
    checkFunction(done, "last argument");
    original.apply(this, args).then(
      (value) => process.nextTick(done, null, value),
      (error) => process.nextTick(done, error ?? new Error("Promise was rejected with a falsy value")),
    );
  };
}

function inherits(constructor, parent) {
  Object.defineProperty(constructor, "super_", { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, parent.prototype);
}

const warned = new Set();

function deprecate(f, message, code) {
  return function (...args) {
    if (!warned.has(code ?? message)) {
      warned.add(code ?? message);
      process.emitWarning(Object.assign(new Error(message), { name: "DeprecationWarning" }));
    }
    return new.target ? Reflect.construct(f, args, new.target) : f.apply(this, args);
  };
}

const types = {
  isAnyArrayBuffer: (v) => tagOf(v) === "ArrayBuffer" || tagOf(v) === "SharedArrayBuffer",
  isArrayBuffer: (v) => v instanceof ArrayBuffer,
  isArrayBufferView: ArrayBuffer.isView,
  isArgumentsObject: kinds.isArguments,
  isAsyncFunction: (v) => typeof v === "function" && tagOf(v).startsWith("Async"),
  isBigInt64Array: (v) => v instanceof BigInt64Array,
  isBoxedPrimitive: kinds.isBoxed,
  isDataView: (v) => v instanceof DataView,
  isDate: kinds.isDate,
  isGeneratorFunction: (v) => typeof v === "function" && tagOf(v).endsWith("GeneratorFunction"),
  isGeneratorObject: (v) => tagOf(v) === "Generator" || tagOf(v) === "AsyncGenerator",
  isMap: (v) => v instanceof Map && kinds.isMap(v),
  isMapIterator: (v) => tagOf(v) === "Map Iterator",
  isModuleNamespaceObject: (v) => tagOf(v) === "Module",
  isNativeError: kinds.isError,
  isNumberObject: (v) => kinds.isBoxed(v) && v instanceof Number,
  isPromise: (v) => kinds.promiseState(v) >= 0,
  isProxy: kinds.isProxy,
  isRegExp: kinds.isRegExp,
  isSet: (v) => v instanceof Set && kinds.isSet(v),
  isSetIterator: (v) => tagOf(v) === "Set Iterator",
  isStringObject: (v) => kinds.isBoxed(v) && v instanceof String,
  isSymbolObject: (v) => kinds.isBoxed(v) && v instanceof Symbol,
  isTypedArray: (v) => ArrayBuffer.isView(v) && !(v instanceof DataView),
  isUint8Array: (v) => v instanceof Uint8Array,
  isWeakMap: (v) => v instanceof WeakMap,
  isWeakSet: (v) => v instanceof WeakSet,
};

module.exports = {
  inspect,
  format,
  formatWithOptions: (options, ...args) => format(...args.map((a, i) => (typeof a === "object" && a !== null && i > 0 ? inspect(a, options) : a))),
  promisify,
  callbackify,
  inherits,
  deprecate,
  types,
  isDeepStrictEqual: (a, b) => require("internal/equal").equal(a, b, true),
  isArray: Array.isArray,
  debuglog: () => Object.assign(() => {}, { enabled: false }),
  stripVTControlCharacters: (text) => `${text}`.replace(/\x1b\[[0-9;]*[A-Za-z]/g, ""),
  styleText(names, text) {
    return [names].flat().reduce((t, name) => {
      const style = inspect.colors[name];
      if (style === undefined) {
        throw new TypeError(`The argument 'format' must be one of: ${Object.keys(inspect.colors).join(", ")}`);
      }
      return `\x1b[${style[0]}m${t}\x1b[${style[1]}m`;
    }, text);
  },
  toUSVString: (text) => `${text}`.toWellFormed(),
  get TextEncoder() {
    return TextEncoder;
  },
  get TextDecoder() {
    return TextDecoder;
  },
};
