// Deep links, snippets, copies, tokens, the keyboard.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Docs } from "./docs.mjs";
import { story, until } from "./harness.mjs";

const BODY = { title: "It's \"quoted\"# `$HOME` \\ \u2713", description: "two\nlines" };

export async function details(browser, server) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server });
  const docs = new Docs(await context.newPage(), server);
  await story("Deep links", (check) => links(check, docs));
  await story("Snippets and copies", (check) => snippets(check, docs));
  await story("By keyboard", (check) => keyboard(check, docs));
  await context.close();
}

async function links(check, docs) {
  const { page } = docs;
  const shows = (id) => until(async () => {
    const at = await docs.article(id).boundingBox();
    return at && at.y >= 0 && at.y < 400 && (await docs.form(id).isVisible());
  }, `${id} at the top of the window`);
  await check("#operation opens the operation, #schema the schema", async () => {
    await docs.visit("#updateTask");
    await shows("updateTask");
    await page.goto("about:blank");
    await docs.visit("#schema-Task");
    await shows("schema-Task");
  });
  await check("a reference is a link to its schema, which names its operations", async () => {
    await docs.form("schema-Task").getByRole("link", { name: "Priority", exact: true }).click();
    await shows("schema-Priority");
    assert.equal(new URL(page.url()).hash, "#schema-Priority");
    await docs.form("schema-Priority").getByRole("group").waitFor();
  });
  await check("back and forward lead to where one was", async () => {
    await page.goBack();
    await shows("schema-Task");
    await docs.article("listTasks").getByRole("button").first().click();
    assert.equal(new URL(page.url()).hash, "#listTasks");
    await page.goBack();
    await shows("schema-Task");
    await page.goForward();
    await shows("listTasks");
  });
  await check("the index has every operation and schema", async () => {
    const document = await (await fetch(`${docs.server}/openapi.json`)).json();
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId));
    const schemas = Object.keys(document.components.schemas).map((name) => `schema-${name}`);
    const entries = await page.locator("nav li a").evaluateAll((all) => all.map(({ hash }) => hash.slice(1)));
    assert.deepEqual(entries.toSorted(), [...operations, ...schemas].toSorted());
  });
  await check("finding shows what has the words, and a link still leads to the rest", async () => {
    await page.getByLabel("Find").fill("post password");
    await until(async () => (await page.locator("article:visible").count()) === 1, "one operation found");
    assert(await docs.article("changePassword").isVisible());
    await page.goBack();
    await shows("schema-Task");
  });
  await check("no error in the console, no request that failed", async () => docs.faults.none());
}

