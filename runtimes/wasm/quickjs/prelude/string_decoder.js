// StringDecoder: bytes that come in pieces as text.

class StringDecoder {
  #decoder;

  constructor(encoding = "utf8") {
    this.encoding = encoding;
    this.#decoder = new TextDecoder(encoding);
  }

  write(bytes) {
    return typeof bytes === "string" ? bytes : this.#decoder.decode(bytes, { stream: true });
  }

  end(bytes) {
    return (bytes === undefined ? "" : this.write(bytes)) + this.#decoder.decode();
  }
}

module.exports = { StringDecoder };
