// Previews in the browser of somebody who signed in: on a host of their own and
// below a path, what their pages can reach, when the way in ends, links for
// strangers, visits that start a sandbox, and the terminal at port 22222.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { closed as base, visit } from "../lib.mjs";
import { box, call, patience, picture, toolbox, until, wellMade } from "./box.mjs";

const previews = process.env.SANDPIPER_PREVIEWS_URL; // the previews' own listener
const host = (port) => `http://${port}-${box.id}.localhost:${new URL(base).port}`;
const expected = [/Failed to load resource|CORS|ERR_|is sandboxed|opaque/]; // of pages that try what they must not

/** A page that tries what a page of a stranger must not, and writes down what came of it. */
const page = `<!doctype html><html lang="en"><head><title>inside</title></head><body><h1>Hello from inside</h1><script type="module">
const got = {};
const note = async (name, what) => { try { got[name] = String(await what()); } catch (e) { got[name] = e.name; } };
await note("origin", () => self.origin);
await note("storage", () => { localStorage.setItem("a", "kept"); return localStorage.getItem("a"); });
await note("cookie", () => { document.cookie = "own=1"; return document.cookie; });
await note("worker", () => navigator.serviceWorker.register("worker.js").then(() => "registered"));
await note("app", () => fetch(${JSON.stringify(base)} + "/api/sandbox", { credentials: "include" }).then((r) => r.status));
await note("deletes", () => fetch(${JSON.stringify(base)} + "/api/sandbox/" + ${JSON.stringify("ID")}, { method: "DELETE", credentials: "include", mode: "no-cors" }).then((r) => r.type));
await note("file", () => fetch("data.txt").then((r) => r.text()));
window.got = got;
</script></body></html>`;

/** Signs a browser of its own in. */
async function signedIn(t) {
  const { url } = await call("POST", "/api/signin-links", {});
  return visit(t, url, { expected });
}

let served;
/** Starts a server inside that shows the page, once. */
const serving = () => (served ??= serve());
async function serve() {
  await toolbox("POST", "/files/folder?path=site&mode=0755");
  const text = (s) => new TextEncoder().encode(s);
  await toolbox("POST", "/files/upload-v2?path=site/index.html", text(page.replace("ID", box.id)));
  await toolbox("POST", "/files/upload-v2?path=site/data.txt", text("a file beside it"));
  await toolbox("POST", "/files/upload-v2?path=site/worker.js", text(""));
  await toolbox("POST", "/process/session", { sessionId: "web" });
  const command = process.env.SANDPIPER_SNAPSHOT === "wasm" ? "serve site --port 3000" : "python3 -m http.server 3000 --bind 127.0.0.1 --directory site";
  await toolbox("POST", "/process/session/web/exec", { command, runAsync: true });
  await until("the server inside listens", async () => (await toolbox("GET", "/port")).ports.includes(3000));
}

/** What the page inside found out. */
async function found(page) {
  await page.waitForFunction(() => window.got?.file !== undefined, undefined, { timeout: patience });
  return page.evaluate(() => window.got);
}

/** Signs a browser out of the app, in a tab of its own. */
async function signOut(page) {
  const app = await page.context().newPage();
  await app.goto(`${base}/sandboxes`);
  await app.locator("summary", { hasText: "Account" }).click();
  await app.getByRole("button", { name: "Sign out" }).click();
  await app.getByRole("link", { name: "Sign in" }).waitFor();
  await app.close();
}

const there = () => call("GET", `/api/sandbox/${box.id}`).then((s) => s.state === "started");

