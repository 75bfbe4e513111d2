// fs over the run's own folder: the calls that wait, those with a callback, and
// fs.promises.

const { Buffer } = require("buffer");
const path = require("path");
const errors = {
  EACCES: "permission denied", EBADF: "bad file descriptor", EEXIST: "file already exists", EFBIG: "file too large",
  EINVAL: "invalid argument", EIO: "i/o error", EISDIR: "illegal operation on a directory", ELOOP: "too many symbolic links encountered",
  ENAMETOOLONG: "name too long", ENOENT: "no such file or directory", ENOSYS: "function not implemented",
  ENOTDIR: "not a directory", ENOTEMPTY: "directory not empty", ENOTSUP: "operation not supported on socket",
  EPERM: "operation not permitted", EROFS: "read-only file system", EXDEV: "cross-device link not permitted",
};
const numbers = { EPERM: 1, ENOENT: 2, EIO: 5, EBADF: 9, EACCES: 13, EEXIST: 17, EXDEV: 18, ENOTDIR: 20, EISDIR: 21, EINVAL: 22, EFBIG: 27, EROFS: 30, ENAMETOOLONG: 36, ENOSYS: 38, ENOTEMPTY: 39, ELOOP: 40, ENOTSUP: 95 };

function fail(code, syscall, file, dest) {
  const places = file === undefined ? "" : ` '${file}'${dest === undefined ? "" : ` -> '${dest}'`}`;
  const error = new Error(`${code}: ${errors[code] ?? "unknown error"}, ${syscall}${places}`);
  error.errno = -(numbers[code] ?? 5);
  error.code = code;
  error.syscall = syscall;
  if (file !== undefined) {
    error.path = file;
  }
  if (dest !== undefined) {
    error.dest = dest;
  }
  return error;
}

function must(code, syscall, file, dest) {
  if (code !== undefined) {
    throw fail(code, syscall, file, dest);
  }
}

// given returns a path as the caller wrote it.
function given(file) {
  if (file instanceof Uint8Array) {
    return new TextDecoder().decode(file);
  }
  if (typeof file === "object" && file !== null && typeof file.href === "string") {
    return require("url").fileURLToPath(file);
  }
  if (typeof file !== "string") {
    throw require("internal/errors").wrongType("path", "of type string or an instance of Buffer or URL", file);
  }
  return file;
}

const encodingOf = (options) => (typeof options === "string" ? options : (options?.encoding ?? null));

function contentOf(data, options) {
  if (typeof data === "string") {
    const encoding = encodingOf(options);
    return encoding === null || /^utf-?8$/i.test(encoding) ? data : Buffer.from(data, encoding);
  }
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  throw require("internal/errors").wrongType("data", "of type string or an instance of Buffer, TypedArray, or DataView", data);
}

function decode(bytes, options) {
  const encoding = encodingOf(options);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return encoding === null || encoding === "buffer" ? buffer : buffer.toString(encoding);
}

// ---- What a file is

class Stats {
  constructor(s) {
    this.dev = 1;
    this.mode = s.mode | (s.dir ? 0o040000 : 0o100000);
    this.nlink = 1;
    this.uid = 0;
    this.gid = 0;
    this.size = s.size;
    this.blksize = 4096;
    this.blocks = Math.ceil(s.size / 512);
    for (const kind of ["atime", "mtime", "ctime", "birthtime"]) {
      this[`${kind}Ms`] = s.mtime;
      this[kind] = new Date(s.mtime);
    }
  }

  isFile() {
    return (this.mode & 0o170000) === 0o100000;
  }

  isDirectory() {
    return (this.mode & 0o170000) === 0o040000;
  }

  isSymbolicLink() {
    return false;
  }
}

class Dirent {
  #dir;

  constructor(name, parent, dir) {
    this.name = name;
    this.parentPath = parent;
    this.path = parent;
    this.#dir = dir;
  }

  isFile() {
    return !this.#dir;
  }

  isDirectory() {
    return this.#dir;
  }

  isSymbolicLink() {
    return false;
  }
}

// statOf returns what the host knows of a file, or the name of an error.
function statOf(file) {
  const text = host.stat(path.resolve(file));
  return text.startsWith("{") ? JSON.parse(text) : text;
}

// ---- The calls that wait

