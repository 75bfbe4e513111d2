// structuredClone.

const { isError, isDate, isRegExp, isMap, isSet, isBoxed, promiseState, isProxy } = require("internal/kinds");
const errorTypes = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

function refuse(value) {
  const text = typeof value === "function" || typeof value === "symbol" ? String(value) : Object.prototype.toString.call(value).replace("[object ", "#<").replace("]", ">");
  throw new DOMException(`${text} could not be cloned.`, "DataCloneError");
}

function clone(value, seen, moved) {
  if (typeof value === "symbol" || typeof value === "function") {
    refuse(value);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (seen.has(value)) {
    return seen.get(value);
  }
  const keep = (copy) => {
    seen.set(value, copy);
    return copy;
  };
  switch (true) {
    case isProxy(value) || promiseState(value) >= 0 || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef:
      return refuse(value);
    case Array.isArray(value):
      return properties(value, keep(new Array(value.length)), seen, moved);
    case isDate(value):
      return keep(new Date(value.getTime()));
    case isRegExp(value):
      return keep(new RegExp(value.source, value.flags));
    case isMap(value):
      return cloneMap(value, keep(new Map()), seen, moved);
    case isSet(value):
      return cloneSet(value, keep(new Set()), seen, moved);
    case value instanceof ArrayBuffer:
      return keep(moved.has(value) ? value.transfer() : value.slice());
    case ArrayBuffer.isView(value):
      return keep(cloneView(value, seen, moved));
    case isError(value):
      return cloneError(value, keep, seen, moved);
    case isBoxed(value):
      return typeof value.valueOf() === "symbol" ? refuse(value) : keep(Object(value.valueOf()));
  }
  return properties(value, keep({}), seen, moved);
}

function properties(value, copy, seen, moved) {
  for (const key of Object.keys(value)) {
    copy[key] = clone(value[key], seen, moved);
  }
  return copy;
}

function cloneMap(value, copy, seen, moved) {
  for (const [key, item] of [...value]) {
    copy.set(clone(key, seen, moved), clone(item, seen, moved));
  }
  return copy;
}

function cloneSet(value, copy, seen, moved) {
  for (const item of [...value]) {
    copy.add(clone(item, seen, moved));
  }
  return copy;
}

function cloneView(value, seen, moved) {
  const buffer = clone(value.buffer, seen, moved);
  const type = value instanceof DataView ? DataView : globalThis[value[Symbol.toStringTag]];
  return new type(buffer, value.byteOffset, value instanceof DataView ? value.byteLength : value.length);
}

function cloneError(value, keep, seen, moved) {
  const type = errorTypes[value.name] ?? Error;
  const copy = keep(new type(value.message));
  Object.defineProperty(copy, "stack", { value: `${value.stack}`, writable: true, configurable: true });
  if (Object.hasOwn(value, "cause")) {
    Object.defineProperty(copy, "cause", { value: clone(value.cause, seen, moved), writable: true, configurable: true });
  }
  return copy;
}

exports.structuredClone = function structuredClone(value, options) {
  if (arguments.length === 0) {
    throw new TypeError("The \"value\" argument must be specified");
  }
  const transfer = new Set(options?.transfer ?? []);
  for (const item of transfer) {
    if (!(item instanceof ArrayBuffer)) {
      throw new DOMException("Value could not be cloned: it cannot be transferred.", "DataCloneError");
    }
  }
  return clone(value, new Map(), transfer);
};
