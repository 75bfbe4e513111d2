// URL and URLSearchParams.

const {
  cut, failure, fragmentSet, isSpecial, parse, parseHost, pathText, percent, portOf, queryOf, segments, serialize, unpercent, userSet,
} = require("internal/url_parser");

// ---- URLSearchParams

const formSafe = /[A-Za-z0-9*._-]/;
const formEncode = (text) => percent(text, (c) => !formSafe.test(String.fromCharCode(c)) && c !== 32).replaceAll(" ", "+");
const formDecode = (text) => unpercent(text.replaceAll("+", " "));

class URLSearchParams {
  #list = [];
  #changed = () => {};

  constructor(init = "") {
    if (typeof init === "object" && init !== null || typeof init === "function") {
      const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
      for (const pair of pairs) {
        const [name, value, ...rest] = pair;
        if (value === undefined || rest.length > 0) {
          throw new TypeError("Each query pair must be an iterable [name, value] tuple");
        }
        this.#list.push([`${name}`.toWellFormed(), `${value}`.toWellFormed()]);
      }
      return;
    }
    this.#read(`${init}`.replace(/^\?/, ""));
  }

  #read(text) {
    this.#list = text.split("&").filter((pair) => pair !== "").map((pair) => {
      const [name, value] = cut(pair, "=");
      return [formDecode(name), formDecode(value ?? "")];
    });
  }

  // follow makes params of a URL's query and calls changed with each new one.
  static follow(params, query, changed) {
    params.#changed = () => {};
    params.#read(query ?? "");
    params.#changed = changed;
  }

  append(name, value) {
    this.#list.push([`${name}`, `${value}`]);
    this.#changed(this.toString());
  }

  delete(name, value) {
    this.#list = this.#list.filter(([n, v]) => n !== `${name}` || (value !== undefined && v !== `${value}`));
    this.#changed(this.toString());
  }

  get(name) {
    return this.#list.find(([n]) => n === `${name}`)?.[1] ?? null;
  }

  getAll(name) {
    return this.#list.filter(([n]) => n === `${name}`).map(([, v]) => v);
  }

  has(name, value) {
    return this.#list.some(([n, v]) => n === `${name}` && (value === undefined || v === `${value}`));
  }

  set(name, value) {
    const at = this.#list.findIndex(([n]) => n === `${name}`);
    if (at < 0) {
      this.#list.push([`${name}`, `${value}`]);
    } else {
      this.#list[at] = [`${name}`, `${value}`];
      this.#list = this.#list.filter(([n], i) => n !== `${name}` || i <= at);
    }
    this.#changed(this.toString());
  }

  sort() {
    this.#list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#changed(this.toString());
  }

  forEach(callback, self) {
    for (const [name, value] of this.#list) {
      callback.call(self, value, name, this);
    }
  }

  get size() {
    return this.#list.length;
  }

  *entries() {
    for (const [name, value] of this.#list) {
      yield [name, value];
    }
  }

  *keys() {
    for (const [name] of this.#list) {
      yield name;
    }
  }

  *values() {
    for (const [, value] of this.#list) {
      yield value;
    }
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  toString() {
    return this.#list.map(([name, value]) => `${formEncode(name)}=${formEncode(value)}`).join("&");
  }

  [Symbol.for("nodejs.util.inspect.custom")](depth, options, inspect) {
    const pairs = this.#list.map(([name, value]) => `${inspect(name)} => ${inspect(value)}`);
    return pairs.length === 0 ? "URLSearchParams {}" : `URLSearchParams { ${pairs.join(", ")} }`;
  }
}
const { follow } = URLSearchParams;
delete URLSearchParams.follow;

// ---- URL

class URL {
  #record;
  #params = new URLSearchParams();

  constructor(input, base) {
    if (arguments.length === 0) {
      throw new TypeError('The "url" argument must be specified');
    }
    const parent = base === undefined ? undefined : parse(`${base}`);
    this.#record = parent === null ? null : parse(`${input}`, parent);
    if (this.#record === null) {
      throw failure(`${input}`, base === undefined ? undefined : `${base}`);
    }
    this.#follow();
  }

