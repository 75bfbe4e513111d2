// A sandpiper follows the edge of the sea. Output appears while the program runs.

import * as sp from "sandpiper";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const steps = [3, 5, 8, 12, 15, 16, 14, 10, 6, 4];

for (const count of steps) {
  const prints = " ,'".repeat(11).slice(0, 2 * count);
  console.log(`${prints} o>  ${"~".repeat(36 - 2 * count)}`);
  await sleep(60);
}

const total = steps.reduce((sum, count) => sum + count, 0);
console.log(`\n${total} steps in the sand. Change the numbers and run it again.`);
sp.bar(Object.fromEntries(steps.map((count, i) => [`wave ${i + 1}`, count])), { title: "Steps per wave" });
