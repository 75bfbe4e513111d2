// The parser behind URL, after the WHATWG's standard. Host names are kept to
// ASCII: others are refused.

const { encode } = require("internal/encoding");
const ports = { __proto__: null, "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21", "file:": "" };
const isSpecial = (scheme) => ports[scheme] !== undefined;

// ---- Percent encoding. Each set is what a part of a URL may not hold as it is.

const controls = (c) => c < 0x21 && c !== 0x20 ? true : c > 0x7e;
const setOf = (characters, parent) => (c) => parent(c) || characters.includes(String.fromCharCode(c));
const fragmentSet = setOf(' "<>`', (c) => c < 0x20 || c > 0x7e);
const querySet = setOf(' "#<>', (c) => c < 0x20 || c > 0x7e);
const specialQuerySet = setOf("'", querySet);
const pathSet = setOf("?`{}^", querySet);
const userSet = setOf("/:;=@[\\]|", pathSet);
const opaqueSet = (c) => controls(c) && c !== 0x20;

function percent(text, set) {
  let result = "";
  for (const character of text) {
    for (const byte of encode(character)) {
      result += set(byte) ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}` : String.fromCharCode(byte);
    }
  }
  return result;
}

function unpercent(text) {
  const bytes = [];
  const source = encode(text);
  for (let i = 0; i < source.length; i++) {
    const hex = source[i] === 37 ? String.fromCharCode(source[i + 1], source[i + 2]) : "";
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes.push(parseInt(hex, 16));
      i += 2;
    } else {
      bytes.push(source[i]);
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

// ---- Hosts

function parseHost(text, special) {
  if (text.startsWith("[")) {
    return text.endsWith("]") && /^[0-9a-f:.]+$/i.test(text.slice(1, -1)) ? `[${compressIPv6(text.slice(1, -1))}]` : null;
  }
  if (!special) {
    return /[\0\t\n\r #/:<>?@[\\\]^|]/.test(text) ? null : percent(text, (c) => c < 0x20 || c > 0x7e);
  }
  const host = unpercent(text).toLowerCase();
  if (host === "" || /[^\x21-\x7e]|[\0\t\n\r #%/:<>?@[\\\]^|\x7f]/.test(host)) {
    return null;
  }
  const last = host.replace(/\.$/, "").split(".").at(-1);
  return /^(?:\d+|0x[0-9a-f]*)$/.test(last) ? parseIPv4(host) : host;
}

function parseIPv4(host) {
  const numbers = host.replace(/\.$/, "").split(".").map((part) => {
    const text = /^0x/.test(part) ? part.slice(2) || "0" : part;
    const base = /^0x/.test(part) ? 16 : /^0\d/.test(part) ? 8 : 10;
    const digits = { 8: /^[0-7]+$/, 10: /^\d+$/, 16: /^[0-9a-f]+$/ }[base];
    return digits.test(text) ? parseInt(text, base) : NaN;
  });
  const last = numbers.pop();
  if (numbers.length > 3 || numbers.some((n) => !(n <= 255)) || !(last < 256 ** (4 - numbers.length))) {
    return null;
  }
  const value = numbers.reduce((sum, n, i) => sum + n * 256 ** (3 - i), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

function compressIPv6(text) {
  const v4 = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const plain = v4 ? `${v4[1]}${((v4[2] << 8) | v4[3]).toString(16)}:${((v4[4] << 8) | v4[5]).toString(16)}` : text;
  const [left, right] = plain.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const groups = right === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill("0"), ...right];
  const short = groups.map((g) => parseInt(g, 16).toString(16)).join(":");
  const zeros = short.match(/\b0(?::0)+\b/g)?.sort((a, b) => b.length - a.length)[0];
  return zeros === undefined ? short : short.replace(zeros, "").replace(/^:?|:?$/g, (m) => m).replace(/^:*$/, "::").replace(/^:(?!:)/, "::").replace(/([^:]):$/, "$1::").replace(/:{2,}/, "::");
}

// ---- Parsing. A record has protocol, username, password, host (null for none),
// port, path (a list, or a string that nothing is known of), query and fragment.

const failure = (input, base) => {
  const error = new TypeError("Invalid URL");
  error.code = "ERR_INVALID_URL";
  error.input = input;
  if (base !== undefined) {
    error.base = base;
  }
  return error;
};

function cut(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + mark.length)];
}

function parse(input, base) {
  const text = input.replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
  const [main, fragment] = cut(text, "#");
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(main);
  const record = scheme ? parseAbsolute(main.slice(scheme[0].length), scheme[0].toLowerCase(), base) : base && parseRelative(main, base);
  if (record) {
    record.fragment = fragment === null ? null : percent(fragment, fragmentSet);
  }
  return record || null;
}

function parseAbsolute(rest, protocol, base) {
  const special = isSpecial(protocol);
  if (special) {
    rest = slashes(rest);
  }
  if (special && protocol !== "file:" && base && base.protocol === protocol && !rest.startsWith("/")) {
    return parseRelative(rest, base);
  }
  const [main, query] = cut(rest, "?");
  const record = { protocol, username: "", password: "", host: null, port: "", path: [], query: queryOf(query, special) };
  if (protocol === "file:") {
    return parseFile(main, record);
  }
  if (special) {
    return parseAuthority(main.replace(/^\/*/, ""), record);
  }
  if (main.startsWith("//")) {
    return parseAuthority(main.slice(2), record);
  }
  record.path = main.startsWith("/") ? segments(main.slice(1), [], false) : percent(main, opaqueSet);
  return record;
}

// slashes turns backslashes before the query into slashes.
function slashes(text) {
  const [main, query] = cut(text, "?");
  return main.replaceAll("\\", "/") + (query === null ? "" : `?${query}`);
}

const queryOf = (query, special) => (query === null ? null : percent(query, special ? specialQuerySet : querySet));

function parseFile(main, record) {
  record.host = "";
  if (main.startsWith("//")) {
    const [host, path] = cut(main.slice(2), "/");
    record.host = host === "" || host === "localhost" ? "" : parseHost(host, true);
    record.path = segments(path ?? "", [], true);
    return record.host === null ? null : record;
  }
  record.path = segments(main.replace(/^\//, ""), [], true);
  return record;
}

function parseAuthority(text, record) {
  const special = isSpecial(record.protocol);
  const [authority, path] = cut(text, "/");
  const at = authority.lastIndexOf("@");
  if (at >= 0) {
    const [user, password] = cut(authority.slice(0, at), ":");
    record.username = percent(user, userSet);
    record.password = percent(password ?? "", userSet);
  }
  const place = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority.slice(at + 1));
  if (place === null || (place[1] === "" && (special || at >= 0 || place[2]))) {
    return null;
  }
  record.host = place[1] === "" ? "" : parseHost(place[1], special);
  record.port = portOf(place[2] ?? "", record.protocol);
  record.path = path === null && !special ? [] : segments(path ?? "", [], special);
  return record.host === null || record.port === null ? null : record;
}

function portOf(text, protocol) {
  if (text === "") {
    return "";
  }
  const port = Number(text);
  return port > 65535 ? null : `${port}` === ports[protocol] ? "" : `${port}`;
}

function parseRelative(text, base) {
  if (typeof base.path === "string") {
    return text === "" ? { ...base } : null;
  }
  const special = isSpecial(base.protocol);
  if (special) {
    text = slashes(text);
  }
  const [main, query] = cut(text, "?");
  const record = { ...base, query: queryOf(query, special) };
  if (main.startsWith("//")) {
    return base.protocol === "file:" ? parseFile(main, { ...record, username: "", password: "", port: "" }) : parseAuthority(main.slice(2), { ...record, username: "", password: "" });
  }
  if (main === "") {
    record.query = query === null ? base.query : record.query;
  } else {
    record.path = main.startsWith("/") ? segments(main.slice(1), [], special) : segments(main, base.path.slice(0, -1), special);
  }
  return record;
}

// segments adds a path's segments to those before it.
function segments(text, before, special) {
  const result = [...before];
  const parts = (special ? text.replaceAll("\\", "/") : text).split("/");
  parts.forEach((part, i) => {
    const last = i === parts.length - 1;
    const plain = part.replace(/%2e/gi, ".");
    if (plain === "..") {
      result.pop();
    } else if (plain !== ".") {
      result.push(percent(part, pathSet));
      return;
    }
    if (last) {
      result.push("");
    }
  });
  return result;
}

function serialize(r, withFragment = true) {
  let text = r.protocol;
  if (r.host !== null) {
    const user = r.username === "" && r.password === "" ? "" : `${r.username}${r.password === "" ? "" : `:${r.password}`}@`;
    text += `//${user}${r.host}${r.port === "" ? "" : `:${r.port}`}`;
  }
  text += pathText(r) + (r.query === null ? "" : `?${r.query}`);
  return text + (withFragment && r.fragment !== null && r.fragment !== undefined ? `#${r.fragment}` : "");
}

const pathText = (r) => (typeof r.path === "string" ? r.path : r.path.map((s) => `/${s}`).join(""));

Object.assign(exports, {
  cut, failure, fragmentSet, isSpecial, parse, parseHost, pathSet, pathText, percent, portOf, queryOf, segments, serialize, unpercent, userSet,
});
