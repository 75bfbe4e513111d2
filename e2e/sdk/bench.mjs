// Measures sandboxes as the official SDK sees them, for make bench: prints the
// milliseconds of each as JSON.

import { Daytona } from "@daytona/sdk";

const daytona = new Daytona({ apiKey: process.env.DAYTONA_API_KEY, apiUrl: process.env.DAYTONA_API_URL, target: "us" });
const snapshot = process.env.SANDPIPER_SNAPSHOT;
const n = Number(process.env.SANDPIPER_BENCH_RUNS);
const took = { create: [], first: [], exec: [] };
for (let i = 0; i < n; i++) {
  const started = performance.now();
  const sandbox = await daytona.create({ snapshot });
  took.create.push(performance.now() - started);
  await run(sandbox, "echo hi");
  took.first.push(performance.now() - started);
  const again = performance.now();
  await run(sandbox, "true");
  took.exec.push(performance.now() - again);
  await sandbox.delete(60);
}
await daytona[Symbol.asyncDispose]();
console.log(JSON.stringify(took));

async function run(sandbox, command) {
  const { exitCode, result } = await sandbox.process.executeCommand(command);
  if (exitCode !== 0) throw new Error(`${command}: exit code ${exitCode}: ${result}`);
}
