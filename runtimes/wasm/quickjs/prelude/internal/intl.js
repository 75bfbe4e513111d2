// A small part of Intl, in American English whatever the locale asked for.

// ---- Numbers

const currencies = { __proto__: null, USD: "$", EUR: "€", GBP: "£", JPY: "¥", INR: "₹", CNY: "CN¥", KRW: "₩", BRL: "R$", CAD: "CA$", AUD: "A$", MXN: "MX$", ILS: "₪", VND: "₫", NZD: "NZ$" };
const wholeCurrencies = ["JPY", "KRW", "VND"];

// decimal rounds a number half away from zero and returns its digits.
function decimal(value, least, most) {
  if (typeof value === "bigint") {
    return `${value}${least > 0 ? `.${"0".repeat(least)}` : ""}`;
  }
  let text = roundDecimal(value, most);
  if (most > least && text.includes(".")) {
    const keep = text.indexOf(".") + 1 + least;
    let end = text.length;
    while (end > keep && text[end - 1] === "0") {
      end--;
    }
    text = text.slice(0, text[end - 1] === "." ? end - 1 : end);
  }
  return text;
}

function roundDecimal(value, digits) {
  const shifted = Number(`${value}e${digits}`);
  if (!Number.isFinite(shifted) || Math.abs(shifted) > 2 ** 53 || /e/.test(`${value}`)) {
    return value.toFixed(Math.min(digits, 100));
  }
  const rounded = Math.sign(shifted) * Math.round(Math.abs(shifted));
  return Number(`${rounded}e-${digits}`).toFixed(digits);
}

function group(text) {
  const [whole, fraction] = text.split(".");
  const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

const scales = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]];

class NumberFormat {
  #options;

  constructor(locales, options = {}) {
    const o = options ?? {};
    const style = o.style ?? "decimal";
    const money = style === "currency" ? (wholeCurrencies.includes(o.currency) ? 0 : 2) : 0;
    if (style === "currency" && typeof o.currency !== "string") {
      throw new TypeError("Currency code is required with currency style.");
    }
    const least = o.minimumFractionDigits ?? Math.min(money, o.maximumFractionDigits ?? money);
    const usual = style === "currency" ? money : style === "percent" ? 0 : 3;
    const most = o.maximumFractionDigits ?? Math.max(least, usual);
    for (const digits of [least, most]) {
      if (!(digits >= 0 && digits <= 100) || least > most) {
        throw new RangeError("maximumFractionDigits value is out of range.");
      }
    }
    this.#options = { ...o, style, least, most };
    this.format = (value) => this.#format(value);
  }

  #format(value) {
    const o = this.#options;
    const n = typeof value === "bigint" ? value : Number(value);
    if (Number.isNaN(n)) {
      return "NaN";
    }
    const sign = n < 0 || Object.is(n, -0) ? "-" : o.signDisplay === "always" || (o.signDisplay === "exceptZero" && n !== 0) ? "+" : "";
    return sign + this.#unit(n < 0 ? -n : n);
  }

  #unit(n) {
    const o = this.#options;
    if (o.style === "percent") {
      return `${this.#digits(typeof n === "bigint" ? n * 100n : n * 100)}%`;
    }
    const text = this.#digits(n);
    if (o.style === "currency") {
      const code = o.currency.toUpperCase();
      return o.currencyDisplay === "code" || currencies[code] === undefined ? `${code}\u00a0${text}` : currencies[code] + text;
    }
    return o.style === "unit" ? `${text} ${o.unit}` : text;
  }

  #digits(n) {
    const o = this.#options;
    if (n === Infinity) {
      return "∞";
    }
    const scale = o.notation === "compact" ? scales.find(([size]) => n >= size) : undefined;
    if (o.notation === "compact") {
      const small = scale === undefined ? Number(n) : Number(n) / scale[0];
      return decimal(small, 0, small < 100 && small % 1 !== 0 ? (small < 10 ? 1 : 1) : 0).replace(/\.0$/, "") + (scale?.[1] ?? "");
    }
    if (o.maximumSignificantDigits !== undefined || o.minimumSignificantDigits !== undefined) {
      n = Number(Number(n).toPrecision(o.maximumSignificantDigits ?? 21));
      const text = `${n}`;
      return o.useGrouping === false ? text : group(text);
    }
    const text = decimal(n, o.least, o.most).padStart(o.minimumIntegerDigits ?? 1, "0");
    return o.useGrouping === false ? text : group(text);
  }

  resolvedOptions() {
    const { least, most, ...rest } = this.#options;
    return { locale: "en-US", numberingSystem: "latn", minimumFractionDigits: least, maximumFractionDigits: most, ...rest };
  }

  static supportedLocalesOf() {
    return ["en-US"];
  }
}

