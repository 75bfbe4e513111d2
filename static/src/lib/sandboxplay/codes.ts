// The chosen steps as programs. The key is never in the text: it is read from
// DAYTONA_API_KEY.

import { go, python, script, shell } from "../move/quote";
import type { Call, Step, Values } from "./steps";

/** What the page's forms say. */
export interface Plan {
  api: string; // address of the API, with /api
  snapshot: string;
  autoStop: number; // minutes; 0 is never
  steps: { step: Step; values: Values }[];
}

export const languages = ["Python", "TypeScript", "Go", "CLI", "curl"] as const;
export type Language = (typeof languages)[number];

export const codes: Record<Language, (p: Plan) => string> = { Python: asPython, TypeScript: asTypeScript, Go: asGo, CLI: asCLI, curl: asCurl };

function lines(p: Plan, of: "python" | "typescript" | "go" | "cli"): string[] {
  return p.steps.map(({ step, values }) => step.code(values)[of]);
}

function asPython(p: Plan): string {
  return `import os

from daytona import CreateSandboxFromSnapshotParams, Daytona, DaytonaConfig

daytona = Daytona(DaytonaConfig(api_url=${python(p.api)}, api_key=os.environ["DAYTONA_API_KEY"]))
sandbox = daytona.create(CreateSandboxFromSnapshotParams(snapshot=${python(p.snapshot)}, language="python", auto_stop_interval=${p.autoStop}))
${lines(p, "python").join("\n")}
sandbox.delete()
`;
}

function asTypeScript(p: Plan): string {
  return `import { Daytona } from "@daytona/sdk";

const daytona = new Daytona({ apiUrl: ${script(p.api)}, apiKey: process.env.DAYTONA_API_KEY });
const sandbox = await daytona.create({ snapshot: ${script(p.snapshot)}, language: "python", autoStopInterval: ${p.autoStop} });
${lines(p, "typescript").join("\n")}
await sandbox.delete();
`;
}

function asGo(p: Plan): string {
  const body = lines(p, "go").join("\n\t");
  return `package main

import (
	"context"
${body.includes("fmt.") ? '\t"fmt"\n' : ""}	"log"
	"os"

	"github.com/daytonaio/daytona/libs/sdk-go/pkg/daytona"
	"github.com/daytonaio/daytona/libs/sdk-go/pkg/types"
)

func main() {
	ctx := context.Background()
	client, err := daytona.NewClientWithConfig(&types.DaytonaConfig{APIKey: os.Getenv("DAYTONA_API_KEY"), APIUrl: ${go(p.api)}})
	check(err)
	autoStop := ${p.autoStop}
	sandbox, err := client.Create(ctx, types.SnapshotParams{
		Snapshot:          ${go(p.snapshot)},
		SandboxBaseParams: types.SandboxBaseParams{AutoStopInterval: &autoStop},
	})
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
  return `export DAYTONA_API_URL=${shell(p.api)} # the key is in DAYTONA_API_KEY
name=playground-$$
daytona create --name "$name" --snapshot ${shell(p.snapshot)} --auto-stop ${p.autoStop}
${lines(p, "cli").map((c) => `daytona exec "$name" -- sh -c ${shell(c)}`).join("\n")}
daytona delete "$name"
`;
}

function asCurl(p: Plan): string {
  const api = shell(p.api);
  const key = `-H "Authorization: Bearer $DAYTONA_API_KEY"`;
  const json = `-H 'Content-Type: application/json'`;
  const create = shell(JSON.stringify({ snapshot: p.snapshot, autoStopInterval: p.autoStop }));
  return `set -eu
api=${api}
id=$(curl -fsS ${key} ${json} -d ${create} "$api/sandbox" | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
until curl -fsS ${key} "$api/sandbox/$id" | grep -q '"state":"started"'; do sleep 1; done
toolbox=\${api%/api}/toolbox/$id
${p.steps.map(({ step, values }) => curlCall(step.call(values), key, json)).join("\n")}
curl -fsS -o /dev/null -X DELETE ${key} "$api/sandbox/$id"
`;
}

/** A text goes through a pipe: curl takes one that begins with @ for the name of a file. */
function curlCall(c: Call, key: string, json: string): string {
  const text = c.json ? JSON.stringify(c.json) : c.text;
  const pipe = text === undefined ? "" : `printf %s ${shell(text)} | `;
  const body = text === undefined ? "" : ` ${c.json ? json : "-H 'Content-Type: application/octet-stream'"} --data-binary @-`;
  return `${pipe}curl -fsS -X ${c.method} ${key}${body} "$toolbox/"${shell(target(c))} && echo`;
}

/** The path and the query of a call. */
export function target(c: Call): string {
  return c.query ? `${c.path}?${new URLSearchParams(c.query)}` : c.path;
}