test("a host has an origin of its own, which ends with the session", async (t) => {
  await serving();
  const page = await signedIn(t);
  await page.goto(`${host(3000)}/?a=b`);
  await page.getByRole("heading", { name: "This page comes from a sandbox" }).waitFor();
  await wellMade(page, "the warning");
  await picture(page, "preview-warning");
  await page.getByRole("button").click();
  await page.getByRole("heading", { name: "Hello from inside" }).waitFor();
  assert.equal(page.url(), `${host(3000)}/?a=b`, "the address is the one that was asked for");
  const got = await found(page);
  assert.equal(got.origin, host(3000));
  assert.equal(got.storage, "kept");
  assert.match(got.cookie, /own=1/);
  assert.doesNotMatch(got.cookie, /sandpiper/, "no cookie of ours can be read");
  assert.equal(got.file, "a file beside it");
  assert.equal(got.app, "TypeError", "the app's answers cannot be read");
  assert.ok(await there(), "the sandbox was not deleted in its user's name");
  await page.goto(`${host(3999)}/`);
  await page.getByRole("heading", { name: "This page comes from a sandbox" }).waitFor();
  await page.getByRole("button").click(); // each host warns
  await page.getByText("Nothing listens on port 3999").waitFor();
  await page.getByRole("link", { name: "Port 3000 listens" }).click();
  await page.getByRole("heading", { name: "Hello from inside" }).waitFor();
  await signOut(page);
  await page.goto(`${host(3000)}/`);
  await page.locator("#key").waitFor(); // the form to sign in
  assert.equal(new URL(page.url()).origin, base);
});

test("a path shares a host with others, so its pages have no origin", async (t) => {
  await serving();
  const page = await signedIn(t);
  await page.goto(`${previews}/p/${box.id}/3000/`);
  await page.getByRole("heading", { name: "Hello from inside" }).waitFor();
  const got = await found(page);
  assert.equal(got.origin, "null");
  for (const name of ["storage", "cookie", "worker"]) assert.equal(got[name], "SecurityError", name);
  assert.equal(got.app, "TypeError", "the app's answers cannot be read");
  assert.equal(got.file, "a file beside it", "what is beside the page is found");
  assert.ok(await there(), "the sandbox was not deleted in its user's name");
  const path = page.url();
  const stranger = await visit(t, path, { expected });
  await stranger.getByRole("heading", { name: "Hello from inside" }).waitFor(); // the path is what lets in
  await signOut(page);
  for (const p of [page, stranger]) {
    await p.goto(path);
    await p.locator("#key").waitFor();
    assert.equal(new URL(p.url()).origin, base, "the path has ended with the session");
  }
});

