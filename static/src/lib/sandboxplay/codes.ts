// The chosen steps as programs. The key is never in the text: it is read from
// DAYTONA_API_KEY.

import { go, python, script, shell } from "../move/quote";
import type { Call, Kind, Step, Values } from "./steps/step";

/** What a sandbox is made with. A size is for those of an image: a snapshot has its own. */
export interface Settings {
  snapshot: string; // "" for an image
  image: string;
  cpu: number;
  memory: number; // GiB
  disk: number; // GiB
  kind: Kind;
  autoStop?: number; // minutes, as the others; 0 is never, and undefined is as usual
  autoArchive?: number;
  autoDelete?: number;
}

/** What the page's forms say. */
export interface Plan extends Settings {
  api: string; // address of the API, with /api
  steps: { step: Step; values: Values }[];
}

export const languages = ["Python", "TypeScript", "Go", "CLI", "curl"] as const;
export type Language = (typeof languages)[number];

export const codes: Record<Language, (p: Plan) => string> = { Python: asPython, TypeScript: asTypeScript, Go: asGo, CLI: asCLI, curl: asCurl };

/** What the API is asked for to make the sandbox. */
export function creation(s: Settings): Record<string, unknown> {
  return {
    ...(s.snapshot ? { snapshot: s.snapshot } : { buildInfo: { dockerfileContent: `FROM ${s.image}\n` }, cpu: s.cpu, memory: s.memory, disk: s.disk }),
    ...intervals(s),
    labels: { "code-toolbox-language": s.kind },
  };
}

function intervals(s: Settings): Record<string, number> {
  const all = { autoStopInterval: s.autoStop, autoArchiveInterval: s.autoArchive, autoDeleteInterval: s.autoDelete };
  return Object.fromEntries(Object.entries(all).filter(([, minutes]) => minutes !== undefined)) as Record<string, number>;
}

function lines(p: Plan, of: "python" | "typescript" | "go" | "cli"): string[] {
  return p.steps.map(({ step, values }) => step.code(values, p.kind)[of]);
}

function asPython(p: Plan): string {
  const body = lines(p, "python").join("\n");
  const from = p.snapshot ? ["CreateSandboxFromSnapshotParams"] : ["CreateSandboxFromImageParams", "Resources"];
  const names = new Set(["Daytona", "DaytonaConfig", ...from, ...p.steps.flatMap(({ step, values }) => step.code(values, p.kind).pythonNames ?? [])]);
  const base = p.snapshot ? `snapshot=${python(p.snapshot)}` : `image=${python(p.image)}, resources=Resources(cpu=${p.cpu}, memory=${p.memory}, disk=${p.disk})`;
  const clocks = Object.entries(intervals(p)).map(([name, n]) => `, ${name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}=${n}`);
  return `${body.includes("base64.") ? "import base64\n" : ""}import os

from daytona import ${[...names].sort().join(", ")}

daytona = Daytona(DaytonaConfig(api_url=${python(p.api)}, api_key=os.environ["DAYTONA_API_KEY"]))
sandbox = daytona.create(${from[0]}(${base}, language=${python(p.kind)}${clocks.join("")}))
${body}
sandbox.delete()
`;
}

function asTypeScript(p: Plan): string {
  const body = lines(p, "typescript").join("\n");
  const base = p.snapshot ? `snapshot: ${script(p.snapshot)}` : `image: ${script(p.image)}, resources: { cpu: ${p.cpu}, memory: ${p.memory}, disk: ${p.disk} }`;
  const clocks = Object.entries(intervals(p)).map(([name, n]) => `, ${name}: ${n}`);
  return `${body.includes("writeFile(") ? 'import { writeFile } from "node:fs/promises";\n\n' : ""}import { Daytona } from "@daytona/sdk";

const daytona = new Daytona({ apiUrl: ${script(p.api)}, apiKey: process.env.DAYTONA_API_KEY });
const sandbox = await daytona.create({ ${base}, language: ${script(p.kind)}${clocks.join("")} });
${body}
await sandbox.delete();
`;
}