// ---- Dates, in UTC

const months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const dateStyles = {
  full: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  long: { year: "numeric", month: "long", day: "numeric" },
  medium: { year: "numeric", month: "short", day: "numeric" },
  short: { year: "2-digit", month: "numeric", day: "numeric" },
};
const timeStyles = {
  full: { hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "short" },
  long: { hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "short" },
  medium: { hour: "numeric", minute: "2-digit", second: "2-digit" },
  short: { hour: "numeric", minute: "2-digit" },
};
const numericDate = { year: "numeric", month: "numeric", day: "numeric" };
const numericTime = { hour: "numeric", minute: "2-digit", second: "2-digit" };
const dateFields = ["weekday", "year", "month", "day"];
const timeFields = ["hour", "minute", "second", "dayPeriod", "fractionalSecondDigits"];

const two = (n) => `${n}`.padStart(2, "0");
const numeral = (n, style) => (style === "2-digit" ? two(n % 100) : `${n}`);

// fieldsOf adds what an options object leaves out.
function fieldsOf(options, required, defaults) {
  const o = { ...options };
  if (o.dateStyle || o.timeStyle) {
    return { ...o, ...dateStyles[o.dateStyle], ...timeStyles[o.timeStyle], styled: true };
  }
  const has = (fields) => fields.some((f) => o[f] !== undefined);
  const needed = required === "date" ? dateFields : required === "time" ? timeFields : [...dateFields, ...timeFields];
  if (has(needed)) {
    return o;
  }
  return { ...(defaults !== "time" && numericDate), ...(defaults !== "date" && numericTime), ...o };
}

function dayText(d, o) {
  const textual = o.month === "long" || o.month === "short" || o.month === "narrow";
  const year = o.year && numeral(d.getUTCFullYear(), o.year);
  const day = o.day && numeral(d.getUTCDate(), o.day);
  const name = months[d.getUTCMonth()];
  const month = o.month && (textual ? { long: name, short: name.slice(0, 3), narrow: name[0] }[o.month] : numeral(d.getUTCMonth() + 1, o.month));
  const full = weekdays[d.getUTCDay()];
  const weekday = o.weekday && { long: full, short: full.slice(0, 3), narrow: full[0] }[o.weekday];
  if (!textual) {
    return [weekday, [month, day, year].filter(Boolean).join("/")].filter(Boolean).join(", ");
  }
  const monthDay = [month, day].filter(Boolean).join(" ");
  return [weekday, [monthDay, year].filter(Boolean).join(day ? ", " : " ")].filter(Boolean).join(", ");
}

function timeText(d, o) {
  if (!timeFields.some((f) => o[f] !== undefined)) {
    return "";
  }
  const half = o.hour !== undefined && (o.hour12 ?? (o.hourCycle === undefined || o.hourCycle === "h12" || o.hourCycle === "h11"));
  const hours = d.getUTCHours();
  const hour = o.hour && (half ? numeral(hours % 12 || 12, o.hour) : two(hours));
  const minute = o.minute && (o.hour || o.second ? two(d.getUTCMinutes()) : `${d.getUTCMinutes()}`);
  const fraction = o.fractionalSecondDigits ? `.${`${d.getUTCMilliseconds()}`.padStart(3, "0").slice(0, o.fractionalSecondDigits)}` : "";
  const second = (o.second || fraction) && (o.minute ? two(d.getUTCSeconds()) : `${d.getUTCSeconds()}`) + fraction;
  const text = [hour, minute, second].filter(Boolean).join(":");
  return half ? `${text} ${hours < 12 ? "AM" : "PM"}` : text;
}

