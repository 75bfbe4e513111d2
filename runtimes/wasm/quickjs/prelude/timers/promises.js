// Timers as promises.

const timers = require("internal/timers");

class AbortError extends Error {
  constructor(cause) {
    super("The operation was aborted", { cause });
    this.name = "AbortError";
    this.code = "ABORT_ERR";
  }
}

function wait(start, stop, value, options) {
  const signal = options?.signal;
  if (signal?.aborted) {
    return Promise.reject(new AbortError(signal.reason));
  }
  return new Promise((resolve, reject) => {
    const handle = start(() => resolve(value));
    if (options?.ref === false) {
      handle.unref();
    }
    signal?.addEventListener("abort", () => {
      stop(handle);
      reject(new AbortError(signal.reason));
    }, { once: true });
  });
}

const setTimeout = (delay, value, options) => wait((done) => timers.setTimeout(done, delay), timers.clearTimeout, value, options);
const setImmediate = (value, options) => wait((done) => timers.setImmediate(done), timers.clearImmediate, value, options);

async function* setInterval(delay, value, options) {
  for (;;) {
    yield await setTimeout(delay, value, options);
  }
}

const scheduler = { wait: (delay, options) => setTimeout(delay, undefined, options), yield: () => setImmediate() };

module.exports = { setTimeout, setImmediate, setInterval, scheduler };