function asGo(p: Plan): string {
  const body = lines(p, "go").join("\n\t");
  const imports = [...(body.includes("base64.") ? ['"encoding/base64"'] : []), ...(body.includes("fmt.") ? ['"fmt"'] : []), '"log"', '"os"'];
  const clocks = Object.entries(intervals(p)).map(([name, n]) => [name, name[0].toUpperCase() + name.slice(1), n] as const);
  const base = `types.SandboxBaseParams{Language: ${go(p.kind)}${clocks.map(([name, field]) => `, ${field}: &${name}`).join("")}}`;
  const params = p.snapshot ? `types.SnapshotParams{
		Snapshot:          ${go(p.snapshot)},
		SandboxBaseParams: ${base},
	}` : `types.ImageParams{
		Image:             ${go(p.image)},
		Resources:         &types.Resources{CPU: ${p.cpu}, Memory: ${p.memory}, Disk: ${p.disk}},
		SandboxBaseParams: ${base},
	}`;
  return `package main

import (
	"context"
	${imports.join("\n\t")}

	"github.com/daytonaio/daytona/libs/sdk-go/pkg/daytona"
	"github.com/daytonaio/daytona/libs/sdk-go/pkg/types"
)

func main() {
	ctx := context.Background()
	client, err := daytona.NewClientWithConfig(&types.DaytonaConfig{APIKey: os.Getenv("DAYTONA_API_KEY"), APIUrl: ${go(p.api)}})
	check(err)
${clocks.map(([name, , n]) => `	${name} := ${n}\n`).join("")}	sandbox, err := client.Create(ctx, ${params})
	check(err)
	${body}
	check(sandbox.Delete(ctx))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`;
}

function asCLI(p: Plan): string {
  const clocks = Object.entries(intervals(p)).map(([name, n]) => ` --auto-${name.slice(4, -8).toLowerCase()} ${n}`).join("");
  const from = p.snapshot ? `--snapshot ${shell(p.snapshot)}` : `--dockerfile "$folder/Dockerfile" --cpu ${p.cpu} --memory ${p.memory} --disk ${p.disk}`;
  // One word for the whole command: older versions join what comes after -- with
  // spaces and lose the quotes.
  const commands = lines(p, "cli").map((c) => (c.startsWith("# ") ? c : `daytona exec "$name" -- ${shell(c)}`));
  return `export DAYTONA_API_URL=${shell(p.api)} # the key is in DAYTONA_API_KEY
name=playground-$$
${p.snapshot ? "" : `folder=$(mktemp -d)\nprintf 'FROM %s\\n' ${shell(p.image)} > "$folder/Dockerfile"\n`}daytona create --name "$name" ${from}${clocks}
${commands.filter((c, i) => c !== commands[i - 1] || !c.startsWith("# ")).join("\n")}
daytona delete "$name"
`;
}

function asCurl(p: Plan): string {
  const create = shell(JSON.stringify(creation(p)));
  return `set -eu
api=${shell(p.api)}
id=$(curl -fsS ${key} ${json} -d ${create} "$api/sandbox" | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
until curl -fsS ${key} "$api/sandbox/$id" | grep -q '"state":"started"'; do sleep 1; done
toolbox=\${api%/api}/toolbox/$id
${p.steps.map(({ step, values }) => step.curl?.(values, curlCall) ?? `${curlCall(step.call(values, p.kind))} && echo`).join("\n")}
curl -fsS -o /dev/null -X DELETE ${key} "$api/sandbox/$id"
`;
}

const key = `-H "Authorization: Bearer $DAYTONA_API_KEY"`;
const json = `-H 'Content-Type: application/json'`;

/** A text goes through a pipe: curl takes one that begins with @ for the name of a file. */
function curlCall(c: Call): string {
  const text = c.json ? JSON.stringify(c.json) : c.text;
  const pipe = text === undefined ? "" : `printf %s ${shell(text)} | `;
  const body = text === undefined ? "" : ` ${c.json ? json : "-H 'Content-Type: application/octet-stream'"} --data-binary @-`;
  return `${pipe}curl -fsS -X ${c.method} ${key}${body} "$toolbox/"${shell(target(c))}`;
}

/** The path and the query of a call. */
export function target(c: Call): string {
  return c.query ? `${c.path}?${new URLSearchParams(c.query)}` : c.path;
}
