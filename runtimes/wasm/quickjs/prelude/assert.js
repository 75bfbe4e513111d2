// assert, its strict twin and AssertionError.

const { inspect } = require("internal/inspect");
const { equal } = require("internal/equal");

const show = (value) => inspect(value, { depth: 1000, maxArrayLength: Infinity, breakLength: Infinity, sorted: true, customInspect: false });
const lines = (value) => inspect(value, { depth: 1000, maxArrayLength: Infinity, sorted: true, compact: false, customInspect: false });

const titles = {
  deepStrictEqual: "Expected values to be strictly deep-equal:",
  strictEqual: "Expected values to be strictly equal:",
  deepEqual: "Expected values to be loosely deep-equal:",
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
  notStrictEqual: 'Expected "actual" to be strictly unequal to:',
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
};

function explain(actual, expected, operator) {
  if (operator === "==" || operator === "!=") {
    return `${show(actual)} ${operator} ${show(expected)}`;
  }
  if (operator.startsWith("not")) {
    return `${titles[operator]} ${show(expected)}`;
  }
  const [a, b] = [lines(actual), lines(expected)];
  if (!a.includes("\n") && !b.includes("\n") && a !== b) {
    return `${titles[operator]}\n\n${a} !== ${b}\n`;
  }
  return `${titles[operator]}\n+ actual - expected\n\n${difference(a.split("\n"), b.split("\n")).join("\n")}`;
}

// difference marks the lines that only one of two texts has.
function difference(a, b) {
  const rows = a.length + 1;
  const common = Array.from({ length: rows }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const result = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      result.push(`  ${a[i++]}`);
      j++;
    } else if (i < a.length && (j === b.length || common[i + 1][j] >= common[i][j + 1])) {
      result.push(`+ ${a[i++]}`);
    } else {
      result.push(`- ${b[j++]}`);
    }
  }
  return result;
}

class AssertionError extends Error {
  constructor({ message, actual, expected, operator, stackStartFn }) {
    super(message === undefined ? explain(actual, expected, operator) : `${message}`);
    this.generatedMessage = message === undefined;
    this.code = "ERR_ASSERTION";
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
    Object.defineProperty(this, "name", { value: "AssertionError", enumerable: false, writable: true, configurable: true });
    Error.captureStackTrace(this, stackStartFn);
  }

  toString() {
    return `${this.name} [${this.code}]: ${this.message}`;
  }
}

function raise(options, message) {
  if (message instanceof Error) {
    throw message;
  }
  throw new AssertionError({ ...options, message });
}

function assert(...args) {
  ok(assert, args);
}

function ok(stackStartFn, args) {
  if (args.length === 0) {
    raise({ actual: undefined, expected: true, operator: "==", stackStartFn }, "No value argument passed to `assert.ok()`");
  }
  const [value, message] = args;
  if (!value) {
    raise({ actual: value, expected: true, operator: "==", stackStartFn }, message ?? "The expression evaluated to a falsy value");
  }
}

const comparisons = {
  equal: ["==", (a, b) => a == b || (Number.isNaN(a) && Number.isNaN(b))],
  notEqual: ["!=", (a, b) => a != b && !(Number.isNaN(a) && Number.isNaN(b))],
  strictEqual: ["strictEqual", Object.is],
  notStrictEqual: ["notStrictEqual", (a, b) => !Object.is(a, b)],
  deepEqual: ["deepEqual", (a, b) => equal(a, b, false)],
  notDeepEqual: ["notDeepEqual", (a, b) => !equal(a, b, false)],
  deepStrictEqual: ["deepStrictEqual", (a, b) => equal(a, b, true)],
  notDeepStrictEqual: ["notDeepStrictEqual", (a, b) => !equal(a, b, true)],
};

for (const [name, [operator, test]] of Object.entries(comparisons)) {
  assert[name] = function (actual, expected, message) {
    if (!test(actual, expected)) {
      raise({ actual, expected, operator, stackStartFn: assert[name] }, message);
    }
  };
}

