// Event, EventTarget and AbortController, as browsers have them.

const state = Symbol("state");

class Event {
  constructor(type, options = {}) {
    if (arguments.length === 0) {
      throw new TypeError('The "type" argument must be specified');
    }
    Object.defineProperty(this, state, {
      value: {
        type: `${type}`, bubbles: Boolean(options?.bubbles), cancelable: Boolean(options?.cancelable),
        composed: Boolean(options?.composed), prevented: false, stopped: false, target: null, passive: false,
        timeStamp: performance.now(),
      },
    });
  }

  get type() {
    return this[state].type;
  }

  get target() {
    return this[state].target;
  }

  get currentTarget() {
    return this[state].target;
  }

  get srcElement() {
    return this[state].target;
  }

  get bubbles() {
    return this[state].bubbles;
  }

  get cancelable() {
    return this[state].cancelable;
  }

  get composed() {
    return this[state].composed;
  }

  get defaultPrevented() {
    return this[state].prevented;
  }

  get timeStamp() {
    return this[state].timeStamp;
  }

  get isTrusted() {
    return false;
  }

  get eventPhase() {
    return this[state].target === null ? 0 : 2;
  }

  composedPath() {
    return this[state].target === null ? [] : [this[state].target];
  }

  preventDefault() {
    this[state].prevented ||= this[state].cancelable && !this[state].passive;
  }

  stopPropagation() {}

  stopImmediatePropagation() {
    this[state].stopped = true;
  }

  get [Symbol.toStringTag]() {
    return "Event";
  }
}

class CustomEvent extends Event {
  #detail;

  constructor(type, options) {
    super(type, options);
    this.#detail = options?.detail ?? null;
  }

  get detail() {
    return this.#detail;
  }
}

class EventTarget {
  #listeners = new Map();

  addEventListener(type, listener, options) {
    if (listener === null || listener === undefined) {
      return;
    }
    const o = typeof options === "boolean" ? { capture: options } : (options ?? {});
    const list = this.#listeners.get(`${type}`) ?? [];
    if (o.signal?.aborted || list.some((l) => l.listener === listener && l.capture === Boolean(o.capture))) {
      return;
    }
    this.#listeners.set(`${type}`, [...list, { listener, once: Boolean(o.once), capture: Boolean(o.capture), passive: Boolean(o.passive) }]);
    o.signal?.addEventListener("abort", () => this.removeEventListener(type, listener, o), { once: true });
  }

  removeEventListener(type, listener, options) {
    const capture = typeof options === "boolean" ? options : Boolean(options?.capture);
    const list = this.#listeners.get(`${type}`) ?? [];
    this.#listeners.set(`${type}`, list.filter((l) => l.listener !== listener || l.capture !== capture));
  }

  dispatchEvent(event) {
    if (!(event instanceof Event)) {
      throw new TypeError('The "event" argument must be an instance of Event');
    }
    const s = event[state];
    s.target = this;
    s.stopped = false;
    const handler = this[`on${s.type}`];
    const own = typeof handler === "function" ? [{ listener: handler }] : [];
    for (const l of [...own, ...(this.#listeners.get(s.type) ?? [])]) {
      if (s.stopped) {
        break;
      }
      if (l.once) {
        this.removeEventListener(s.type, l.listener, l);
      }
      s.passive = l.passive === true;
      report(() => (typeof l.listener === "function" ? l.listener.call(this, event) : l.listener.handleEvent(event)));
    }
    return !s.prevented;
  }
}

// report runs a listener; what it throws does not reach who dispatched the event.
function report(listener) {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

// ---- Aborting

const making = Symbol("making");

class AbortSignal extends EventTarget {
  #aborted = false;
  #reason;

  constructor(key) {
    if (key !== making) {
      throw new TypeError("Illegal constructor");
    }
    super();
    this.onabort = null;
    Object.defineProperty(this, "onabort", { enumerable: false, writable: true, value: null });
  }

  get aborted() {
    return this.#aborted;
  }

  get reason() {
    return this.#reason;
  }

  throwIfAborted() {
    if (this.#aborted) {
      throw this.#reason;
    }
  }

  static trigger(signal, reason = new DOMException("This operation was aborted", "AbortError")) {
    if (!signal.#aborted) {
      signal.#aborted = true;
      signal.#reason = reason;
      signal.dispatchEvent(new Event("abort"));
    }
  }

  static abort(reason) {
    const signal = new AbortSignal(making);
    trigger(signal, reason);
    return signal;
  }

  static timeout(ms) {
    const signal = new AbortSignal(making);
    setTimeout(() => trigger(signal, new DOMException("The operation was aborted due to timeout", "TimeoutError")), ms).unref();
    return signal;
  }

  static any(signals) {
    const result = new AbortSignal(making);
    for (const signal of signals) {
      if (signal.aborted) {
        trigger(result, signal.reason);
        break;
      }
      signal.addEventListener("abort", () => trigger(result, signal.reason), { once: true });
    }
    return result;
  }

  [Symbol.for("nodejs.util.inspect.custom")]() {
    return `AbortSignal { aborted: ${this.#aborted} }`;
  }
}
const { trigger } = AbortSignal;
delete AbortSignal.trigger;

class AbortController {
  #signal = new AbortSignal(making);

  get signal() {
    return this.#signal;
  }

  abort(reason) {
    trigger(this.#signal, reason);
  }

  [Symbol.for("nodejs.util.inspect.custom")](depth, options, inspect) {
    return `AbortController { signal: ${inspect(this.#signal)} }`;
  }
}

Object.assign(exports, { Event, CustomEvent, EventTarget, AbortController, AbortSignal });
