// Reads expressions such as "2 * (3 + 4)" from standard input and evaluates them.

import { createInterface } from "node:readline";
import { evaluate } from "./evaluate";

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(`${line} = ${evaluate(line)}`);
  } catch (error: unknown) {
    console.log(`${line}: ${(error as Error).message}`);
  }
}
