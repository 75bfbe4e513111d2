// url: the classes, and file URLs.

const { unpercent, percent, pathSet } = require("internal/url_parser");
const path = require("path");

function fileURLToPath(url) {
  const parsed = typeof url === "string" ? new URL(url) : url;
  if (parsed.protocol !== "file:") {
    const error = new TypeError("The URL must be of scheme file");
    error.code = "ERR_INVALID_URL_SCHEME";
    throw error;
  }
  return unpercent(parsed.pathname);
}

const pathToFileURL = (file) => new URL(`file://${percent(path.resolve(file), (c) => pathSet(c) || c === 37 || c === 35)}`);

module.exports = {
  URL,
  URLSearchParams,
  fileURLToPath,
  pathToFileURL,
  format: (url) => (typeof url === "string" ? url : url.href),
  parse: (text) => {
    const u = URL.parse(text, "file:///");
    const query = u.search === "" ? null : u.search.slice(1);
    return { protocol: u.protocol, host: u.host, hostname: u.hostname, port: u.port || null, pathname: u.pathname, search: u.search || null, query, hash: u.hash || null, href: u.href };
  },
  resolve: (from, to) => new URL(to, new URL(from, "resolve://")).href.replace(/^resolve:\/\//, ""),
};
