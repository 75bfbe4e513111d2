// EventEmitter, once and on.

const captured = Symbol("captured listeners");

function checkListener(listener) {
  if (typeof listener !== "function") {
    throw require("internal/errors").wrongType("listener", "of type function", listener);
  }
}

function EventEmitter() {
  this._events ??= Object.create(null);
  if (!Object.hasOwn(this, "_events")) {
    this._events = Object.create(null);
  }
}

const listenersOf = (emitter) => (emitter._events ??= Object.create(null));

function add(emitter, event, listener, first) {
  checkListener(listener);
  const all = listenersOf(emitter);
  if (all.newListener !== undefined) {
    emitter.emit("newListener", event, listener.listener ?? listener);
  }
  const list = all[event] ?? [];
  all[event] = first ? [listener, ...list] : [...list, listener];
  return emitter;
}

function onceOf(emitter, event, listener) {
  checkListener(listener);
  const wrapper = function (...args) {
    emitter.removeListener(event, wrapper);
    return listener.apply(emitter, args);
  };
  wrapper.listener = listener;
  return wrapper;
}

const methods = {
  on(event, listener) {
    return add(this, event, listener, false);
  },
  prependListener(event, listener) {
    return add(this, event, listener, true);
  },
  once(event, listener) {
    return this.on(event, onceOf(this, event, listener));
  },
  prependOnceListener(event, listener) {
    return this.prependListener(event, onceOf(this, event, listener));
  },
  off(event, listener) {
    return this.removeListener(event, listener);
  },
  removeListener(event, listener) {
    const all = listenersOf(this);
    const list = all[event];
    if (list === undefined) {
      return this;
    }
    const at = list.findLastIndex((l) => l === listener || l.listener === listener);
    if (at < 0) {
      return this;
    }
    if (list.length === 1) {
      delete all[event];
    } else {
      all[event] = list.toSpliced(at, 1);
    }
    if (all.removeListener !== undefined) {
      this.emit("removeListener", event, listener);
    }
    return this;
  },
  removeAllListeners(event) {
    if (event === undefined) {
      this._events = Object.create(null);
    } else {
      delete listenersOf(this)[event];
    }
    return this;
  },
  emit(event, ...args) {
    const list = listenersOf(this)[event];
    if (list !== undefined) {
      for (const listener of list) {
        listener.apply(this, args);
      }
      return true;
    }
    if (event === "error") {
      throw unhandledError(args[0]);
    }
    return false;
  },
  listenerCount(event) {
    return listenersOf(this)[event]?.length ?? 0;
  },
  listeners(event) {
    return (listenersOf(this)[event] ?? []).map((l) => l.listener ?? l);
  },
  rawListeners(event) {
    return [...(listenersOf(this)[event] ?? [])];
  },
  eventNames() {
    return Reflect.ownKeys(listenersOf(this));
  },
  setMaxListeners(n) {
    this._maxListeners = n;
    return this;
  },
  getMaxListeners() {
    return this._maxListeners ?? EventEmitter.defaultMaxListeners;
  },
};

function unhandledError(value) {
  if (value instanceof Error) {
    return value;
  }
  const error = new Error(`Unhandled error. (${require("internal/inspect").inspect(value)})`);
  error.code = "ERR_UNHANDLED_ERROR";
  error.context = value;
  return error;
}

for (const [name, method] of Object.entries(methods)) {
  Object.defineProperty(EventEmitter.prototype, name, { value: method, writable: true, configurable: true });
}
Object.defineProperty(EventEmitter.prototype, "addListener", { value: methods.on, writable: true, configurable: true });

// once returns a promise of an event's arguments.
function once(emitter, event, options) {
  return new Promise((resolve, reject) => {
    const signal = options?.signal;
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    if (typeof emitter.addEventListener === "function") {
      emitter.addEventListener(event, (e) => resolve([e]), { once: true });
      return;
    }
    const onEvent = (...args) => {
      emitter.removeListener("error", onError);
      resolve(args);
    };
    const onError = (error) => {
      emitter.removeListener(event, onEvent);
      reject(error);
    };
    emitter.once(event, onEvent);
    if (event !== "error") {
      emitter.once("error", onError);
    }
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

// on returns an asynchronous iterator over an event's arguments.
async function* on(emitter, event, options) {
  const waiting = [];
  let wake = () => {};
  let failed;
  const onEvent = (...args) => {
    waiting.push(args);
    wake();
  };
  const onError = (error) => {
    failed = { error };
    wake();
  };
  emitter.on(event, onEvent);
  emitter.on("error", onError);
  options?.signal?.addEventListener("abort", () => onError(options.signal.reason), { once: true });
  try {
    for (;;) {
      if (waiting.length > 0) {
        yield waiting.shift();
      } else if (failed) {
        throw failed.error;
      } else {
        await new Promise((resolve) => (wake = resolve));
      }
    }
  } finally {
    emitter.removeListener(event, onEvent);
    emitter.removeListener("error", onError);
  }
}

EventEmitter.EventEmitter = EventEmitter;
EventEmitter.defaultMaxListeners = 10;
EventEmitter.once = once;
EventEmitter.on = on;
EventEmitter.captureRejectionSymbol = captured;
EventEmitter.listenerCount = (emitter, event) => emitter.listenerCount(event);
Object.defineProperty(EventEmitter, "errorMonitor", { value: Symbol("events.errorMonitor") });

module.exports = EventEmitter;
