// readline over a stream of input, with callbacks or as promises.

const EventEmitter = require("events");

class Interface extends EventEmitter {
  #input;
  #output;
  #rest = "";
  #decoder = new TextDecoder();
  #questions = []; // callbacks that wait for a line
  #lines = []; // lines that came before anybody asked
  #ended = false;
  #prompt = "> ";

  constructor(input, output) {
    super();
    const options = input !== null && typeof input === "object" && "input" in input ? input : { input, output };
    this.#input = options.input ?? process.stdin;
    this.#output = options.output;
    this.#prompt = options.prompt ?? "> ";
    this.terminal = false;
    this.line = "";
    this.closed = false;
    this.#input.on("data", this.#onData);
    this.#input.on("end", this.#onEnd);
    this.#input.resume?.();
  }

  #onData = (data) => {
    this.#rest += typeof data === "string" ? data : this.#decoder.decode(data, { stream: true });
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    for (const line of lines) {
      this.#deliver(line);
    }
  };

  #onEnd = () => {
    if (this.#rest !== "") {
      this.#deliver(this.#rest.replace(/\r$/, ""));
      this.#rest = "";
    }
    this.#ended = true;
    if (this.#lines.length === 0) {
      this.close();
    }
  };

  #deliver(line) {
    const question = this.#questions.shift();
    if (question !== undefined) {
      question(line);
    } else if (this.closed || this.listenerCount("line") === 0) {
      this.#lines.push(line);
    } else {
      this.emit("line", line);
    }
  }

  // on gives a listener that comes late the lines that were kept for it.
  on(event, listener) {
    super.on(event, listener);
    if (event === "line" && this.#lines.length > 0) {
      queueMicrotask(() => this.#flush());
    }
    return this;
  }

  #flush() {
    while (this.#lines.length > 0 && this.listenerCount("line") > 0) {
      this.emit("line", this.#lines.shift());
    }
    if (this.#ended && this.#lines.length === 0) {
      this.close();
    }
  }

  question(query, options, done) {
    if (typeof options === "function") {
      done = options;
    }
    if (this.closed) {
      const error = new Error("readline was closed");
      error.code = "ERR_USE_AFTER_CLOSE";
      throw error;
    }
    this.#output?.write(`${query}`);
    if (this.#lines.length === 0) {
      this.#questions.push(done);
      return;
    }
    done(this.#lines.shift());
    if (this.#ended && this.#lines.length === 0) {
      queueMicrotask(() => this.close());
    }
  }

  setPrompt(prompt) {
    this.#prompt = `${prompt}`;
  }

  getPrompt() {
    return this.#prompt;
  }

  prompt() {
    this.#output?.write(this.#prompt);
  }

  write(data) {
    if (data !== null && data !== undefined) {
      this.#onData(`${data}`);
    }
  }

  pause() {
    this.#input.pause?.();
    this.emit("pause");
    return this;
  }

  resume() {
    this.#input.resume?.();
    this.emit("resume");
    return this;
  }

  close() {
    if (this.closed) {
      return;
    }
    this.closed = true;
    this.#input.removeListener?.("data", this.#onData);
    this.#input.removeListener?.("end", this.#onEnd);
    this.#input.pause?.();
    this.emit("close");
  }

  [Symbol.dispose]() {
    this.close();
  }

  async *[Symbol.asyncIterator]() {
    const waiting = [];
    let wake = () => {};
    const onLine = (line) => {
      waiting.push(line);
      wake();
    };
    const onClose = () => wake();
    this.on("line", onLine);
    this.on("close", onClose);
    try {
      for (;;) {
        if (waiting.length > 0) {
          yield waiting.shift();
        } else if (this.closed) {
          return;
        } else {
          await new Promise((resolve) => (wake = resolve));
        }
      }
    } finally {
      this.removeListener("line", onLine);
      this.removeListener("close", onClose);
      this.close();
    }
  }
}

class PromiseInterface extends Interface {
  question(query, options) {
    return new Promise((resolve, reject) => {
      options?.signal?.addEventListener("abort", () => reject(options.signal.reason), { once: true });
      super.question(query, resolve);
    });
  }
}

const createInterface = (input, output) => new Interface(input, output);

function move(sequence) {
  return (stream, ...args) => {
    const done = args.find((a) => typeof a === "function");
    stream?.write(sequence(...args));
    done?.();
    return true;
  };
}

module.exports = {
  Interface,
  createInterface,
  clearLine: move((direction) => (direction < 0 ? "\x1b[1K" : direction > 0 ? "\x1b[0K" : "\x1b[2K")),
  clearScreenDown: move(() => "\x1b[0J"),
  cursorTo: move((x, y) => (typeof y === "number" ? `\x1b[${y + 1};${x + 1}H` : `\x1b[${x + 1}G`)),
  moveCursor: move((dx, dy) => (dx > 0 ? `\x1b[${dx}C` : dx < 0 ? `\x1b[${-dx}D` : "") + (dy > 0 ? `\x1b[${dy}B` : dy < 0 ? `\x1b[${-dy}A` : "")),
  emitKeypressEvents() {},
  promises: { Interface: PromiseInterface, createInterface: (input, output) => new PromiseInterface(input, output) },
};
