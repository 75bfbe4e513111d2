// What the engine lacks of toLocaleString, in American English. The formatter
// itself is loaded when it is used.

const intl = () => require("internal/intl");

function define(prototype, name, method) {
  Object.defineProperty(prototype, name, { value: method, writable: true, configurable: true });
}

// The engine leaves out the name of the time zone.
for (const name of ["toString", "toTimeString"]) {
  const engine = Date.prototype[name];
  const method = {
    [name]() {
      const text = engine.call(this);
      return text === "Invalid Date" ? text : `${text} (Coordinated Universal Time)`;
    },
  };
  define(Date.prototype, name, method[name]);
}

define(Number.prototype, "toLocaleString", function toLocaleString(locales, options) {
  return new (intl().Intl.NumberFormat)(locales, options).format(this.valueOf());
});
define(BigInt.prototype, "toLocaleString", function toLocaleString(locales, options) {
  return new (intl().Intl.NumberFormat)(locales, options).format(this.valueOf());
});
define(Date.prototype, "toLocaleString", function toLocaleString(locales, options) {
  return intl().dateText(this, options, "any", "all");
});
define(Date.prototype, "toLocaleDateString", function toLocaleDateString(locales, options) {
  return intl().dateText(this, options, "date", "date");
});
define(Date.prototype, "toLocaleTimeString", function toLocaleTimeString(locales, options) {
  return intl().dateText(this, options, "time", "time");
});