test("the terminal has a port, for members only", async (t) => {
  const page = await signedIn(t);
  await page.goto(`${host(22222)}/`);
  await page.locator(".xterm-screen").waitFor({ timeout: patience });
  const shown = async () => (await page.locator(".term:not([hidden]) .xterm-rows").innerText()).replaceAll("\u00a0", " ");
  await until("there is a prompt", async () => /[$#]$/.test((await shown()).trimEnd()));
  await page.locator(".xterm-screen").click();
  await page.keyboard.type("echo at-$((22000 + 222))\n");
  await until("what was typed has run", async () => (await shown()).includes("at-22222"));
  assert.equal(new URL(page.url()).origin, host(22222));
  await wellMade(page, "the terminal at its port");
  await picture(page, "terminal-port");
  await call("POST", `/api/sandbox/${box.id}/public/true`);
  t.after(() => call("POST", `/api/sandbox/${box.id}/public/false`));
  const stranger = await visit(t, `${host(22222)}/`, { expected });
  await stranger.locator("#key").waitFor();
  assert.equal(await stranger.locator(".xterm-screen").count(), 0, "a public sandbox's terminal is not public");
});

/** Asks for a link to port 3000 that is good for so long. */
const signed = (seconds) => call("GET", `/api/sandbox/${box.id}/ports/3000/signed-preview-url?expiresInSeconds=${seconds}`);

test("a signed link is good for a stranger, until its time or somebody ends it", async (t) => {
  await serving();
  const link = await signed(600);
  const stranger = await visit(t, link.url, { expected: [...expected, /A bad HTTP response code/] }); // for the worker of a page whose link ends
  await stranger.getByRole("heading", { name: "Hello from inside" }).waitFor();
  assert.equal((await found(stranger)).storage, "kept");
  const short = await signed(1);
  await until("the short link has ended", async () => {
    await stranger.goto(short.url);
    return (await stranger.getByRole("heading", { name: "Hello from inside" }).count()) === 0;
  });
  await stranger.goto(link.url);
  await stranger.getByRole("heading", { name: "Hello from inside" }).waitFor();
  await call("POST", `/api/sandbox/${box.id}/ports/3000/signed-preview-url/${link.token}/expire`, {});
  const answer = await stranger.reload();
  assert.ok(answer.status() >= 400, `the link answers ${answer.status()}`);
  await wellMade(stranger, "a link that was ended");
});

// A server as people write them: it signs its visitors in by a cookie, leads them on by
// an address that it thinks is its own, and talks over WebSockets and event streams.
const talker = `
const { createHash } = require("crypto");
const page = "<!doctype html><html lang=en><title>talks</title><h1>At home</h1><script type=module>" +
  "const got = (window.got = {}); const u = new URL('socket', location.href); u.protocol = 'ws:';" +
  "const ws = new WebSocket(u); ws.binaryType = 'arraybuffer'; ws.onopen = () => ws.send('ping');" +
  "ws.onmessage = (e) => (got.socket = e.data); ws.onerror = () => (got.socket = 'error');" +
  "const es = new EventSource('events'); es.onmessage = (e) => { got.events = (got.events ?? '') + e.data; if (e.data === '3') es.close(); };" +
  "got.cookie = await fetch('cookie').then((r) => r.text());" +
  "</scr" + "ipt>";
require("http").createServer((q, s) => {
  const path = q.url.split("?")[0];
  if (path === "/login") return s.writeHead(302, { "Set-Cookie": ["mine=1; HttpOnly; Path=/", "all=1; Domain=localhost; Path=/"], Location: "http://localhost:3100/home" }).end();
  if (path === "/cookie") return s.end(q.headers.cookie ?? "none");
  if (path !== "/events") return s.setHeader("Content-Type", "text/html").end(page);
  s.writeHead(200, { "Content-Type": "text/event-stream" });
  let n = 0;
  const each = setInterval(() => { s.write("data: " + ++n + "\\n\\n"); if (n === 3) clearInterval(each); }, 50);
}).on("upgrade", (q, s) => {
  const accept = createHash("sha1").update(q.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  s.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n");
  s.on("error", () => {}).on("data", (d) => {
    if (d[0] !== 0x81) return s.end();
    const text = Buffer.from(d.subarray(6, 6 + (d[1] & 127)).map((b, i) => b ^ d[2 + (i & 3)]));
    s.write(Buffer.concat([Buffer.from([0x81, text.length + 5]), Buffer.from("pong:"), text]));
  });
}).listen(3100, "127.0.0.1");
`;

// Programs that serve what they like are what only containers have.
const inContainer = process.env.SANDPIPER_SNAPSHOT === "wasm" ? () => {} : test;

inContainer("redirects, cookies, sockets and streams of a server inside stay with it", async (t) => {
  await toolbox("POST", "/files/upload-v2?path=talker.cjs", new TextEncoder().encode(talker));
  await toolbox("POST", "/process/session", { sessionId: "talker" });
  await toolbox("POST", "/process/session/talker/exec", { command: "node talker.cjs", runAsync: true });
  await until("the server inside listens", async () => (await toolbox("GET", "/port")).ports.includes(3100));
  const page = await signedIn(t);
  const talked = () => page.waitForFunction(() => window.got?.socket && window.got?.cookie && window.got?.events?.endsWith("3") && window.got, undefined, { timeout: patience }).then((h) => h.jsonValue());
  await page.goto(`${host(3100)}/login`);
  await page.getByRole("button").click(); // the warning
  await page.getByRole("heading", { name: "At home" }).waitFor();
  assert.equal(page.url(), `${host(3100)}/home`, "the redirect stays at the preview");
  assert.deepEqual(await talked(), { socket: "pong:ping", events: "123", cookie: "mine=1; all=1" }, "at a host"); // which keeps for itself what was for all hosts
  const elsewhere = (await page.context().cookies(base)).map((c) => c.name);
  assert.ok(!elsewhere.includes("all") && !elsewhere.includes("mine"), `the app gets ${elsewhere}`);
  await page.goto(`${previews}/p/${box.id}/3100/`);
  assert.deepEqual(await talked(), { socket: "pong:ping", events: "123", cookie: "none" }, "below a path");
});

/** The packages of Vite that are installed here, as an archive. */
function vite() {
  const installed = JSON.parse(execFileSync("npm", ["query", "#vite, #vite *"]));
  const folders = installed.map((p) => p.location).filter((f) => !f.startsWith("node_modules/@types"));
  return execFileSync("tar", ["-c", ...folders], { maxBuffer: 1 << 28 });
}

inContainer("Vite's development server shows a changed file without a reload", async (t) => {
  const put = (name, content) => toolbox("POST", `/files/upload-v2?path=app/${name}`, typeof content === "string" ? new TextEncoder().encode(content) : content);
  await toolbox("POST", "/files/folder?path=app&mode=0755");
  await put("vite.tar", vite());
  await put("index.html", '<!doctype html><html lang="en"><title>app</title><h1></h1><script type="module" src="/main.js"></script></html>');
  await put("main.js", 'import { text } from "./text.js";\nconst show = (s) => (document.querySelector("h1").textContent = s);\nshow(text);\nimport.meta.hot.accept("./text.js", (m) => show(m.text));\n');
  await put("text.js", 'export const text = "as it was";\n');
  await toolbox("POST", "/process/session", { sessionId: "vite" });
  await toolbox("POST", "/process/session/vite/exec", { command: "cd app && tar -xf vite.tar && rm vite.tar && node node_modules/vite/bin/vite.js --port 5173", runAsync: true });
  await until("Vite listens", async () => (await toolbox("GET", "/port")).ports.includes(5173));
  const page = await signedIn(t);
  await page.goto(`${host(5173)}/`);
  const linked = page.waitForEvent("console", (m) => m.text().includes("[vite] connected"));
  await page.getByRole("button").click(); // the warning
  await page.getByRole("heading", { name: "as it was" }).waitFor();
  await linked;
  await page.evaluate(() => (window.same = true));
  await put("text.js", 'export const text = "as it is";\n');
  await page.getByRole("heading", { name: "as it is" }).waitFor();
  assert.ok(await page.evaluate(() => window.same), "the page was loaded again");
});

test("a visit starts a sandbox that has the label for it", async (t) => {
  const page = await signedIn(t);
  const stop = async () => {
    await call("POST", `/api/sandbox/${box.id}/stop`);
    await until("the sandbox is stopped", async () => (await call("GET", `/api/sandbox/${box.id}`)).state === "stopped");
  };
  served = undefined;
  await stop();
  await page.goto(`${host(3000)}/`);
  const warning = page.getByRole("button", { name: "Go on to the page" });
  await warning.click();
  await page.getByText("stopped").first().waitFor();
  assert.ok(!(await there()), "nobody asked for it");
  await call("PUT", `/api/sandbox/${box.id}/labels`, { labels: { "sandpiper.start-on-visit": "true" } });
  const opened = page.reload();
  await until("the visit started the sandbox", there);
  await serving();
  await opened;
  await page.getByRole("heading", { name: "Hello from inside" }).waitFor(); // the visit has waited for the server, too
  assert.equal(page.url(), `${host(3000)}/`);
});
