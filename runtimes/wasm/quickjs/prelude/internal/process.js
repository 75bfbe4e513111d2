// process, as far as there is one.

const state = require("internal/state");
const { EventEmitter } = require("events");
const { write } = host;

const process = Object.create(EventEmitter.prototype);
EventEmitter.call(process);

// ---- The queue of nextTick. It runs before promise jobs.

let queue = [];
let watched = false; // the host asks for ticks

state.takeTicks = () => {
  if (queue.length === 0) {
    return false;
  }
  const batch = queue;
  queue = [];
  for (let i = 0; i < batch.length; i++) {
    try {
      batch[i].callback(...batch[i].args);
    } catch (error) {
      queue = [...batch.slice(i + 1), ...queue];
      throw error;
    }
  }
  return true;
};

state.dropTicks = () => {
  queue = [];
};

function nextTick(callback, ...args) {
  if (typeof callback !== "function") {
    throw require("internal/errors").wrongType("callback", "of type function", callback);
  }
  if (!watched) {
    watched = true;
    host.watchTicks();
  }
  queue.push({ callback, args });
}

// ---- Time

function hrtime(since) {
  const now = performance.now();
  let seconds = Math.floor(now / 1000);
  let nanoseconds = Math.floor((now % 1000) * 1e6);
  if (since !== undefined) {
    seconds -= since[0];
    nanoseconds -= since[1];
    if (nanoseconds < 0) {
      seconds--;
      nanoseconds += 1e9;
    }
  }
  return [seconds, nanoseconds];
}
hrtime.bigint = () => BigInt(Math.floor(performance.now() * 1e6));

// ---- Output

function outputStream(fd) {
  const stream = Object.create(EventEmitter.prototype);
  EventEmitter.call(stream);
  const send = (data, encoding, done) => {
    if (typeof encoding === "function") {
      done = encoding;
    }
    if (typeof data !== "string" && !(data instanceof Uint8Array)) {
      throw require("internal/errors").wrongType("chunk", "of type string or an instance of Buffer or Uint8Array", data);
    }
    write(fd, data);
    if (typeof done === "function") {
      nextTick(done);
    }
    return true;
  };
  return Object.assign(stream, {
    fd,
    isTTY: false,
    writable: true,
    columns: 80,
    rows: 24,
    write: send,
    end(data, encoding, done) {
      if (data !== undefined && typeof data !== "function") {
        send(data, encoding, done);
      }
      return this;
    },
    cork() {},
    uncork() {},
    hasColors: () => false,
    getColorDepth: () => 1,
  });
}

let stdin;
let exitCode;

Object.assign(process, {
  title: "node",
  version: "v20.0.0",
  versions: { node: "20.0.0", quickjs: "0.17.0" },
  release: { name: "node" },
  arch: "wasm32",
  platform: "linux",
  pid: 1,
  ppid: 0,
  argv: [],
  argv0: "node",
  execPath: "/usr/bin/node",
  execArgv: [],
  env: {},
  config: {},
  features: {},
  exiting: false,
  stdout: outputStream(1),
  stderr: outputStream(2),
  nextTick,
  hrtime,
  cwd: () => state.settings.cwd,
  chdir() {
    throw new Error("process.chdir() is not supported in a sandbox");
  },
  uptime: () => performance.now() / 1000,
  umask: () => 0o22,
  memoryUsage: Object.assign(() => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }), { rss: () => 0 }),
  cpuUsage: () => ({ user: Math.floor(performance.now() * 1000), system: 0 }),
  emitWarning(warning) {
    const name = warning instanceof Error ? warning.name : "Warning";
    write(2, `(node:1) ${name}: ${warning instanceof Error ? warning.message : warning}\n`);
  },
  abort() {
    host.exit(134);
  },
  kill() {
    throw new Error("process.kill() is not supported in a sandbox");
  },
  exit(code) {
    if (code !== undefined) {
      process.exitCode = code;
    }
    if (!state.exiting) {
      state.exiting = true;
      process.emit("exit", Number(exitCode ?? 0) | 0);
    }
    host.exit(Number(exitCode ?? 0) | 0);
  },
  getBuiltinModule(name) {
    try {
      const found = host.resolve(`${name}`, "");
      return found.startsWith("node:") ? require(found.slice(5)) : undefined;
    } catch {
      return undefined;
    }
  },
});
Object.defineProperties(process, {
  exitCode: {
    get: () => exitCode,
    set(code) {
      if (code !== undefined && code !== null && !Number.isInteger(typeof code === "string" && code !== "" ? Number(code) : code)) {
        throw require("internal/errors").wrongType("code", "of type number", code);
      }
      exitCode = state.exitCode = code ?? undefined;
    },
    enumerable: true,
    configurable: true,
  },
  stdin: { get: () => (stdin ??= require("internal/stdin").stdin), enumerable: true, configurable: true },
  [Symbol.toStringTag]: { value: "process", configurable: true },
});
// The settings are on it already when a program gets to see it.
state.process = process;
state.configureProcess = ({ argv, env }) => {
  process.argv = argv;
  process.env = { ...env };
};

exports.process = process;
