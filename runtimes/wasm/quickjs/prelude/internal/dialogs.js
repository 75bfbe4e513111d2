// prompt, alert and confirm over standard input and output, for beginners.

const { write } = host;
const { readLine } = require("internal/stdin");

exports.alert = function alert(message = "") {
  write(1, `${message}\n`);
};

exports.prompt = function prompt(message = "", value = null) {
  write(1, message === "" ? "" : `${message} `);
  const line = readLine();
  return line === null || (line === "" && value !== null) ? value : line;
};

exports.confirm = function confirm(message = "") {
  write(1, `${message} [y/N] `);
  return /^y(?:es)?$/i.test((readLine() ?? "").trim());
};
