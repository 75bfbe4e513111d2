// Errors with a code, as Node's modules throw them.

const { inspect } = require("internal/inspect");

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

function coded(error, code) {
  error.code = code;
  return error;
}

// wrongType is the error for an argument of a wrong type.
const wrongType = (name, expected, value) =>
  coded(new TypeError(`The "${name}" argument must be ${expected}. Received ${received(value)}`), "ERR_INVALID_ARG_TYPE");

Object.assign(exports, { coded, received, wrongType });
