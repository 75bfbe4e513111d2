// Steps on repositories.

import { go, python, script, shell } from "../../move/quote";
import { goGet, path, type Step } from "./step";

export const git: Step[] = [
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
];
