// The shapes of the run API, as far as the pages use them.

export interface ProgramFile {
  name: string;
  content: string;
}

export interface RunRequest {
  language: string;
  files: ProgramFile[];
  stdin?: string;
  stdin_live?: boolean;
  args?: string[];
  timeout_ms?: number;
}

export interface Display {
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
  display_id?: string; // a later one with it may take its place
  act?: "update" | "clear" | "clear_next"; // what it does to what was said before
}

export interface Diagnostic {
  file: string;
  line: number;
  column: number;
  severity: "error" | "warning" | "info";
  message: string;
}

export interface OutputFile {
  name: string;
  size: number;
  content: string;
  encoding?: "base64";
}

export interface RunStart {
  id: string;
  language: string;
  version: string;
  engine: string;
  reason: string;
}

export interface Progress {
  state: "queued" | "preparing" | "running";
  position?: number;
  message?: string;
}

export type Status = "ok" | "error" | "timeout" | "memory_limit" | "output_limit" | "cancelled" | "internal";

export interface Result extends RunStart {
  status: Status;
  message: string;
  exit_code: number;
  signal: string;
  stdout: string;
  stderr: string;
  outputs: Display[];
  diagnostics: Diagnostic[];
  files: OutputFile[];
  wall_ms: number;
  cpu_ms: number;
  memory_bytes: number;
  truncated: { stdout: boolean; stderr: boolean };
}

export type RunEvent =
  | { type: "start"; data: RunStart }
  | { type: "status"; data: Progress }
  | { type: "stdout" | "stderr"; data: { text: string } }
  | { type: "display"; data: Display }
  | { type: "exit"; data: Result }
  | { type: "error"; data: { message: string } };

/** A program as the editor holds it. */
export interface Program {
  language: string;
  title: string;
  files: ProgramFile[];
  stdin: string;
  args: string;
}

/** A language as the page knows it. */
export interface Language {
  id: string;
  name: string;
  label: string;
  main: string;
  extension: string;
  editor: string;
  notebook: boolean; // whether it has sessions
  welcome: Program;
}
