// What a step is: something one can do with a sandbox, as a form, as a call of
// the toolbox, and as code. The code of a step says what its call does.

export const kinds = ["python", "typescript", "javascript"] as const;

/** The language of a sandbox: that in which it runs code. */
export type Kind = (typeof kinds)[number];

export type Values = Record<string, string>;

/** A field of a form. Choices make it a list; a checked one is "true" or "". */
export interface Field {
  name: string;
  label: string;
  value: string;
  type?: "area" | "number" | "check";
  choices?: string[];
  max?: number; // of a number
}

/** A call of the toolbox. */
export interface Call {
  method: "GET" | "POST" | "DELETE";
  path: string;
  query?: Record<string, string>;
  json?: unknown;
  text?: string; // the body as it is
}

/** A program in the shell, whose output is seen while it runs. */
export interface Program {
  session: string; // the name of the session in which it runs
  command: string;
}

/** Writes a call for curl, the answer of which goes to its output. */
export type Curl = (c: Call) => string;

/** A step as code: lines of each language, which print what comes back. */
export interface Code {
  python: string;
  pythonNames?: string[]; // that it takes from the package daytona
  typescript: string;
  go: string;
  cli: string; // a command inside the sandbox; "# …" where there is none
}

export interface Step {
  id: string;
  section: "Files" | "Git" | "Process" | "Session" | "Desktop";
  title: string;
  on?: boolean; // chosen at first
  fields: Field[];
  code(v: Values, kind: Kind): Code;
  /** The call that it is, for curl at least. */
  call(v: Values, kind: Kind): Call;
  /** What the page does in its place, so that output is seen as it is written. */
  program?(v: Values, kind: Kind): Program;
  /** What curl does in its place, where that takes several calls. */
  curl?(v: Values, curl: Curl): string;
}

/** Turns Go's two results into one that was checked, and shows it. */
export const goGet = (call: string, show: string, ...before: string[]) => `{\n\t\t${[...before, `got, err := ${call}`].join("\n\t\t")}\n\t\tcheck(err)\n\t\tfmt.Println(${show})\n\t}`;

export const path = (label: string, value: string): Field => ({ name: "path", label, value });

/** A number as code: whatever is in the field, nothing but digits come out. */
export function whole(text: string): number {
  const n = Math.trunc(Number(text));
  return Number.isSafeInteger(n) ? n : 0;
}

/** A truth as Python writes it. */
export const truth = (text: string) => (text ? "True" : "False");
