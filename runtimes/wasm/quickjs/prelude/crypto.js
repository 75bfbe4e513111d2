// crypto: random values, from the host's source of randomness.

const { random } = host;
const most = 65536;

function fill(bytes) {
  for (let i = 0; i < bytes.length; i += most) {
    bytes.set(random(Math.min(most, bytes.length - i)), i);
  }
  return bytes;
}

function getRandomValues(array) {
  if (!ArrayBuffer.isView(array) || array instanceof DataView || /^Float/.test(array[Symbol.toStringTag])) {
    throw new DOMException("The data argument must be an integer-type TypedArray", "TypeMismatchError");
  }
  if (array.byteLength > most) {
    throw new DOMException(`The requested length exceeds ${most} bytes`, "QuotaExceededError");
  }
  fill(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return array;
}

function randomUUID() {
  const bytes = fill(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const text = bytes.toHex();
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}

function randomInt(min, max, done) {
  if (max === undefined || typeof max === "function") {
    [min, max, done] = [0, min, max];
  }
  const range = max - min;
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || range <= 0 || range > 2 ** 48) {
    throw new RangeError(`The value of "max" is out of range. It must be greater than the value of "min" (${min}). Received ${max}`);
  }
  const limit = 2 ** 48 - (2 ** 48 % range); // above it some results would be likelier
  for (;;) {
    const value = fill(new Uint8Array(6)).reduce((n, b) => n * 256 + b, 0);
    if (value < limit) {
      const result = min + (value % range);
      if (typeof done === "function") {
        process.nextTick(done, null, result);
        return undefined;
      }
      return result;
    }
  }
}

const crypto = {
  getRandomValues,
  randomUUID,
  randomInt,
  randomBytes(size, done) {
    const bytes = require("buffer").Buffer.from(fill(new Uint8Array(size)).buffer);
    if (typeof done === "function") {
      process.nextTick(done, null, bytes);
      return undefined;
    }
    return bytes;
  },
  randomFillSync: (array) => {
    fill(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return array;
  },
};
crypto.webcrypto = crypto;
crypto.crypto = crypto;

module.exports = crypto;
