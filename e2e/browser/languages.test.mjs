// Every language runs its welcome program and its hello from the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, open, playground, program, run, said } from "./lib.mjs";

const { languages } = await (await api(open, "/v1/languages")).json();

test("the languages are there", () => {
  const ids = languages.map((l) => l.id).sort();
  for (const id of ["javascript", "lua", "python", "ruby", "sql", "typescript"]) assert.ok(ids.includes(id), id);
});

for (const l of languages) {
  test(`${l.name} runs its welcome program and its hello`, async (t) => {
    const page = await playground(t, { path: `/?language=${l.id}` });
    await page.locator("#language").selectOption(l.id);
    assert.match(await run(page), /Finished/);
    assert.ok((await page.locator("#screen .log").innerText()).length > 5, "the welcome program says something");
    await program(page, l.id, l.hello);
    assert.match(await run(page), /Finished/);
    assert.match((await page.locator("#screen .log").innerText()) + (await said(page)), /hello/i);
  });
}

test("an error has its place in every language", async (t) => {
  const broken = {
    javascript: "let x = 1;\nnull.field;\n",
    typescript: "let x: number = 1;\nlet y: = 2;\n",
    ruby: "x = 1\nraise 'broken'\n",
    lua: "local x = 1\nerror('broken')\n",
    sql: "select 1;\nselect nothing from nowhere;\n",
  };
  const page = await playground(t);
  for (const [language, code] of Object.entries(broken)) {
    await program(page, language, code);
    assert.doesNotMatch(await run(page), /Finished/, language);
    assert.match(await page.locator("#screen .marks button .place").first().innerText(), /:2(:|$)/, language);
  }
});