async function snippets(check, docs) {
  const { page } = docs;
  const copied = async (button) => {
    await page.evaluate(() => navigator.clipboard.writeText("nothing"));
    await button.click();
    await until(async () => (await page.evaluate(() => navigator.clipboard.readText())) !== "nothing", "a copy");
    return page.evaluate(() => navigator.clipboard.readText());
  };
  let account;
  let url;
  await check("are of the form's values, and show no token", async () => {
    await docs.visit();
    account = await docs.signUp();
    const task = await docs.send("createTask", 201, { title: "Row" });
    url = `${docs.server}/api/v1/tasks/${task.id}`;
    await docs.open("updateTask");
    await docs.field("updateTask", "Body").fill(JSON.stringify(BODY));
    for (const name of ["curl", "JavaScript", "Rust"]) {
      const text = await docs.language("updateTask", name);
      assert(text.includes(url) && text.includes("$TOKEN") && !text.includes(account.access_token), text);
    }
    await docs.open("refresh");
    for (const name of ["curl", "JavaScript", "Rust"]) {
      const text = await docs.language("refresh", name);
      assert(text.includes("$REFRESH_TOKEN") && !text.includes(account.refresh_token), text);
    }
  });
  await check("curl: a shell gives it the request as it is", async () => {
    await docs.language("updateTask", "curl");
    const text = await copied(docs.form("updateTask").getByRole("button", { name: "Copy Snippet" }));
    const shown = spawnSync("sh", ["-c", `curl() { printf '%s\\0' "$@"; }\n${text}`], { env: { TOKEN: "secret" }, encoding: "utf8" });
    assert.deepEqual(shown.stdout.split("\0").slice(0, -1), [
      "-i", "-X", "PATCH", url, "-H", "Authorization: Bearer secret", "-H", 'If-Match: "1"',
      "-H", "Content-Type: application/json", "--data-raw", JSON.stringify(BODY),
    ], text + shown.stderr);
  });
  await check("JavaScript: it runs, and changes the record", async () => {
    await docs.language("updateTask", "JavaScript");
    const text = await copied(docs.form("updateTask").getByRole("button", { name: "Copy Snippet" }));
    const run = spawnSync("node", ["--input-type=module", "-e", text.replace("$TOKEN", account.access_token)], { encoding: "utf8" });
    assert.match(run.stdout, /^200 /, text + run.stderr);
    const { title, description } = JSON.parse(run.stdout.slice(4));
    assert.deepEqual({ title, description }, BODY);
  });
  await check("Rust: rustfmt reads it, the body is whole", async () => {
    await docs.language("updateTask", "Rust");
    const text = await copied(docs.form("updateTask").getByRole("button", { name: "Copy Snippet" }));
    const read = spawnSync("rustfmt", ["--edition", "2024"], { input: `async fn f() -> R {\n${text}\n}`, encoding: "utf8" });
    assert.equal(read.status, 0, text + read.stderr);
    assert(text.includes(`.patch("${url}")`) && text.includes(`.body(r##"${JSON.stringify(BODY)}"##)`), text);
  });
  await check("show tokens when asked to", async () => {
    await page.getByLabel("Show tokens in snippets").check();
    assert((await docs.language("updateTask", "curl")).includes(`Bearer ${account.access_token}`));
    await page.getByLabel("Show tokens in snippets").uncheck();
    assert(!(await docs.snippet("updateTask").textContent()).includes(account.access_token));
  });
  await check("an answer is copied, and that is announced", async () => {
    const task = await docs.send("getTask", 200);
    const text = await copied(docs.form("getTask").getByRole("button", { name: "Copy Response body" }));
    assert.deepEqual(JSON.parse(text), task);
    assert.equal(await page.locator("#ui-live").textContent(), "Copied: Response body.");
  });
  await check("copies without the clipboard's API too, and keeps the focus", async () => {
    const read = await docs.page.context().newPage();
    await read.goto(`${docs.server}/health`);
    await page.bringToFront();
    await page.evaluate(() => { Object.defineProperty(navigator, "clipboard", { value: undefined }); });
    const button = docs.form("updateTask").getByRole("button", { name: "Copy Snippet" });
    await button.click();
    await until(async () => (await page.locator("#ui-live").textContent()) === "Copied: Snippet.", "the announcement");
    assert(await button.evaluate((it) => it === document.activeElement));
    const snippet = await docs.snippet("updateTask").textContent();
    await read.bringToFront();
    assert.equal(await read.evaluate(() => navigator.clipboard.readText()), snippet);
    await read.close();
    await page.bringToFront();
  });
  await check("nothing is stored, and a reload forgets the tokens", async () => {
    const stored = await page.evaluate(async () => [localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length]);
    assert.deepEqual(stored, [0, 0, "", 0]);
    await page.reload();
    await docs.send("getMe", 401);
    await docs.faults.meant(/401/);
  });
  await check("no error in the console, no request that failed", async () => docs.faults.none());
}

async function keyboard(check, docs) {
  const { page } = docs;
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
  await check("the first stop skips the index", async () => {
    await page.goto("about:blank");
    await docs.visit();
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Skip to the operations");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "How this API behaves");
  });
  await check("an operation opens and is sent", async () => {
    await docs.article("live").getByRole("button").first().focus();
    await page.keyboard.press("Enter");
    await docs.form("live").waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Send");
    await page.keyboard.press("Enter");
    await docs.answered("live", 200);
    await docs.article("live").getByRole("button").first().press("Space");
    await docs.form("live").waitFor({ state: "hidden" });
  });
  await check("the language is chosen by arrows", async () => {
    await docs.open("live");
    await docs.form("live").getByRole("radio", { name: "curl" }).focus();
    await page.keyboard.press("ArrowRight");
    assert.match(await docs.snippet("live").textContent(), /await fetch/);
  });
  await check("no error in the console, no request that failed", async () => docs.faults.none());
}
