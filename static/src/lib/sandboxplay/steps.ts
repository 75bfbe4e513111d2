// What one can do with a sandbox in the playground: each step as a form, as a
// call of the toolbox, and as code. The code of a step says what its call does.

import { go, python, script, shell } from "../move/quote";

export type Values = Record<string, string>;

/** A field of a form; choices make it a list, area a text of many lines. */
export interface Field {
  name: string;
  label: string;
  value: string;
  area?: boolean;
  choices?: string[];
}

/** A call of the toolbox. */
export interface Call {
  method: "GET" | "POST" | "DELETE";
  path: string;
  query?: Record<string, string>;
  json?: unknown;
  text?: string; // the body as it is
}

/** A step as code: lines of each language, which print what comes back. */
export interface Code {
  python: string;
  typescript: string;
  go: string;
  cli: string; // a command inside the sandbox
}

export interface Step {
  id: string;
  section: "Files" | "Git" | "Process";
  title: string;
  on?: boolean; // chosen at first
  fields: Field[];
  call(v: Values): Call;
  code(v: Values): Code;
}

/** Turns Go's two results into one that was checked. */
const goGet = (call: string, show: string) => `{\n\t\tgot, err := ${call}\n\t\tcheck(err)\n\t\tfmt.Println(${show})\n\t}`;
const path = (label: string, value: string): Field => ({ name: "path", label, value });

export const steps: Step[] = [
  {
    id: "folder", section: "Files", title: "Create a folder", on: true, fields: [path("Folder", "demo")],
    call: (v) => ({ method: "POST", path: "files/folder", query: { path: v.path, mode: "0755" } }),
    code: (v) => ({
      python: `sandbox.fs.create_folder(${python(v.path)}, "755")`,
      typescript: `await sandbox.fs.createFolder(${script(v.path)}, "755");`,
      go: `check(sandbox.FileSystem.CreateFolder(ctx, ${go(v.path)}))`,
      cli: `mkdir -p -- ${shell(v.path)}`,
    }),
  },
  {
    id: "upload", section: "Files", title: "Upload a text", on: true,
    fields: [path("File", "demo/hello.txt"), { name: "text", label: "Text", value: "Hello from the playground\n", area: true }],
    call: (v) => ({ method: "POST", path: "files/upload-v2", query: { path: v.path }, text: v.text }),
    code: (v) => ({
      python: `sandbox.fs.upload_file(${python(v.text)}.encode(), ${python(v.path)})`,
      typescript: `await sandbox.fs.uploadFile(Buffer.from(${script(v.text)}), ${script(v.path)});`,
      go: `check(sandbox.FileSystem.UploadFile(ctx, []byte(${go(v.text)}), ${go(v.path)}))`,
      cli: `printf %s ${shell(v.text)} > ${shell(v.path)}`,
    }),
  },
  {
    id: "list", section: "Files", title: "List a folder", on: true, fields: [path("Folder", "demo")],
    call: (v) => ({ method: "GET", path: "files", query: { path: v.path } }),
    code: (v) => ({
      python: `for file in sandbox.fs.list_files(${python(v.path)}):\n    print(file.name, file.size)`,
      typescript: `for (const file of await sandbox.fs.listFiles(${script(v.path)})) console.log(file.name, file.size);`,
      go: goGet(`sandbox.FileSystem.ListFiles(ctx, ${go(v.path)})`, "got"),
      cli: `ls -l -- ${shell(v.path)}`,
    }),
  },
  {
    id: "download", section: "Files", title: "Read a file", on: true, fields: [path("File", "demo/hello.txt")],
    call: (v) => ({ method: "GET", path: "files/download", query: { path: v.path } }),
    code: (v) => ({
      python: `print(sandbox.fs.download_file(${python(v.path)}).decode(), end="")`,
      typescript: `process.stdout.write(await sandbox.fs.downloadFile(${script(v.path)}));`,
      go: goGet(`sandbox.FileSystem.DownloadFile(ctx, ${go(v.path)}, nil)`, "string(got)"),
      cli: `cat -- ${shell(v.path)}`,
    }),
  },
  {
    id: "delete", section: "Files", title: "Delete a file", fields: [path("File", "demo/hello.txt")],
    call: (v) => ({ method: "DELETE", path: "files", query: { path: v.path } }),
    code: (v) => ({
      python: `sandbox.fs.delete_file(${python(v.path)})`,
      typescript: `await sandbox.fs.deleteFile(${script(v.path)});`,
      go: `check(sandbox.FileSystem.DeleteFile(ctx, ${go(v.path)}, false))`,
      cli: `rm -- ${shell(v.path)}`,
    }),
  },
  {
    id: "clone", section: "Git", title: "Clone a repository", fields: [{ name: "url", label: "Address", value: "https://github.com/octocat/Hello-World.git" }, path("Into the folder", "repository")],
    call: (v) => ({ method: "POST", path: "git/clone", json: { url: v.url, path: v.path } }),
    code: (v) => ({
      python: `sandbox.git.clone(${python(v.url)}, ${python(v.path)})`,
      typescript: `await sandbox.git.clone(${script(v.url)}, ${script(v.path)});`,
      go: `check(sandbox.Git.Clone(ctx, ${go(v.url)}, ${go(v.path)}))`,
      cli: `git clone -- ${shell(v.url)} ${shell(v.path)}`,
    }),
  },
  {
    id: "status", section: "Git", title: "Status of a repository", fields: [path("Folder", "repository")],
    call: (v) => ({ method: "GET", path: "git/status", query: { path: v.path } }),
    code: (v) => ({
      python: `print(sandbox.git.status(${python(v.path)}))`,
      typescript: `console.log(await sandbox.git.status(${script(v.path)}));`,
      go: goGet(`sandbox.Git.Status(ctx, ${go(v.path)})`, "got"),
      cli: `cd ${shell(v.path)} && git status`,
    }),
  },
  {
    id: "branches", section: "Git", title: "Branches of a repository", fields: [path("Folder", "repository")],
    call: (v) => ({ method: "GET", path: "git/branches", query: { path: v.path } }),
    code: (v) => ({
      python: `print(sandbox.git.branches(${python(v.path)}))`,
      typescript: `console.log(await sandbox.git.branches(${script(v.path)}));`,
      go: goGet(`sandbox.Git.Branches(ctx, ${go(v.path)})`, "got"),
      cli: `cd ${shell(v.path)} && git branch`,
    }),
  },
  {
    id: "code", section: "Process", title: "Run Python", on: true, fields: [{ name: "code", label: "Code", value: "print(6 * 7)", area: true }],
    call: (v) => ({ method: "POST", path: "process/code-run", json: { code: v.code, language: "python" } }),
    code: (v) => ({
      python: `print(sandbox.process.code_run(${python(v.code)}).result)`,
      typescript: `console.log((await sandbox.process.codeRun(${script(v.code)})).result);`,
      go: goGet(`sandbox.Process.CodeRun(ctx, ${go(v.code)})`, "got.Result"),
      cli: `python3 -c ${shell(v.code)}`,
    }),
  },
  {
    id: "command", section: "Process", title: "Run a shell command", on: true, fields: [{ name: "command", label: "Command", value: "ls -l demo" }],
    call: (v) => ({ method: "POST", path: "process/execute", json: { command: v.command } }),
    code: (v) => ({
      python: `print(sandbox.process.exec(${python(v.command)}).result)`,
      typescript: `console.log((await sandbox.process.executeCommand(${script(v.command)})).result);`,
      go: goGet(`sandbox.Process.ExecuteCommand(ctx, ${go(v.command)})`, "got.Result"),
      cli: v.command,
    }),
  },
];
