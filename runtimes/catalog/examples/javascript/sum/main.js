// Reads numbers from standard input, one a line, until it ends.

import { createInterface } from "node:readline";

let count = 0;
let sum = 0;

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "") continue;
  const number = Number(line);
  if (Number.isNaN(number)) {
    console.error(`"${line}" is not a number`);
    process.exit(1);
  }
  count++;
  sum += number;
  console.log(`${String(number).padStart(8)}   sum ${sum}`);
}

console.log(count > 0 ? `\nmean ${(sum / count).toFixed(2)} of ${count}` : "no numbers");
