// Steps on files.

import { go, python, script, shell } from "../../move/quote";
import { goGet, path, type Step } from "./step";

export const files: Step[] = [
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
    fields: [path("File", "demo/hello.txt"), { name: "text", label: "Text", value: "Hello from the playground\n", type: "area" }],
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
];
