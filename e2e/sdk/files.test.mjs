// Files over the toolbox.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";
import { DaytonaBadRequestError, DaytonaNotFoundError } from "@daytona/sdk";
import { fails, shared, text } from "./lib.mjs";

const box = shared();

test("upload, look, list, move, delete", async () => {
  const { fs } = box.it;
  await fs.createFolder("dir", "755");
  await fs.uploadFile(Buffer.from("hello\n"), "dir/a.txt");
  const info = await fs.getFileDetails("dir/a.txt");
  assert.deepEqual([info.name, info.isDir, info.size], ["a.txt", false, 6]);
  assert.ok(info.permissions && info.owner !== undefined && info.modTime, JSON.stringify(info));
  await fs.moveFiles("dir/a.txt", "dir/b.txt");
  assert.deepEqual((await fs.listFiles("dir")).map((f) => f.name), ["b.txt"]);
  await fs.setFilePermissions("dir/b.txt", { mode: "600" });
  assert.match((await fs.getFileDetails("dir/b.txt")).permissions, /600$/);
  await fs.deleteFile("dir/b.txt");
  await fs.deleteFile("dir", true);
  await fails(fs.getFileDetails("dir"), DaytonaNotFoundError, 404);
});

test("many files at once, with parents that are not there", async () => {
  const { fs } = box.it;
  const files = Array.from({ length: 20 }, (_, i) => ({ source: Buffer.from(`file ${i}`), destination: `many/${i}/f.txt` }));
  await fs.uploadFiles(files);
  const back = await fs.downloadFiles([...files.map((f) => ({ source: f.destination })), { source: "many/none" }]);
  assert.equal(back.length, 21);
  for (const [i, f] of back.slice(0, 20).entries()) assert.equal(text(f.result), `file ${i}`);
  assert.ok(back[20].error, "a missing file has no error");
  assert.equal(back[20].errorDetails?.statusCode, 404);
});

test("search, find, replace", async () => {
  const { fs } = box.it;
  await fs.uploadFiles([
    { source: Buffer.from("alpha\nbeta\n"), destination: "search/one.py" },
    { source: Buffer.from("beta\n"), destination: "search/two.txt" },
  ]);
  assert.deepEqual((await fs.searchFiles("search", "*.py")).files.map((f) => f.split("/").pop()), ["one.py"]);
  const found = await fs.findFiles("search", "beta");
  assert.deepEqual(found.map((m) => [m.file.split("/").pop(), m.line]).sort(), [["one.py", 2], ["two.txt", 1]]);
  const replaced = await fs.replaceInFiles(["search/one.py", "search/two.txt"], "beta", "gamma");
  assert.ok(replaced.every((r) => r.success), JSON.stringify(replaced));
  assert.equal((await fs.downloadFile("search/two.txt")).toString(), "gamma\n");
});

test("a large file comes back as it went, as a stream", async () => {
  const { fs } = box.it;
  const chunk = Buffer.alloc(1 << 20, "0123456789abcdef");
  const size = 32;
  const sent = createHash("sha256");
  async function* chunks() {
    for (let i = 0; i < size; i++) {
      chunk.writeUInt32LE(i, 0);
      const copy = Buffer.from(chunk);
      sent.update(copy);
      yield copy;
    }
  }
  await fs.uploadFileStream(Readable.from(chunks()), "large.bin");
  assert.equal((await fs.getFileDetails("large.bin")).size, size << 20);
  const got = createHash("sha256");
  for await (const part of await fs.downloadFileStream("large.bin")) got.update(part);
  assert.equal(got.digest("hex"), sent.digest("hex"));
  await fs.deleteFile("large.bin");
});

test("names with spaces, quotes and other letters", async () => {
  const { fs } = box.it;
  for (const name of ["a b.txt", "é中.txt", "q'uo\"te.txt", "per%20cent.txt", "#hash?.txt"]) {
    await fs.uploadFile(Buffer.from(name), `names/${name}`);
    assert.equal((await fs.downloadFile(`names/${name}`)).toString(), name);
  }
  assert.equal((await fs.listFiles("names")).length, 5);
});

test("signed addresses let anybody at one file, for a while", async () => {
  const { fs } = box.it;
  await fs.uploadFile(Buffer.from("signed"), "signed file.txt");
  const link = await box.it.downloadUrl("signed file.txt", 60);
  const got = await fetch(link);
  assert.equal(got.status, 200);
  assert.equal(await got.text(), "signed");
  assert.match(got.headers.get("content-security-policy"), /sandbox/);
  assert.equal(got.headers.get("set-cookie"), null);
  const put = await fetch(await box.it.uploadUrl("by link.txt"), { method: "POST", body: "put", headers: { "content-type": "application/octet-stream" } });
  assert.equal(put.status, 200, await put.text());
  assert.equal((await fs.downloadFile("by link.txt")).toString(), "put");
  assert.equal((await fetch(link.replace("signed+file", "other").replace("signed%20file", "other"))).status, 401);
  assert.equal((await fetch(link.replace("/files/download", "/files/info"))).status, 400);
  await box.it.rotateSigningKey();
  assert.equal((await fetch(link)).status, 401);
});

test("errors are the SDK's own", async () => {
  const { fs } = box.it;
  await fails(fs.downloadFile("none.txt"), DaytonaNotFoundError, 404);
  await fails(fs.listFiles("none"), DaytonaNotFoundError, 404);
  await fs.createFolder("folder", "755");
  await fails(fs.downloadFile("folder"), DaytonaBadRequestError, 400);
});
