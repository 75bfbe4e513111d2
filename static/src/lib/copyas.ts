// The run that is on the screen, as a command or a program that really works
// against this server.

import type { RunRequest } from "./wire";

export interface Target {
  origin: string;
  open: boolean; // no key is needed
}

export function asCurl(r: RunRequest, to: Target): string {
  const lines = [`curl -sS ${to.origin}/v1/run`, `-H 'Content-Type: application/json'`];
  if (!to.open) lines.push(`-H "Authorization: Bearer $SANDPIPER_API_KEY"`);
  lines.push(`--data-binary ${shellQuote(JSON.stringify(r, null, 2))}`);
  return lines.join(" \\\n  ") + "\n";
}

function shellQuote(s: string): string {
  return `'${s.replace(/'/g, `'\\''`)}'`;
}

export function asPython(r: RunRequest, to: Target): string {
  const headers = to.open ? `{"Content-Type": "application/json"}` : `{"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["SANDPIPER_API_KEY"]}`;
  return `import json
${to.open ? "" : "import os\n"}import urllib.request

program = ${pythonLiteral(r)}
request = urllib.request.Request(
    "${to.origin}/v1/run",
    data=json.dumps(program).encode(),
    headers=${headers},
)
with urllib.request.urlopen(request) as answer:
    result = json.load(answer)
print(result["status"], result["exit_code"])
print(result["stdout"], end="")
print(result["stderr"], end="")
`;
}

/** JSON is Python, but for its words and for characters outside of Unicode's planes written as pairs. */
function pythonLiteral(v: unknown): string {
  const json = JSON.stringify(v, (_, x) => (typeof x === "boolean" ? `\u0000${x}` : x), 4);
  return json.replace(/"\\u0000(true|false)"/g, (_, w) => (w === "true" ? "True" : "False"));
}

export function asJavaScript(r: RunRequest, to: Target): string {
  const headers = to.open ? `{ "Content-Type": "application/json" }` : `{\n    "Content-Type": "application/json",\n    Authorization: \`Bearer \${process.env.SANDPIPER_API_KEY}\`,\n  }`;
  return `const program = ${JSON.stringify(r, null, 2)};
const answer = await fetch("${to.origin}/v1/run", {
  method: "POST",
  headers: ${headers},
  body: JSON.stringify(program),
});
const result = await answer.json();
console.log(result.status, result.exit_code);
console.log(result.stdout + result.stderr);
`;
}
