// Previews with the official SDK: links by token, signed addresses, public ones,
// and a proxy of somebody's own.

import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { test } from "node:test";
import { client, create, until, wasm } from "./lib.mjs";

const daytona = client();

/** Asks for a page as a browser would: names below localhost are this machine. */
function ask(address, headers = {}) {
  const { host, port, pathname, search } = new URL(address);
  return new Promise((resolve, reject) => {
    request({ agent: false, host: "127.0.0.1", port, path: pathname + search, headers: { host, ...headers } }, async (res) => {
      let body = "";
      for await (const piece of res) body += piece;
      resolve({ status: res.statusCode, headers: res.headers, body });
    })
      .on("error", reject)
      .end();
  });
}

/** Starts a server inside that has the small page. */
async function serve(sandbox, session) {
  const server = wasm ? "serve site --port 3000" : "python3 -m http.server 3000 --bind 127.0.0.1 --directory site";
  await sandbox.process.createSession(session);
  await sandbox.process.executeSessionCommand(session, { command: server, runAsync: true });
}

/** A sandbox with a small page on port 3000. */
async function serving(t, params) {
  const sandbox = await create(t, daytona, params);
  await sandbox.process.executeCommand("mkdir -p site");
  await sandbox.fs.uploadFile(Buffer.from("hello from inside"), "site/index.html");
  await serve(sandbox, "web");
  const link = await sandbox.getPreviewLink(3000);
  await until("the server inside", async () => (await ask(link.url, { "x-daytona-preview-token": link.token })).status === 200);
  return { sandbox, link };
}

test("a link with its token leads to a server inside", async (t) => {
  const { sandbox, link } = await serving(t);
  assert.match(link.url, new RegExp(`^http://3000-${sandbox.id}\\.localhost:`));
  assert.equal((await ask(link.url, { "x-daytona-preview-token": link.token })).body, "hello from inside");
  assert.equal((await ask(`${link.url}/?DAYTONA_SANDBOX_AUTH_KEY=${link.token}`)).body, "hello from inside");
  assert.equal((await ask(link.url)).status, 401);
  assert.equal((await ask(link.url, { "x-daytona-preview-token": "wrong" })).status, 401);
  const silent = await sandbox.getPreviewLink(3999);
  const answer = await ask(silent.url, { "x-daytona-preview-token": silent.token });
  assert.equal(answer.status, 502);
  assert.match(JSON.parse(answer.body).message, /Nothing listens on port 3999/);
  const toolbox = await ask(link.url.replace("//3000-", "//2280-") + "/work-dir", { "x-daytona-preview-token": link.token });
  assert.equal(toolbox.status, 200, toolbox.body);
});

test("a signed address needs no token, and can be ended", async (t) => {
  const { sandbox } = await serving(t);
  const signed = await sandbox.getSignedPreviewUrl(3000, 120);
  assert.equal((await ask(signed.url)).body, "hello from inside");
  assert.equal((await ask(signed.url.replace("//3000-", "//3001-"))).status, 401, "for another port");
  const brief = await sandbox.getSignedPreviewUrl(3000, 1);
  await until("the end of a signed address", async () => (await ask(brief.url)).status === 401);
  await sandbox.expireSignedPreviewUrl(3000, signed.token);
  assert.equal((await ask(signed.url)).status, 401);
  await assert.rejects(sandbox.getSignedPreviewUrl(3000, 86_401), (e) => e.statusCode === 400);
});

test("a public sandbox shows its servers, and not its terminal", async (t) => {
  const { link } = await serving(t, { public: true });
  assert.equal((await ask(link.url)).body, "hello from inside");
  for (const port of [2280, 22222, 33333]) {
    assert.equal((await ask(link.url.replace("//3000-", `//${port}-`))).status, 401, `port ${port}`);
  }
});

test("a signed address survives a restart, the token does not, and a visit starts what has the label", async (t) => {
  const { sandbox, link } = await serving(t, { labels: { "sandpiper.start-on-visit": "true" } });
  const signed = await sandbox.getSignedPreviewUrl(3000, 600);
  await sandbox.stop();
  const visits = Promise.all([ask(signed.url), ask(signed.url)]);
  await until("the visits have started it", async () => (await sandbox.refreshData(), sandbox.state === "started"));
  await serve(sandbox, "again"); // the first server went with its processes; the visits wait for this one
  for (const { status, body } of await visits) {
    assert.ok(status === 200 || status === 502, `${status} ${body}`); // 502 where the server took too long to start
  }
  assert.equal((await ask(signed.url)).status, 200);
  assert.equal((await ask(link.url, { "x-daytona-preview-token": link.token })).status, 401);
});

test("a proxy of somebody's own adds the token and does without the warning", async (t) => {
  const { link } = await serving(t);
  const html = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  assert.equal((await ask(link.url, html)).status, 303, "a browser is asked who it is");
  const proxy = createServer(async (req, res) => {
    const answer = await ask(link.url + req.url, {
      accept: req.headers.accept ?? "*/*",
      "x-daytona-preview-token": link.token,
      "x-daytona-skip-preview-warning": "true",
      "x-forwarded-host": req.headers.host,
    });
    res.writeHead(answer.status, { "content-type": answer.headers["content-type"] }).end(answer.body);
  });
  await new Promise((ready) => proxy.listen(0, "127.0.0.1", ready));
  t.after(() => proxy.close());
  const answer = await fetch(`http://127.0.0.1:${proxy.address().port}/`, { headers: html });
  assert.equal(await answer.text(), "hello from inside");
});