// matchesError reports whether an error is as expected: an instance of a class,
// like a pattern, with the properties of an object, or to a function's liking.
function matchesError(error, expected) {
  if (expected === undefined) {
    return true;
  }
  if (expected instanceof RegExp) {
    return expected.test(String(error));
  }
  if (typeof expected !== "function") {
    return Object.keys(expected).every((key) =>
      expected[key] instanceof RegExp && typeof error[key] === "string" ? expected[key].test(error[key]) : equal(error[key], expected[key], true));
  }
  if (expected.prototype !== undefined && error instanceof expected) {
    return true;
  }
  return Object.prototype.isPrototypeOf.call(Error, expected) ? false : expected.call({}, error) === true;
}

function checkThrown(caught, expected, message, operator, stackStartFn) {
  if (typeof expected === "string") {
    [expected, message] = [undefined, expected];
  }
  if (caught === null) {
    const name = expected?.name ? ` (${expected.name})` : "";
    raise({ actual: undefined, expected, operator, stackStartFn }, `Missing expected ${operator === "rejects" ? "rejection" : "exception"}${name}${message ? `: ${message}` : "."}`);
  }
  if (!matchesError(caught.error, expected)) {
    if (typeof expected === "function" && expected.prototype !== undefined) {
      throw caught.error;
    }
    raise({ actual: caught.error, expected, operator, stackStartFn }, message ?? `The error did not match what was expected:\n\n${inspect(caught.error)}`);
  }
}

function capture(f) {
  try {
    f();
    return null;
  } catch (error) {
    return { error };
  }
}

async function captureAsync(f) {
  try {
    await (typeof f === "function" ? f() : f);
    return null;
  } catch (error) {
    return { error };
  }
}

Object.assign(assert, {
  AssertionError,
  ok(...args) {
    ok(assert.ok, args);
  },
  fail(message = "Failed") {
    raise({ operator: "fail", stackStartFn: assert.fail }, message);
  },
  throws(f, expected, message) {
    checkThrown(capture(f), expected, message, "throws", assert.throws);
  },
  async rejects(f, expected, message) {
    checkThrown(await captureAsync(f), expected, message, "rejects", assert.rejects);
  },
  doesNotThrow(f, message) {
    const caught = capture(f);
    if (caught !== null) {
      raise({ actual: caught.error, operator: "doesNotThrow", stackStartFn: assert.doesNotThrow }, `Got unwanted exception.\nActual message: "${caught.error?.message}"${typeof message === "string" ? ` ${message}` : ""}`);
    }
  },
  async doesNotReject(f) {
    const caught = await captureAsync(f);
    if (caught !== null) {
      raise({ actual: caught.error, operator: "doesNotReject", stackStartFn: assert.doesNotReject }, `Got unwanted rejection.\nActual message: "${caught.error?.message}"`);
    }
  },
  match(text, pattern, message) {
    if (typeof text !== "string" || !pattern.test(text)) {
      raise({ actual: text, expected: pattern, operator: "match", stackStartFn: assert.match }, message ?? `The input did not match the regular expression ${pattern}. Input:\n\n${inspect(text)}\n`);
    }
  },
  doesNotMatch(text, pattern, message) {
    if (typeof text === "string" && pattern.test(text)) {
      raise({ actual: text, expected: pattern, operator: "doesNotMatch", stackStartFn: assert.doesNotMatch }, message ?? `The input was expected to not match the regular expression ${pattern}. Input:\n\n${inspect(text)}\n`);
    }
  },
  ifError(value) {
    if (value !== null && value !== undefined) {
      throw value;
    }
  },
});

function strict(...args) {
  ok(strict, args);
}
assert.strict = Object.assign(strict, assert, {
  equal: assert.strictEqual,
  notEqual: assert.notStrictEqual,
  deepEqual: assert.deepStrictEqual,
  notDeepEqual: assert.notDeepStrictEqual,
});
strict.strict = strict;

module.exports = assert;
