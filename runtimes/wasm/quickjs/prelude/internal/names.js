// What inspect calls classes, functions and errors.

const { classOf } = require("internal/kinds");
const { hasOwn, getOwnPropertyDescriptor: describeProperty, getPrototypeOf: prototypeOf } = Object;
const sourceOf = Function.prototype.call.bind(Function.prototype.toString);

// ---- Names

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

function functionText(f, name, tag) {
  const text = sourceOf(f);
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

function tagOf(value, name) {
  let tag;
  try {
    tag = value[Symbol.toStringTag];
  } catch {
    return "";
  }
  return typeof tag !== "string" || tag === name || Object.prototype.propertyIsEnumerable.call(value, Symbol.toStringTag) ? "" : tag;
}

// ---- Errors

function errorText(context, error, name, keys) {
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

Object.assign(exports, { constructorName, errorText, functionText, prefixOf, tagOf });