const sync = {
  readFile(file, options) {
    if (file === 0 || file === "/dev/stdin") {
      return decode(require("internal/stdin").readAll(), options);
    }
    const name = given(file);
    const data = host.readFile(path.resolve(name));
    if (typeof data === "string") {
      throw data === "EISDIR" ? fail(data, "read") : fail(data, "open", name);
    }
    return decode(data, options);
  },
  writeFile(file, data, options) {
    const content = contentOf(data, options);
    if (file === 1 || file === 2 || file === "/dev/stdout" || file === "/dev/stderr") {
      host.write(file === 2 || file === "/dev/stderr" ? 2 : 1, content);
      return;
    }
    const name = given(file);
    const flag = (typeof options === "object" && options?.flag) || "w";
    must(host.writeFile(path.resolve(name), content, flag[0] === "a" ? "a" : flag.includes("x") ? "wx" : "w"), "open", name);
  },
  appendFile(file, data, options) {
    const o = typeof options === "string" ? { encoding: options } : options;
    sync.writeFile(file, data, { ...o, flag: "a" });
  },
  copyFile(from, to, mode) {
    const source = given(from);
    const data = host.readFile(path.resolve(source));
    if (typeof data === "string") {
      throw fail(data, "copyfile", source, given(to));
    }
    must(host.writeFile(path.resolve(given(to)), data, mode & 1 ? "wx" : "w"), "copyfile", source, given(to));
  },
  stat(file, options) {
    const name = given(file);
    const s = statOf(name);
    if (typeof s !== "string") {
      return new Stats(s);
    }
    if (s === "ENOENT" && options?.throwIfNoEntry === false) {
      return undefined;
    }
    throw fail(s, "stat", name);
  },
  access(file) {
    const name = given(file);
    const s = statOf(name);
    if (typeof s === "string") {
      throw fail(s, "access", name);
    }
  },
  readdir(dir, options) {
    const name = given(dir);
    const text = host.readdir(path.resolve(name));
    if (!text.startsWith("[")) {
      throw fail(text, "scandir", name);
    }
    const found = JSON.parse(text).sort(([a], [b]) => (a < b ? -1 : 1));
    const result = found.map(([entry, isDir]) => (options?.withFileTypes ? new Dirent(entry, name, isDir) : entry));
    if (options?.recursive) {
      for (const [entry] of found.filter(([, isDir]) => isDir)) {
        const inner = sync.readdir(path.join(name, entry), options);
        result.push(...inner.map((e) => (typeof e === "string" ? path.join(entry, e) : e)));
      }
    }
    return result;
  },
  mkdir(dir, options) {
    const name = given(dir);
    const full = path.resolve(name);
    const code = host.mkdir(full);
    if (typeof options !== "object" || !options?.recursive) {
      must(code, "mkdir", name);
      return undefined;
    }
    if (code === "ENOENT" && full !== "/") {
      const first = sync.mkdir(path.dirname(full), { recursive: true });
      must(host.mkdir(full), "mkdir", name);
      return first ?? full;
    }
    if (code === "EEXIST" && statOf(full).dir) {
      return undefined;
    }
    must(code, "mkdir", name);
    return full;
  },
  unlink(file) {
    must(host.unlink(path.resolve(given(file))), "unlink", given(file));
  },
  rmdir(dir) {
    must(host.rmdir(path.resolve(given(dir))), "rmdir", given(dir));
  },
  rm(file, options = {}) {
    const name = given(file);
    const s = statOf(name);
    if (typeof s === "string") {
      if (s !== "ENOENT" || !options?.force) {
        throw fail(s, "rm", name);
      }
      return;
    }
    if (!s.dir) {
      sync.unlink(name);
      return;
    }
    if (!options?.recursive) {
      const error = new Error(`Path is a directory: rm returned EISDIR (is a directory) ${name}`);
      error.code = "ERR_FS_EISDIR";
      throw error;
    }
    for (const entry of sync.readdir(name)) {
      sync.rm(path.join(name, entry), options);
    }
    sync.rmdir(name);
  },
  rename(from, to) {
    must(host.rename(path.resolve(given(from)), path.resolve(given(to))), "rename", given(from), given(to));
  },
  truncate(file, size = 0) {
    const bytes = sync.readFile(file);
    const cut = new Uint8Array(size);
    cut.set(bytes.subarray(0, size));
    sync.writeFile(file, cut);
  },
  realpath(file) {
    const name = given(file);
    const s = statOf(name);
    if (typeof s === "string") {
      throw fail(s, "realpath", name);
    }
    return path.resolve(name);
  },
  mkdtemp(prefix) {
    const name = prefix + Math.random().toString(36).slice(2, 8).padEnd(6, "0");
    sync.mkdir(name);
    return name;
  },
};
sync.lstat = sync.stat;

const fs = {};
const promises = {};

for (const [name, call] of Object.entries(sync)) {
  fs[`${name}Sync`] = call;
  promises[name] = async (...args) => call(...args);
  fs[name] = (...args) => {
    const done = args.pop();
    if (typeof done !== "function") {
      throw require("internal/errors").wrongType("cb", "of type function", done);
    }
    let failed = null;
    let result;
    try {
      result = call(...args);
    } catch (error) {
      failed = error;
    }
    setImmediate(() => (failed === null ? done(null, result) : done(failed)));
  };
}

fs.existsSync = (file) => {
  try {
    return typeof statOf(given(file)) !== "string";
  } catch {
    return false;
  }
};
fs.exists = (file, done) => {
  setImmediate(done, fs.existsSync(file));
};
fs.constants = Object.freeze({ F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1, COPYFILE_EXCL: 1 });
promises.constants = fs.constants;
fs.promises = promises;
fs.Stats = Stats;
fs.Dirent = Dirent;

module.exports = fs;