  #follow() {
    follow(this.#params, this.#record.query, (query) => {
      this.#record.query = query === "" ? null : query;
    });
  }

  static canParse(input, base) {
    return URL.parse(input, base) !== null;
  }

  static parse(input, base) {
    try {
      return new URL(input, base);
    } catch {
      return null;
    }
  }

  // change replaces the record by that of a new text, if it is one.
  #change(text) {
    const record = parse(text);
    if (record !== null) {
      this.#record = record;
      this.#follow();
    }
  }

  get href() {
    return serialize(this.#record);
  }

  set href(value) {
    const record = parse(`${value}`);
    if (record === null) {
      throw failure(`${value}`);
    }
    this.#record = record;
    this.#follow();
  }

  get origin() {
    const { protocol } = this.#record;
    return isSpecial(protocol) && protocol !== "file:" ? `${protocol}//${this.host}` : "null";
  }

  get protocol() {
    return this.#record.protocol;
  }

  set protocol(value) {
    const name = /^([a-z][a-z0-9+.-]*):?/i.exec(`${value}`)?.[1].toLowerCase();
    if (name !== undefined && isSpecial(`${name}:`) === isSpecial(this.protocol)) {
      this.#change(serialize({ ...this.#record, protocol: `${name}:` }));
    }
  }

  get username() {
    return this.#record.username;
  }

  set username(value) {
    if (this.#record.host) {
      this.#record.username = percent(`${value}`, userSet);
    }
  }

  get password() {
    return this.#record.password;
  }

  set password(value) {
    if (this.#record.host) {
      this.#record.password = percent(`${value}`, userSet);
    }
  }

  get host() {
    const { host, port } = this.#record;
    return host === null ? "" : port === "" ? host : `${host}:${port}`;
  }

  set host(value) {
    const [, host, port] = /^(\[[^\]]*\]|[^:/?#\\]*)(?::(\d+))?/.exec(`${value}`);
    this.hostname = host;
    if (port !== undefined) {
      this.port = port;
    }
  }

  get hostname() {
    return this.#record.host ?? "";
  }

  set hostname(value) {
    const host = typeof this.#record.path === "string" ? null : parseHost(`${value}`, isSpecial(this.protocol));
    if (host !== null) {
      this.#record.host = host;
    }
  }

  get port() {
    return this.#record.port;
  }

  set port(value) {
    const digits = /^\d*/.exec(`${value}`)[0];
    const port = portOf(digits, this.protocol);
    if (port !== null && (digits !== "" || `${value}` === "") && this.#record.host && this.protocol !== "file:") {
      this.#record.port = port;
    }
  }

  get pathname() {
    return pathText(this.#record);
  }

  set pathname(value) {
    if (typeof this.#record.path !== "string") {
      this.#record.path = segments(`${value}`.replace(/^[/\\]/, "").replaceAll("?", "%3F").replaceAll("#", "%23"), [], isSpecial(this.protocol));
    }
  }

  get search() {
    return this.#record.query ? `?${this.#record.query}` : "";
  }

  set search(value) {
    const query = `${value}`.replace(/^\?/, "");
    this.#record.query = query === "" ? null : queryOf(query.replaceAll("#", "%23"), isSpecial(this.protocol));
    this.#follow();
  }

  get searchParams() {
    return this.#params;
  }

  get hash() {
    return this.#record.fragment ? `#${this.#record.fragment}` : "";
  }

  set hash(value) {
    const text = `${value}`.replace(/^#/, "");
    this.#record.fragment = text === "" ? null : percent(text, fragmentSet);
  }

  toString() {
    return this.href;
  }

  toJSON() {
    return this.href;
  }

  [Symbol.for("nodejs.util.inspect.custom")](depth, options, inspect) {
    const shown = {};
    for (const key of ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "searchParams", "hash"]) {
      shown[key] = this[key];
    }
    return `URL ${inspect(shown, { ...options, depth: 2 })}`;
  }
}

for (const type of [URL, URLSearchParams]) {
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: type.name, configurable: true });
}

Object.assign(exports, { URL, URLSearchParams });
