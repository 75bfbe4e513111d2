// TextEncoder and TextDecoder.

const replacement = 0xfffd;

// encode returns the UTF-8 bytes of a string.
function encode(text) {
  const bytes = new Uint8Array(text.length * 3);
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    let c = text.charCodeAt(i);
    if (c < 0x80) {
      bytes[n++] = c;
      continue;
    }
    if (c >= 0xd800 && c < 0xe000) {
      const low = c < 0xdc00 ? text.charCodeAt(i + 1) : NaN;
      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        i++;
      } else {
        c = replacement;
      }
    }
    if (c < 0x800) {
      bytes[n++] = 0xc0 | (c >> 6);
    } else {
      if (c < 0x10000) {
        bytes[n++] = 0xe0 | (c >> 12);
      } else {
        bytes[n++] = 0xf0 | (c >> 18);
        bytes[n++] = 0x80 | ((c >> 12) & 63);
      }
      bytes[n++] = 0x80 | ((c >> 6) & 63);
    }
    bytes[n++] = 0x80 | (c & 63);
  }
  return bytes.slice(0, n);
}

class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    return encode(`${text}`);
  }

  encodeInto(text, target) {
    let read = 0;
    let written = 0;
    for (const character of `${text}`) {
      const bytes = encode(character);
      if (written + bytes.length > target.length) {
        break;
      }
      target.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

// ---- Decoding

function toBytes(data) {
  if (data === undefined) {
    return new Uint8Array(0);
  }
  if (data instanceof ArrayBuffer) {
    return new Uint8Array(data);
  }
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new TypeError('The "input" argument must be an instance of ArrayBuffer or ArrayBufferView.');
}

// A table of the lead bytes: how many bytes follow, and the range of the first.
function lead(b) {
  if (b >= 0xc2 && b <= 0xdf) {
    return [1, 0x80, 0xbf];
  }
  if (b >= 0xe0 && b <= 0xef) {
    return [2, b === 0xe0 ? 0xa0 : 0x80, b === 0xed ? 0x9f : 0xbf];
  }
  if (b >= 0xf0 && b <= 0xf4) {
    return [3, b === 0xf0 ? 0x90 : 0x80, b === 0xf4 ? 0x8f : 0xbf];
  }
  return null;
}

// decodeUTF8 returns the text of bytes and the incomplete character at the end.
function decodeUTF8(bytes, fatal, last) {
  const units = [];
  const parts = [];
  let i = 0;
  while (i < bytes.length) {
    if (units.length > 4096) {
      parts.push(String.fromCharCode(...units.splice(0)));
    }
    const b = bytes[i];
    if (b < 0x80) {
      units.push(b);
      i++;
      continue;
    }
    const shape = lead(b);
    let length = 1;
    if (shape !== null) {
      let [more, from, to] = shape;
      let c = b & (0x3f >> more);
      while (length <= more && i + length < bytes.length && bytes[i + length] >= from && bytes[i + length] <= to) {
        c = (c << 6) | (bytes[i + length] & 63);
        length++;
        [from, to] = [0x80, 0xbf];
      }
      if (length > more) {
        if (c >= 0x10000) {
          units.push(0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
        } else {
          units.push(c);
        }
        i += length;
        continue;
      }
      if (i + length === bytes.length && !last) {
        break;
      }
    }
    if (fatal) {
      const error = new TypeError("The encoded data was not valid for encoding utf-8");
      error.code = "ERR_ENCODING_INVALID_ENCODED_DATA";
      throw error;
    }
    units.push(replacement);
    i += length;
  }
  parts.push(String.fromCharCode(...units));
  return [parts.join(""), bytes.slice(i)];
}

const labels = {
  __proto__: null, "utf-8": "utf-8", utf8: "utf-8", "unicode-1-1-utf-8": "utf-8", "utf-16le": "utf-16le", "utf-16": "utf-16le",
  latin1: "windows-1252", ascii: "windows-1252", "us-ascii": "windows-1252", "iso-8859-1": "windows-1252", "windows-1252": "windows-1252",
};

class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBOM;
  #rest = new Uint8Array(0);
  #begun = false;

  constructor(label = "utf-8", options = {}) {
    this.#encoding = labels[`${label}`.trim().toLowerCase()];
    if (this.#encoding === undefined) {
      const error = new RangeError(`The "${label}" encoding is not supported`);
      error.code = "ERR_ENCODING_NOT_SUPPORTED";
      throw error;
    }
    this.#fatal = Boolean(options?.fatal);
    this.#ignoreBOM = Boolean(options?.ignoreBOM);
  }

  get encoding() {
    return this.#encoding;
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(data, options) {
    const stream = Boolean(options?.stream);
    let bytes = toBytes(data);
    if (this.#rest.length > 0) {
      const all = new Uint8Array(this.#rest.length + bytes.length);
      all.set(this.#rest);
      all.set(bytes, this.#rest.length);
      bytes = all;
    }
    let text;
    [text, this.#rest] = this.#decode(bytes, !stream);
    if (!this.#begun && !this.#ignoreBOM && text.startsWith("\ufeff")) {
      text = text.slice(1);
    }
    this.#begun = stream && (this.#begun || text.length > 0);
    return text;
  }

  #decode(bytes, last) {
    if (this.#encoding === "utf-8") {
      return decodeUTF8(bytes, this.#fatal, last);
    }
    const wide = this.#encoding === "utf-16le";
    const step = wide ? 2 : 1;
    let text = "";
    let i = 0;
    for (; i + step <= bytes.length; i += step) {
      text += String.fromCharCode(wide ? bytes[i] | (bytes[i + 1] << 8) : bytes[i]);
    }
    return [text, bytes.slice(i)];
  }
}

Object.assign(exports, { TextEncoder, TextDecoder, encode, toBytes });
