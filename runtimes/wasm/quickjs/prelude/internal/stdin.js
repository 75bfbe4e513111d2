// Standard input as a stream, and the ways to read it at once.

const { EventEmitter } = require("events");
const { watchInput } = require("internal/timers");
const { readStdin } = host;

// ---- What has been read and not yet been asked for. Bytes, since a character
// may come in two pieces.

let rest = new Uint8Array(0);
let ended = false;

function join(a, b) {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

function decode(bytes) {
  return new TextDecoder().decode(bytes);
}

// readAll returns all of the input, waiting for its end.
exports.readAll = function () {
  const chunks = [rest];
  while (!ended) {
    const chunk = readStdin(true);
    if (chunk === null) {
      ended = true;
    } else {
      chunks.push(chunk);
    }
  }
  rest = new Uint8Array(0);
  const all = new Uint8Array(chunks.reduce((n, c) => n + c.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
};

// readLine returns the next line without its end, waiting for it, or null.
exports.readLine = function () {
  let searched = 0;
  for (;;) {
    const at = rest.indexOf(10, searched);
    if (at >= 0) {
      const line = rest.subarray(0, at);
      rest = rest.slice(at + 1);
      return decode(line).replace(/\r$/, "");
    }
    searched = rest.length;
    const chunk = ended ? null : readStdin(true);
    if (chunk === null) {
      ended = true;
      const line = rest;
      rest = new Uint8Array(0);
      return line.length === 0 ? null : decode(line);
    }
    rest = join(rest, chunk);
  }
};

// ---- The stream

const stdin = Object.create(EventEmitter.prototype);
EventEmitter.call(stdin);
exports.stdin = stdin;

let decoder = null;
let flowing = null;
let finished = false;
let pending = []; // chunks for read()

function deliver(chunk) {
  const data = decoder === null ? require("buffer").Buffer.from(chunk) : decoder.decode(chunk, { stream: true });
  if (data.length === 0) {
    return;
  }
  if (flowing || stdin.listenerCount("data") > 0) {
    stdin.emit("data", data);
  } else {
    pending.push(data);
    stdin.emit("readable");
  }
}

function finish() {
  if (finished) {
    return;
  }
  finished = true;
  watchInput(null);
  if (stdin.listenerCount("readable") > 0) {
    stdin.emit("readable");
  }
  stdin.readable = false;
  stdin.emit("end");
  stdin.emit("close");
}

// listen handles one piece of input; it returns false when there is none yet.
function listen() {
  if (rest.length > 0) {
    const chunk = rest;
    rest = new Uint8Array(0);
    deliver(chunk);
    return true;
  }
  const chunk = ended ? null : readStdin(false);
  if (chunk === undefined) {
    return false;
  }
  if (chunk === null) {
    ended = true;
    finish();
  } else {
    deliver(chunk);
  }
  return true;
}

const addListener = EventEmitter.prototype.on;

Object.assign(stdin, {
  fd: 0,
  isTTY: false,
  readable: true,
  on(event, listener) {
    addListener.call(this, event, listener);
    if (event === "data" && flowing !== false) {
      this.resume();
    } else if (event === "readable" && !finished) {
      watchInput(listen);
    }
    return this;
  },
  setEncoding() {
    decoder = new TextDecoder();
    return this;
  },
  resume() {
    flowing = true;
    if (!finished) {
      watchInput(listen);
    }
    return this;
  },
  pause() {
    flowing = false;
    watchInput(null);
    return this;
  },
  isPaused: () => flowing === false,
  read() {
    if (pending.length === 0) {
      return null;
    }
    const all = pending;
    pending = [];
    return typeof all[0] === "string" ? all.join("") : require("buffer").Buffer.concat(all);
  },
  ref() {
    return this;
  },
  unref() {
    return this;
  },
  setRawMode() {
    return this;
  },
  destroy() {
    this.pause();
    finished = true;
    return this;
  },
  pipe(target) {
    this.on("data", (data) => target.write(data));
    return target;
  },
  async *[Symbol.asyncIterator]() {
    const chunks = [];
    let wake = () => {};
    const onData = (data) => {
      chunks.push(data);
      wake();
    };
    const onEnd = () => wake();
    this.on("data", onData);
    this.on("end", onEnd);
    try {
      for (;;) {
        if (chunks.length > 0) {
          yield chunks.shift();
        } else if (finished) {
          return;
        } else {
          await new Promise((resolve) => (wake = resolve));
        }
      }
    } finally {
      this.removeListener("data", onData);
      this.removeListener("end", onEnd);
      this.pause();
    }
  },
});
stdin.addListener = stdin.on;

// A kernel's next cell has an input of its own.
require("internal/state").restartStdin = function () {
  rest = new Uint8Array(0);
  ended = finished = false;
  decoder = flowing = null;
  pending = [];
  stdin.readable = true;
  stdin.removeAllListeners();
  watchInput(null);
};
