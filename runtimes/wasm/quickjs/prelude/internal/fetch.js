// fetch, which can only say that there is no network.

exports.fetch = async function fetch(resource) {
  const url = typeof resource === "object" && resource !== null && "url" in resource ? resource.url : resource;
  const cause = new Error(`there is no network in this sandbox, so ${url} cannot be reached`);
  cause.code = "ENETUNREACH";
  throw new TypeError("fetch failed", { cause });
};

exports.Headers = class Headers {
  #map = new Map();

  constructor(init = []) {
    const entries = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
    for (const [name, value] of entries) {
      this.append(name, value);
    }
  }

  append(name, value) {
    const key = `${name}`.toLowerCase();
    this.#map.set(key, this.#map.has(key) ? `${this.#map.get(key)}, ${value}` : `${value}`);
  }

  delete(name) {
    this.#map.delete(`${name}`.toLowerCase());
  }

  get(name) {
    return this.#map.get(`${name}`.toLowerCase()) ?? null;
  }

  has(name) {
    return this.#map.has(`${name}`.toLowerCase());
  }

  set(name, value) {
    this.#map.set(`${name}`.toLowerCase(), `${value}`);
  }

  forEach(callback, self) {
    for (const [name, value] of this) {
      callback.call(self, value, name, this);
    }
  }

  *entries() {
    yield* [...this.#map].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  *keys() {
    for (const [name] of this.entries()) {
      yield name;
    }
  }

  *values() {
    for (const [, value] of this.entries()) {
      yield value;
    }
  }

  [Symbol.iterator]() {
    return this.entries();
  }
};
