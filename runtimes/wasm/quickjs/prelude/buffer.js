// Buffer: bytes as Node's programs know them.

const { encode } = require("internal/encoding");
const TypedArray = Object.getPrototypeOf(Uint8Array);

// ---- Encodings

const names = {
  __proto__: null, utf8: "utf8", "utf-8": "utf8", hex: "hex", base64: "base64", base64url: "base64url", latin1: "latin1",
  binary: "latin1", ascii: "ascii", utf16le: "utf16le", "utf-16le": "utf16le", ucs2: "utf16le", "ucs-2": "utf16le",
};

function encodingName(encoding = "utf8") {
  const name = names[`${encoding}`.toLowerCase()];
  if (name === undefined) {
    const error = new TypeError(`Unknown encoding: ${encoding}`);
    error.code = "ERR_UNKNOWN_ENCODING";
    throw error;
  }
  return name;
}

function units(text, size) {
  const bytes = new Uint8Array(text.length * size);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    bytes[i * size] = c;
    if (size === 2) {
      bytes[i * 2 + 1] = c >> 8;
    }
  }
  return bytes;
}

function fromBase64(text) {
  const plain = text.replace(/=.*$/s, "").replace(/-/g, "+").replace(/_/g, "/").replace(/[^A-Za-z0-9+/]/g, "");
  return Uint8Array.fromBase64(plain.length % 4 === 1 ? plain.slice(0, -1) : plain, { lastChunkHandling: "loose" });
}

function toBytes(text, encoding) {
  switch (encodingName(encoding)) {
    case "utf8":
      return encode(text);
    case "hex":
      return Uint8Array.fromHex(/^(?:[0-9a-f]{2})*/i.exec(text)[0]);
    case "base64":
    case "base64url":
      return fromBase64(text);
    case "utf16le":
      return units(text, 2);
  }
  return units(text, 1);
}

function toText(bytes, encoding) {
  const name = encodingName(encoding);
  switch (name) {
    case "utf8":
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    case "hex":
      return bytes.toHex();
    case "base64":
      return bytes.toBase64();
    case "base64url":
      return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
    case "utf16le":
      return new TextDecoder("utf-16le", { ignoreBOM: true }).decode(bytes);
  }
  let text = "";
  for (const b of bytes) {
    text += String.fromCharCode(name === "ascii" ? b & 127 : b);
  }
  return text;
}

// ---- Making buffers

class FastBuffer extends Uint8Array {}

const view = (bytes) => new FastBuffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function from(value, encodingOrOffset, length) {
  if (typeof value === "string") {
    return view(toBytes(value, encodingOrOffset));
  }
  if (value instanceof ArrayBuffer || (typeof SharedArrayBuffer === "function" && value instanceof SharedArrayBuffer)) {
    return new FastBuffer(value, encodingOrOffset, length);
  }
  if (value?.type === "Buffer" && Array.isArray(value.data)) {
    return new FastBuffer(value.data);
  }
  if (value !== null && typeof value === "object" && (value[Symbol.iterator] !== undefined || typeof value.length === "number")) {
    return new FastBuffer(Array.from(value));
  }
  const plain = value?.valueOf?.();
  if (plain !== undefined && plain !== null && plain !== value) {
    return from(plain, encodingOrOffset, length);
  }
  const error = new TypeError(`The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object. Received ${require("internal/errors").received(value)}`);
  error.code = "ERR_INVALID_ARG_TYPE";
  throw error;
}

function alloc(size, fill, encoding) {
  if (typeof size !== "number" || !(size >= 0)) {
    throw require("internal/errors").wrongType("size", "a non-negative number", size);
  }
  const buffer = new FastBuffer(size);
  return fill === undefined || fill === 0 ? buffer : buffer.fill(fill, encoding);
}

function Buffer(value, encoding, length) {
  return typeof value === "number" ? alloc(value) : from(value, encoding, length);
}

Object.assign(Buffer, {
  from,
  alloc,
  allocUnsafe: (size) => alloc(size),
  allocUnsafeSlow: (size) => alloc(size),
  of: (...bytes) => new FastBuffer(bytes),
  isBuffer: (value) => value instanceof FastBuffer,
  isEncoding: (encoding) => typeof encoding === "string" && names[encoding.toLowerCase()] !== undefined,
  byteLength: (value, encoding) => (typeof value === "string" ? toBytes(value, encoding).length : value.byteLength),
  concat(list, size = list.reduce((n, b) => n + b.length, 0)) {
    const all = alloc(size);
    let at = 0;
    for (const bytes of list) {
      all.set(bytes.subarray(0, Math.max(0, size - at)), at);
      at = Math.min(size, at + bytes.length);
    }
    return all;
  },
  compare(a, b) {
    for (let i = 0; i < a.length && i < b.length; i++) {
      if (a[i] !== b[i]) {
        return a[i] < b[i] ? -1 : 1;
      }
    }
    return Math.sign(a.length - b.length);
  },
  poolSize: 8192,
});
Buffer.prototype = FastBuffer.prototype;
Object.setPrototypeOf(Buffer, Uint8Array);
Object.defineProperty(FastBuffer.prototype, "constructor", { value: Buffer, writable: true, configurable: true });
Object.defineProperty(FastBuffer, "name", { value: "Buffer" });

