// Programs on pages of others: frames, our element, and codapi's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, closed, foreign, key, open, packageFile, visit } from "./lib.mjs";

/** Shares a program through the page's own form and returns its id. */
async function shared(base, code, headers = {}) {
  const form = new URLSearchParams({ language: "python", name: "main.py", content: code, author: "a".repeat(64) });
  const answer = await fetch(base + "/share", { method: "POST", body: form, headers: { "HX-Request": "true", ...headers } });
  const id = /data-shared="([^"]+)"/.exec(await answer.text())?.[1];
  assert.ok(id, `sharing answered ${answer.status}`);
  return id;
}

const page = (body) => `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>A course</title><link rel="icon" href="data:,">${body}`;

for (const [name, base, headers] of [["an open server", open, {}], ["a closed server", closed, { Authorization: `Bearer ${key}` }]]) {
  test(`a frame from ${name} runs on a foreign page`, async (t) => {
    const id = await shared(base, "print('inside ' + 'the frame')\n", headers);
    const site = await foreign(t, {
      "/": page(`<script>addEventListener("message", (e) => { if (e.data?.type === "sandpiper:resize") (window.heights ??= []).push([e.data.height, e.origin]); });</script>
        <iframe src="${base}/embed/${id}?theme=dark" title="Program" width="600" height="400" sandbox="allow-scripts allow-popups allow-forms allow-downloads"></iframe>`),
    });
    const host = await visit(t, site);
    const frame = host.frameLocator("iframe");
    await frame.locator("#run").click();
    await frame.locator("#screen pre", { hasText: "inside the frame" }).waitFor();
    await frame.locator("#status", { hasText: "Finished" }).waitFor();
    assert.deepEqual(await host.context().cookies(), []);
    await host.waitForFunction(() => window.heights?.length > 0);
    const heights = await host.evaluate(() => window.heights);
    assert.ok(heights.every(([h, origin]) => h > 50 && origin === "null"), JSON.stringify(heights));
  });
}

test("a frame without a sandbox attribute still has an origin of its own", async (t) => {
  const id = await shared(open, "print('x')\n");
  const site = await foreign(t, { "/": page(`<iframe src="${open}/embed/${id}?run=load" title="Program" width="600" height="400"></iframe>`) });
  const host = await visit(t, site);
  const frame = host.frames().find((f) => f.url().includes("/embed/"));
  assert.equal(await frame.evaluate(() => self.origin), "null");
  await host.frameLocator("iframe").locator("#status", { hasText: "Finished" }).waitFor();
});

test("a closed server runs an embed only as it was shared", async (t) => {
  const id = await shared(closed, "print('as shared')\n", { Authorization: `Bearer ${key}` });
  const answer = await api(closed, `/embed/${id}/run`, { language: "python", code: "print('changed')" }, { Accept: "text/event-stream" });
  const said = await answer.text();
  assert.match(said, /as shared/);
  assert.doesNotMatch(said, /changed/);
  assert.equal((await api(closed, "/v1/run", { language: "python", code: "print(1)" })).status, 401);
});

test("an embed that is gone says so", async (t) => {
  const site = await foreign(t, { "/": page(`<iframe src="${open}/embed/AAAAAAAAAAA" title="Program"></iframe>`) });
  const host = await visit(t, site, { expected: [/404/] });
  await host.frameLocator("iframe").getByText("Nothing here").waitFor();
});

test("the app itself cannot be framed", async (t) => {
  const site = await foreign(t, { "/": page(`<iframe src="${open}/" title="Program"></iframe>`) });
  const host = await visit(t, site, { expected: [/frame-ancestors|Refused to frame|X-Frame-Options|chrome-error|Framing/i] });
  const frame = host.frames().find((f) => f !== host.mainFrame());
  assert.equal(await frame.locator("#run").count(), 0);
});

test("<sandpiper-snippet> runs the text of a foreign page", async (t) => {
  const site = await foreign(t, {
    "/": page(`<script src="${open}/embed.js" async></script>
      <sandpiper-snippet language="python" run-label="Try it" files="helper.py:#helper" main="main.py"><pre>
import helper
print(helper.word, "from the element")
</pre></sandpiper-snippet><pre id="helper">word = "greetings"</pre>`),
  });
  const host = await visit(t, site);
  await host.getByRole("button", { name: "Try it" }).click();
  await host.getByText("greetings from the element").waitFor();
  const code = host.locator("sandpiper-snippet > pre");
  await code.fill("print('changed ' + 'text')");
  await host.getByRole("button", { name: "Try it" }).click();
  await host.getByText("changed text", { exact: true }).waitFor();
});

test("<sandpiper-snippet> keeps the stored output when the server is down", async (t) => {
  const script = await (await api(open, "/embed.js")).text();
  const site = await foreign(t, {
    "/embed.js": script,
    "/": page(`<script src="/embed.js"></script><sandpiper-snippet language="python" server="http://127.0.0.1:1" output="#stored"><pre>print(1)</pre></sandpiper-snippet><pre id="stored">1, as stored</pre>`),
  });
  const host = await visit(t, site, { expected: [/ERR_|Failed to load|unsafe port/i] });
  await host.locator("sandpiper-snippet pre.out", { hasText: "1, as stored" }).waitFor();
  await host.getByRole("button", { name: "Run" }).click();
  await host.getByText(/cannot be reached/).waitFor();
});

test("a closed server tells <sandpiper-snippet> what it needs", async (t) => {
  const site = await foreign(t, { "/": page(`<script src="${closed}/embed.js"></script><sandpiper-snippet language="python"><pre>print(1)</pre></sandpiper-snippet>`) });
  const host = await visit(t, site, { expected: [/401/] });
  await host.getByRole("button", { name: "Run" }).click();
  await host.getByText(/key|sign in/i).first().waitFor();
});

test("codapi's own element runs against this server", async (t) => {
  const site = await foreign(t, {
    "/settings.js": packageFile("@antonz/codapi/dist/settings.js"),
    "/snippet.js": packageFile("@antonz/codapi/dist/snippet.js"),
    "/snippet.css": packageFile("@antonz/codapi/dist/snippet.css"),
    "/": page(`<link rel="stylesheet" href="/snippet.css"><script src="/settings.js"></script><script src="/snippet.js"></script>
      <codapi-settings url="${open}/v1"></codapi-settings>
      <pre>print("hello from codapi")</pre>
      <codapi-snippet sandbox="python" editor="basic"></codapi-snippet>`),
  });
  const host = await visit(t, site);
  await host.locator("codapi-snippet button").first().click();
  await host.locator("codapi-output", { hasText: "hello from codapi" }).waitFor();
});

test("oEmbed describes a shared program", async () => {
  const id = await shared(open, "print('for others')\n");
  const answer = await api(open, `/oembed?url=${encodeURIComponent(`${open}/s/${id}`)}&maxwidth=500`);
  const o = await answer.json();
  assert.equal(answer.status, 200);
  assert.equal(o.version, "1.0");
  assert.equal(o.type, "rich");
  assert.ok(o.width <= 500 && o.html.includes(`/embed/${id}`), JSON.stringify(o));
  assert.equal((await api(open, `/oembed?url=${encodeURIComponent(`${open}/s/AAAAAAAAAAA`)}`)).status, 404);
  assert.equal((await api(open, `/oembed?url=${encodeURIComponent(`${open}/s/${id}`)}&format=xml`)).status, 501);
});
