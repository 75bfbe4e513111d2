// Git, with a server of its own inside the sandbox where there can be one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DaytonaConflictError, DaytonaNotFoundError } from "@daytona/sdk";
import { fails, shared, unique, until, wasm } from "./lib.mjs";

const box = shared();

/** A repository with one commit on main. */
async function repository() {
  const { git, fs } = box.it;
  const path = `${box.work}/${unique("repo")}`;
  await git.init(path, false, "main");
  await fs.uploadFile(Buffer.from("one\n"), `${path}/a.txt`);
  await git.add(path, ["a.txt"]);
  const { sha } = await git.commit(path, "first", "Ada", "ada@example.org");
  assert.match(sha, /^[0-9a-f]{40}$/);
  return path;
}

test("status, branches and commits", async () => {
  const { git, fs } = box.it;
  const path = await repository();
  await fs.uploadFile(Buffer.from("two\n"), `${path}/a.txt`);
  await fs.uploadFile(Buffer.from("new\n"), `${path}/b.txt`);
  const status = await git.status(path);
  assert.equal(status.currentBranch, "main");
  const byName = Object.fromEntries(status.fileStatus.map((f) => [f.name, [f.staging, f.worktree]]));
  assert.deepEqual(byName, { "a.txt": ["Unmodified", "Modified"], "b.txt": ["Untracked", "Untracked"] });
  await git.restore(path, ["a.txt"]);
  assert.equal((await fs.downloadFile(`${path}/a.txt`)).toString(), "one\n");
  await git.createBranch(path, "feature");
  await fails(git.createBranch(path, "feature"), DaytonaConflictError, 409);
  await git.checkoutBranch(path, "feature");
  await git.add(path, ["b.txt"]);
  await git.commit(path, "second", "Ada", "ada@example.org");
  assert.deepEqual((await git.branches(path)).branches.sort(), ["feature", "main"]);
  await git.checkoutBranch(path, "main");
  await git.deleteBranch(path, "feature");
  await git.reset(path, "hard", "HEAD");
  assert.deepEqual((await git.branches(path)).branches, ["main"]);
  await fails(git.checkoutBranch(path, "none"), DaytonaNotFoundError, 404);
  await fails(git.status(`${box.work}/none`), DaytonaNotFoundError, 404);
});

test("settings and remotes", async () => {
  const { git } = box.it;
  const path = await repository();
  await git.setConfig("user.name", "Ada", "local", path);
  assert.equal(await git.getConfig("user.name", "local", path), "Ada");
  await git.remoteAdd(path, "origin", "https://git.example.org/a.git");
  assert.equal(await git.remoteGet(path, "origin"), "https://git.example.org/a.git");
  assert.deepEqual((await git.remotes(path)).remotes.map((r) => r.name), ["origin"]);
});

/** A git server over HTTP for the folder beside it, in node. */
const server = `
const { spawn } = require("node:child_process");
require("node:http").createServer((req, res) => {
  const url = new URL(req.url, "http://x");
  const git = spawn("git", ["http-backend"], { env: { ...process.env, GIT_PROJECT_ROOT: __dirname, GIT_HTTP_EXPORT_ALL: "1", REMOTE_USER: "u",
    PATH_INFO: url.pathname, QUERY_STRING: url.search.slice(1), REQUEST_METHOD: req.method, CONTENT_TYPE: req.headers["content-type"] ?? "",
    HTTP_CONTENT_ENCODING: req.headers["content-encoding"] ?? "", GIT_PROTOCOL: req.headers["git-protocol"] ?? "" } });
  req.pipe(git.stdin);
  let head = Buffer.alloc(0), open = false;
  git.stdout.on("data", (chunk) => {
    if (open) return res.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\\r\\n\\r\\n");
    if (end < 0) return;
    open = true;
    for (const line of head.subarray(0, end).toString().split("\\r\\n")) {
      const [name, value] = line.split(": ");
      if (name === "Status") res.statusCode = parseInt(value); else res.setHeader(name, value);
    }
    res.write(head.subarray(end + 4));
  });
  git.stdout.on("end", () => res.end());
}).listen(8417, "127.0.0.1");
`;

if (!wasm) test("clone, push and pull over HTTP", async () => {
  const { git, fs, process } = box.it;
  const root = `${box.work}/${unique("server")}`;
  await fs.uploadFile(Buffer.from(server), `${root}/serve.js`);
  assert.equal((await process.executeCommand("git init -q --bare -b main project.git && git -C project.git config http.receivepack true", root)).exitCode, 0);
  const session = unique("git-server");
  await process.createSession(session);
  await process.executeSessionCommand(session, { command: `node ${root}/serve.js`, runAsync: true });
  const url = "http://127.0.0.1:8417/project.git";
  await until("the git server", async () => (await process.executeCommand(`git ls-remote ${url}`)).exitCode === 0);
  const path = await repository();
  await git.remoteAdd(path, "origin", url);
  await git.push(path, undefined, undefined, "main", "origin", true);
  const clone = `${box.work}/${unique("clone")}`;
  await git.clone(url, clone, "main");
  assert.equal((await fs.downloadFile(`${clone}/a.txt`)).toString(), "one\n");
  await fs.uploadFile(Buffer.from("more\n"), `${path}/c.txt`);
  await git.add(path, ["c.txt"]);
  await git.commit(path, "third", "Ada", "ada@example.org");
  await git.push(path);
  await git.pull(clone);
  assert.equal((await fs.downloadFile(`${clone}/c.txt`)).toString(), "more\n");
  assert.equal((await git.status(clone)).behind, 0);
  await process.deleteSession(session);
});

test("a repository that is not there is an error that says so", async () => {
  await assert.rejects(box.it.git.clone("http://127.0.0.1:9/none.git", `${box.work}/${unique("none")}`), (e) => e.statusCode >= 400 && e.message.length > 10);
});
