// Deep equality, strict as assert.deepStrictEqual or loose as deepEqual.

const { isError, isDate, isRegExp, isMap, isSet, isBoxed } = require("internal/kinds");
const isObject = (v) => typeof v === "object" && v !== null;

function samePrimitive(a, b, strict) {
  return strict ? Object.is(a, b) : a == b || (Number.isNaN(a) && Number.isNaN(b));
}

function equal(a, b, strict, seen) {
  if (Object.is(a, b)) {
    return true;
  }
  if (!isObject(a) || !isObject(b)) {
    return (!isObject(a) && !isObject(b) && samePrimitive(a, b, strict));
  }
  if (strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) {
    return false;
  }
  if (Array.isArray(a) !== Array.isArray(b) || !sameKind(a, b, strict)) {
    return false;
  }
  if (seen.some(([x, y]) => x === a && y === b)) {
    return true;
  }
  seen.push([a, b]);
  const same = sameContent(a, b, strict, seen) && sameProperties(a, b, strict, seen);
  seen.pop();
  return same;
}

const kinds = [isDate, isRegExp, isMap, isSet, isError, isBoxed, ArrayBuffer.isView, (v) => v instanceof ArrayBuffer];

function sameKind(a, b, strict) {
  if (!kinds.every((is) => is(a) === is(b))) {
    return false;
  }
  if (isDate(a)) {
    return Object.is(a.getTime(), b.getTime());
  }
  if (isRegExp(a)) {
    return String(a) === String(b) && a.lastIndex === b.lastIndex;
  }
  if (isError(a)) {
    return a.message === b.message && a.name === b.name && (!Object.hasOwn(a, "cause") || equal(a.cause, b.cause, strict, []));
  }
  return isBoxed(a) ? Object.is(a.valueOf(), b.valueOf()) : true;
}

function sameContent(a, b, strict, seen) {
  if (ArrayBuffer.isView(a) || a instanceof ArrayBuffer) {
    const [x, y] = [a, b].map((v) => (v instanceof ArrayBuffer ? new Uint8Array(v) : new Uint8Array(v.buffer, v.byteOffset, v.byteLength)));
    return x.length === y.length && x.every((byte, i) => byte === y[i]);
  }
  if (isSet(a)) {
    return a.size === b.size && matches([...a], [...b], (x, y) => equal(x, y, strict, seen));
  }
  if (isMap(a)) {
    return a.size === b.size && matches([...a], [...b], (x, y) => equal(x[0], y[0], strict, seen) && equal(x[1], y[1], strict, seen));
  }
  return true;
}

// matches reports whether each of a has a partner of its own in b.
function matches(a, b, same) {
  const left = [...b];
  return a.every((x) => {
    const i = left.findIndex((y) => same(x, y));
    if (i >= 0) {
      left.splice(i, 1);
    }
    return i >= 0;
  });
}

function keysOf(value, strict) {
  const keys = Object.keys(value);
  if (strict) {
    keys.push(...Object.getOwnPropertySymbols(value).filter((s) => Object.prototype.propertyIsEnumerable.call(value, s)));
  }
  return keys;
}

function sameProperties(a, b, strict, seen) {
  if (ArrayBuffer.isView(a)) {
    return true;
  }
  const keys = keysOf(a, strict);
  return keys.length === keysOf(b, strict).length && (!Array.isArray(a) || a.length === b.length) &&
    keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key], strict, seen));
}

exports.equal = (a, b, strict) => equal(a, b, strict, []);