const offsetOf = { __proto__: null, UTC: 0, GMT: 0, "Etc/UTC": 0 };

function checkZone(zone) {
  if (zone !== undefined && offsetOf[zone] === undefined && offsetOf[`${zone}`.toUpperCase()] === undefined) {
    throw new RangeError(`Invalid time zone specified: ${zone} (this sandbox knows UTC only)`);
  }
}

function dateText(date, options, required, defaults) {
  const d = new Date(date);
  checkZone(options?.timeZone);
  if (Number.isNaN(d.getTime())) {
    return "Invalid Date";
  }
  const o = fieldsOf(options, required, defaults);
  const zone = o.timeZoneName ? " UTC" : "";
  const long = o.dateStyle === "full" || o.dateStyle === "long";
  return [dayText(d, o), timeText(d, o)].filter(Boolean).join(long ? " at " : ", ") + zone;
}

class DateTimeFormat {
  #options;

  constructor(locales, options) {
    checkZone(options?.timeZone);
    this.#options = options;
    this.format = (date = Date.now()) => {
      const text = dateText(date, this.#options, "any", "date");
      if (text === "Invalid Date") {
        throw new RangeError("Invalid time value");
      }
      return text;
    };
  }

  resolvedOptions() {
    return { locale: "en-US", calendar: "gregory", numberingSystem: "latn", timeZone: "UTC", ...this.#options };
  }

  static supportedLocalesOf() {
    return ["en-US"];
  }
}

// ---- The rest

class PluralRules {
  #ordinal;

  constructor(locales, options) {
    this.#ordinal = options?.type === "ordinal";
  }

  select(n) {
    if (!this.#ordinal) {
      return n === 1 ? "one" : "other";
    }
    const [ones, tens] = [n % 10, n % 100];
    return ones === 1 && tens !== 11 ? "one" : ones === 2 && tens !== 12 ? "two" : ones === 3 && tens !== 13 ? "few" : "other";
  }
}

class Collator {
  constructor(locales, options) {
    const { numeric = false, sensitivity = "variant" } = options ?? {};
    const fold = (s) => {
      const text = sensitivity === "base" || sensitivity === "case" ? s.normalize("NFD").replace(/\p{M}/gu, "") : s;
      return sensitivity === "base" || sensitivity === "accent" ? text.toLowerCase() : text;
    };
    this.compare = (a, b) => {
      const [x, y] = [fold(`${a}`), fold(`${b}`)];
      return numeric ? compareNumeric(x, y) : x.localeCompare(y);
    };
  }
}

function compareNumeric(a, b) {
  const split = (s) => s.match(/\d+|\D+/g) ?? [];
  const [x, y] = [split(a), split(b)];
  for (let i = 0; i < x.length && i < y.length; i++) {
    const order = /^\d/.test(x[i]) && /^\d/.test(y[i]) ? Number(x[i]) - Number(y[i]) : x[i].localeCompare(y[i]);
    if (order !== 0) {
      return Math.sign(order);
    }
  }
  return Math.sign(x.length - y.length);
}

class ListFormat {
  #word;

  constructor(locales, options) {
    this.#word = { conjunction: "and", disjunction: "or", unit: "" }[options?.type ?? "conjunction"];
  }

  format(list) {
    const items = [...list];
    const last = items.pop() ?? "";
    const word = this.#word === "" ? "" : `${this.#word} `;
    return items.length === 0 ? last : items.length === 1 ? `${items[0]}${word === "" ? "," : ""} ${word}${last}` : `${items.join(", ")}, ${word}${last}`;
  }
}

const Intl = { NumberFormat, DateTimeFormat, PluralRules, Collator, ListFormat, getCanonicalLocales: (l) => [l ?? []].flat() };

for (const [name, type] of Object.entries(Intl)) {
  if (type.prototype !== undefined) {
    const construct = type;
    // As in every engine, these may be called without new.
    Intl[name] = new Proxy(construct, { apply: (target, self, args) => new target(...args) });
  }
}
Object.defineProperty(Intl, Symbol.toStringTag, { value: "Intl", configurable: true });

Object.assign(exports, { Intl, dateText });
