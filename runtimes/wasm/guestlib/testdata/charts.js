// Draws every case of cases.json into out/<name>.svg.

import { readFileSync } from "fs";
import * as sp from "sandpiper";

const range = (n) => Array.from({ length: n }, (_, i) => i);
const wave = (n) => range(n).map((i) => (i * 7919 + i * i * 31) % 1000 / 7 - 50);

const forms = {
  $date: (text) => new Date(text.includes("T") ? `${text}Z` : text),
  $dict: (pairs) => new Map(pairs.map(([name, value]) => [name, decode(value)])),
  $number: (text) => Number(text.replace("inf", "Infinity")),
  $wave: wave,
  $labels: (n) => range(n).map((i) => `label number ${i}`),
  $series: (n) => Object.fromEntries(range(n).map((i) => [`series ${i}`, [i, i + 1, i * 2]])),
};

function decode(value) {
  if (Array.isArray(value)) {
    return value.map(decode);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const [[form, content]] = Object.entries(value);
  return forms[form](content);
}

for (const { name, kind, data, options } of JSON.parse(readFileSync("cases.json", "utf8"))) {
  const chart = sp.chart(kind, ...data.map(decode), options);
  chart.save(`out/${name}.svg`);
  console.log(String(chart));
}
