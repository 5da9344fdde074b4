// Another product's document: the page knows none of its names, and trusts none of its texts.

import assert from "node:assert/strict";
import { Docs } from "./docs.mjs";
import { accessible, story, until } from "./harness.mjs";

const EVIL = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'>`;

const DOCUMENT = {
  openapi: "3.1.0",
  info: { title: `Boats ${EVIL}`, version: "2", description: EVIL },
  security: [{ key: [] }],
  paths: {
    "/boats": {
      get: { summary: EVIL, parameters: [{ name: "wide", in: "query", schema: { type: "boolean" } }],
        responses: { 200: { description: EVIL, content: { "application/json": { schema: { type: "array", items: { $ref: "#/components/schemas/Boat" } } } } } } },
      post: { operationId: "launch", tags: ["undeclared"], description: EVIL,
        requestBody: { $ref: "#/components/requestBodies/Boat" },
        responses: { 201: { description: "launched", content: { "application/json": { schema: { $ref: "#/components/schemas/Boat" } } } } } },
    },
    "/boats/{name}": {
      parameters: [{ name: "name", in: "path", required: true, schema: { type: "string" } }],
      get: { operationId: "look", security: [], responses: { 200: { description: "a boat" } } },
      delete: { operationId: "sink", "x-confirm": EVIL, responses: { 204: { description: "gone" } } },
    },
  },
  components: {
    securitySchemes: { key: { type: "apiKey", in: "header", name: "X-Key" } },
    requestBodies: { Boat: { content: { "application/json": { schema: { $ref: "#/components/schemas/Boat" } } } } },
    schemas: {
      Boat: { type: "object", description: EVIL, required: ["name"], properties: {
        name: { type: "string", maxLength: 9, examples: ["Argo"] }, note: { type: ["string", "null"], description: EVIL },
        tender: { $ref: "#/components/schemas/Boat" }, any: true, crew: { allOf: [{ type: "object", properties: { size: { type: "integer" } } }] } } },
      Evil: { enum: [EVIL] },
    },
  },
};

export async function stranger(browser, server) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const docs = new Docs(await context.newPage(), server);
  await story("Another product's document", (check) => tell(check, docs));
  await context.close();
}

async function tell(check, docs) {
  const { page } = docs;
  const asked = [];
  await page.route("**/openapi.json", (route) => route.fulfill({ json: DOCUMENT }));
  await page.route("**/boats**", (route) => {
    const request = route.request();
    asked.push(`${request.method()} ${new URL(request.url()).pathname} ${request.headers()["x-key"] ?? ""}`.trim());
    if (request.method() === "DELETE") return route.fulfill({ status: 204 });
    const boat = { name: "Argo 2", note: EVIL };
    return route.fulfill({ status: request.method() === "POST" ? 201 : 200, json: boat, headers: { "x-evil": EVIL } });
  });
  await check("opens with all its folds, accessible", async () => {
    await docs.visit();
    for (const toggle of await page.locator("article h3 button").all()) await toggle.click();
    assert.equal(await page.locator("article .panel:visible").count(), 6);
    await accessible(page);
  });
  await check("its key is sent by its own scheme, its ids are offered, its question is asked", async () => {
    await page.getByLabel("Key token").fill("k-1");
    assert.match(await docs.snippet("launch").textContent(), /X-Key: \$TOKEN/);
    await docs.send("launch", 201);
    assert.equal(await docs.field("sink", "name").inputValue(), "Argo 2");
    await docs.send("look", 200);
    await docs.press("sink");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await docs.answered("sink", 204);
    assert.deepEqual(asked, ["POST /boats k-1", "GET /boats/Argo%202", "DELETE /boats/Argo%202 k-1"]);
  });
  await check("its texts are texts", async () => {
    await until(async () => (await page.getByText(EVIL).count()) > 0, "the text as it is");
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator("img").count(), 0);
    assert.equal(await page.locator("body script").count(), 0);
  });
  await check("no error in the console, no request that failed", async () => docs.faults.none());
}
