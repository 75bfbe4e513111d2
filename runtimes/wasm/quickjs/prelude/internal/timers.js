// Timers, immediates, and the event loop's next step.

// Programs may change the prototypes; what the loop needs is kept here.
const { watchStdin } = host;
const { apply } = Reflect;
const { floor } = Math;
const { now } = performance;
const { get: mapGet, set: mapSet, delete: mapDelete } = Map.prototype;
const time = () => apply(now, performance, []);
const clock = () => floor(time()); // milliseconds, as timers count them

// ---- A heap of timers, the earliest first; of two at the same time the older.

const heap = [];
let size = 0;

const earlier = (a, b) => a.due < b.due || (a.due === b.due && a.order < b.order);

function place(timer, i) {
  heap[i] = timer;
  timer.index = i;
}

function up(timer, i) {
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (!earlier(timer, heap[parent])) {
      break;
    }
    place(heap[parent], i);
    i = parent;
  }
  place(timer, i);
}

function down(timer, i) {
  for (;;) {
    let child = 2 * i + 1;
    if (child >= size) {
      break;
    }
    if (child + 1 < size && earlier(heap[child + 1], heap[child])) {
      child++;
    }
    if (!earlier(heap[child], timer)) {
      break;
    }
    place(heap[child], i);
    i = child;
  }
  place(timer, i);
}

function insert(timer) {
  up(timer, size++);
}

function remove(timer) {
  const i = timer.index;
  if (i < 0) {
    return;
  }
  timer.index = -1;
  const last = heap[--size];
  heap[size] = undefined;
  if (last === timer) {
    return;
  }
  if (i > 0 && earlier(last, heap[(i - 1) >> 1])) {
    up(last, i);
  } else {
    down(last, i);
  }
}

// ---- Handles

let order = 0;
let referenced = 0; // timers and immediates that keep the program alive
const byId = new Map();
const maxDelay = 2 ** 31 - 1;

class Timeout {
  constructor(callback, delay, args, repeat) {
    this.callback = callback;
    this.delay = delay >= 1 && delay <= maxDelay ? floor(delay) : 1;
    this.args = args;
    this.repeat = repeat;
    this.alive = true;
    this.kept = true;
    this.id = ++order;
    referenced++;
    apply(mapSet, byId, [this.id, this]);
    this.schedule();
  }

  schedule() {
    this.order = ++order;
    this.due = clock() + this.delay;
    insert(this);
  }

  end() {
    if (this.alive) {
      this.alive = false;
      this.unref();
      remove(this);
      apply(mapDelete, byId, [this.id]);
    }
    return this;
  }

  ref() {
    if (!this.kept && this.alive) {
      this.kept = true;
      referenced++;
    }
    return this;
  }

  unref() {
    if (this.kept) {
      this.kept = false;
      referenced--;
    }
    return this;
  }

  hasRef() {
    return this.kept;
  }

  refresh() {
    if (this.alive) {
      remove(this);
      this.schedule();
    }
    return this;
  }

  close() {
    return this.end();
  }

  [Symbol.toPrimitive]() {
    return this.id;
  }

  [Symbol.dispose]() {
    this.end();
  }

  [Symbol.for("nodejs.util.inspect.custom")]() {
    return `Timeout (${this.id})`;
  }
}

class Immediate {
  constructor(callback, args) {
    this.callback = callback;
    this.args = args;
    this.alive = true;
    this.kept = true;
    referenced++;
    immediates[immediateEnd++] = this;
  }

  end() {
    if (this.alive) {
      this.alive = false;
      this.unref();
    }
  }

  hasRef() {
    return this.kept;
  }

  [Symbol.for("nodejs.util.inspect.custom")]() {
    return "Immediate {}";
  }
}
Immediate.prototype.ref = Timeout.prototype.ref;
Immediate.prototype.unref = Timeout.prototype.unref;

let immediates = [];
let immediateStart = 0;
let immediateEnd = 0;

function checkCallback(callback) {
  if (typeof callback !== "function") {
    throw require("internal/errors").wrongType("callback", "of type function", callback);
  }
}

