// What kind of object a value is, by the engine's own marks and not by what a
// program says.

const { promiseState, isProxy, proxyTarget } = host;
const { hasOwn } = Object;
const describeProperty = Object.getOwnPropertyDescriptor;
const classOf = Function.prototype.call.bind(Object.prototype.toString);

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
const isArguments = (value) => classOf(value) === "[object Arguments]" && typeof value.length === "number" && !hasOwn(value, Symbol.toStringTag);
const isError = (value) => (typeof Error.isError === "function" ? Error.isError(value) : value instanceof Error) || (value instanceof Error && hasOwn(value, "stack"));

function isBoxed(value) {
  for (const type of [Number, String, Boolean, BigInt, Symbol]) {
    if (value instanceof type && works(() => type.prototype.valueOf.call(value))) {
      return true;
    }
  }
  return false;
}

// targetOf returns the object behind a proxy, or null if it was revoked.
function targetOf(proxy) {
  try {
    return proxyTarget(proxy);
  } catch {
    return null;
  }
}

Object.assign(exports, {
  classOf, isArguments, isBoxed, isDate, isError, isMap, isProxy, isRegExp, isSet, promiseState, sizeOfMap, sizeOfSet, targetOf, works,
});