// ---- Methods

const methods = {
  toString(encoding, start = 0, end = this.length) {
    return toText(this.subarray(start, end), encoding);
  },
  toJSON() {
    return { type: "Buffer", data: Array.from(this) };
  },
  equals(other) {
    return Buffer.compare(this, other) === 0;
  },
  compare(other) {
    return Buffer.compare(this, other);
  },
  slice(start, end) {
    return this.subarray(start, end);
  },
  subarray(start, end) {
    return view(TypedArray.prototype.subarray.call(new Uint8Array(this.buffer, this.byteOffset, this.length), start, end));
  },
  copy(target, at = 0, start = 0, end = this.length) {
    const part = this.subarray(start, Math.min(end, start + target.length - at));
    target.set(part, at);
    return part.length;
  },
  write(text, at = 0, length, encoding) {
    if (typeof at === "string") {
      [at, encoding] = [0, at];
    } else if (typeof length === "string") {
      [length, encoding] = [undefined, length];
    }
    const bytes = toBytes(text, encoding).subarray(0, Math.min(length ?? Infinity, this.length - at));
    this.set(bytes, at);
    return bytes.length;
  },
  fill(value, start = 0, end = this.length, encoding) {
    if (typeof start === "string") {
      [start, encoding] = [0, start];
    }
    if (typeof value !== "string" && !ArrayBuffer.isView(value)) {
      return TypedArray.prototype.fill.call(this, value, start, end);
    }
    const bytes = typeof value === "string" ? toBytes(value, encoding) : value;
    for (let i = start; i < end; i++) {
      this[i] = bytes.length === 0 ? 0 : bytes[(i - start) % bytes.length];
    }
    return this;
  },
  indexOf(value, from = 0, encoding) {
    if (typeof value === "number") {
      return TypedArray.prototype.indexOf.call(this, value & 255, from);
    }
    const bytes = typeof value === "string" ? toBytes(value, encoding) : value;
    for (let i = from < 0 ? Math.max(0, this.length + from) : from; i + bytes.length <= this.length; i++) {
      if (bytes.every((b, j) => this[i + j] === b)) {
        return i;
      }
    }
    return -1;
  },
  includes(value, from, encoding) {
    return this.indexOf(value, from, encoding) >= 0;
  },
  [Symbol.for("nodejs.util.inspect.custom")]() {
    const shown = [...TypedArray.prototype.subarray.call(this, 0, 50)].map((b) => b.toString(16).padStart(2, "0"));
    const more = this.length - 50;
    return `<Buffer${shown.map((b) => ` ${b}`).join("")}${more > 0 ? ` ... ${more} more byte${more > 1 ? "s" : ""}` : ""}>`;
  },
};

// Numbers: readUInt8, writeInt32LE and so on, by way of a DataView.
const numberKinds = { UInt8: 1, Int8: 1, UInt16: 2, Int16: 2, UInt32: 4, Int32: 4, Float: 4, Double: 8, BigInt64: 8, BigUInt64: 8 };
const viewNames = { UInt8: "Uint8", UInt16: "Uint16", UInt32: "Uint32", Float: "Float32", Double: "Float64", BigUInt64: "BigUint64" };

for (const [kind, size] of Object.entries(numberKinds)) {
  for (const order of size === 1 ? [""] : ["LE", "BE"]) {
    const name = viewNames[kind] ?? kind;
    const dataView = (buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    const read = function (at = 0) {
      return dataView(this)[`get${name}`](at, order === "LE");
    };
    const write = function (value, at = 0) {
      dataView(this)[`set${name}`](at, value, order === "LE");
      return at + size;
    };
    for (const alias of [kind, kind.replace("UInt", "Uint")]) {
      methods[`read${alias}${order}`] = read;
      methods[`write${alias}${order}`] = write;
    }
  }
}

for (const key of Reflect.ownKeys(methods)) {
  Object.defineProperty(FastBuffer.prototype, key, { value: methods[key], writable: true, configurable: true });
}

// ---- Blob

class Blob {
  #bytes;
  #type;

  constructor(parts = [], options = {}) {
    this.#bytes = Buffer.concat([...parts].map((p) => (typeof p === "string" ? from(p) : p instanceof Blob ? p.#bytes : from(p.buffer ?? p, p.byteOffset, p.byteLength))));
    this.#type = `${options?.type ?? ""}`.toLowerCase();
  }

  get size() {
    return this.#bytes.length;
  }

  get type() {
    return this.#type;
  }

  async text() {
    return this.#bytes.toString();
  }

  async arrayBuffer() {
    return new Uint8Array(this.#bytes).buffer;
  }

  async bytes() {
    return new Uint8Array(this.#bytes);
  }

  slice(start, end, type) {
    return new Blob([this.#bytes.subarray(start, end)], { type });
  }

  [Symbol.for("nodejs.util.inspect.custom")]() {
    return `Blob { size: ${this.size}, type: '${this.type}' }`;
  }
}

module.exports = { Buffer, Blob, atob: (text) => atob(text), btoa: (text) => btoa(text), kMaxLength: 2 ** 32, constants: { MAX_LENGTH: 2 ** 32, MAX_STRING_LENGTH: 2 ** 29 - 1 } };