exports.setTimeout = function setTimeout(callback, delay, ...args) {
  checkCallback(callback);
  return new Timeout(callback, +delay, args, false);
};

exports.setInterval = function setInterval(callback, delay, ...args) {
  checkCallback(callback);
  return new Timeout(callback, +delay, args, true);
};

exports.setImmediate = function setImmediate(callback, ...args) {
  checkCallback(callback);
  return new Immediate(callback, args);
};

function clear(handle) {
  if (handle instanceof Timeout || handle instanceof Immediate) {
    handle.end();
  } else if (typeof handle === "number" || typeof handle === "string") {
    apply(mapGet, byId, [Number(handle)])?.end();
  }
}

exports.clearTimeout = function clearTimeout(handle) {
  clear(handle);
};
exports.clearInterval = function clearInterval(handle) {
  clear(handle);
};
exports.clearImmediate = function clearImmediate(handle) {
  clear(handle);
};

// ---- Input: the listener is called when some may be there.

let inputListener = null;

exports.watchInput = function (listener) {
  inputListener = listener;
  watchStdin(listener !== null);
};

exports.pending = () => referenced > 0 || inputListener !== null;

// clearAll forgets all that could still happen. The code above may have been
// interrupted anywhere, so nothing is taken for granted here.
exports.clearAll = function () {
  for (let i = 0; i < heap.length; i++) {
    if (heap[i] !== undefined) {
      heap[i].alive = heap[i].kept = false;
      heap[i].index = -1;
      heap[i] = undefined;
    }
  }
  for (let i = immediateStart; i < immediates.length; i++) {
    if (immediates[i] !== undefined) {
      immediates[i].alive = immediates[i].kept = false;
    }
  }
  byId.clear();
  immediates = [];
  immediateStart = immediateEnd = size = referenced = 0;
  phase = timersPhase;
  limit = -1;
  if (inputListener !== null) {
    exports.watchInput(null);
  }
};

// ---- The loop. A round has three phases, as Node's: timers that are due, input,
// and the immediates that were there when their phase began. Each step runs one
// callback, so that the host can run ticks and promise jobs after it.

const timersPhase = 0;
const inputPhase = 1;
const immediatesPhase = 2;
let phase = timersPhase;
let limit = -1; // of the timers phase: when it began; of the immediates: where they end
let first = true; // the first round: a delay of 1 ms counts as over

function runTimer(timer) {
  remove(timer);
  if (timer.repeat) {
    timer.schedule();
  } else {
    timer.end();
  }
  apply(timer.callback, timer, timer.args);
}

// step runs the next callback and returns 0, or returns for how many
// milliseconds there is none, or -1 when nothing is left that could call one.
exports.step = function step() {
  for (let turned = 0; ; ) {
    switch (phase) {
      case timersPhase:
        if (limit < 0) {
          limit = clock() + (first ? 1 : 0);
          first = false;
        }
        if (size > 0 && heap[0].due <= limit) {
          runTimer(heap[0]);
          return 0;
        }
        phase = inputPhase;
        break;
      case inputPhase:
        phase = immediatesPhase;
        limit = immediateEnd;
        if (inputListener !== null && inputListener()) {
          return 0;
        }
        break;
      case immediatesPhase:
        while (immediateStart < limit) {
          const immediate = immediates[immediateStart];
          immediates[immediateStart++] = undefined;
          if (immediate.alive) {
            immediate.end();
            apply(immediate.callback, immediate, immediate.args);
            return 0;
          }
        }
        if (immediateStart === immediateEnd) {
          immediates = [];
          immediateStart = immediateEnd = 0;
        }
        phase = timersPhase;
        limit = -1;
        if (turned++ > 0 && immediateEnd === 0) {
          return idle();
        }
        break;
    }
  }
};

function idle() {
  if (referenced === 0 && inputListener === null) {
    return -1;
  }
  if (size === 0) {
    return Infinity;
  }
  const wait = heap[0].due - time();
  return wait > 0 ? wait : 0;
}
