// All that a person does with records and the account, by the page's forms.

import assert from "node:assert/strict";
import { accessible, fits, story } from "./harness.mjs";
import { Docs } from "./docs.mjs";

const LOOKS = [[1280, "light"], [1280, "dark"], [360, "light"], [360, "dark"]];

export async function tours(browser, server) {
  for (const [width, colorScheme] of LOOKS) {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, reducedMotion: "reduce" });
    await story(`The page, ${width} pixels wide, ${colorScheme}`, (check) => tour(check, context, server));
    await context.close();
  }
}

async function tour(check, context, server) {
  const page = await context.newPage();
  const docs = new Docs(page, server);
  const sound = async () => {
    await fits(page);
    await accessible(page);
  };

  await check("opens, accessible", async () => {
    await docs.visit();
    await sound();
  });
  await check("an operation opens, accessible", async () => {
    await docs.open("register");
    await sound();
  });
  let account;
  await check("signs up; the token is used from then on", async () => {
    account = await docs.signUp();
    assert.equal(account.user.email, account.email);
    assert.equal((await docs.send("getMe", 200)).email, account.email);
    await sound();
  });
  let task;
  await check("creates a context, and a task in it by the example as it is filled in", async () => {
    const created = await docs.send("createContext", 201);
    task = await docs.send("createTask", 201);
    assert.equal(task.context_id, created.id);
    assert.equal(await docs.header("createTask", "Location"), `/api/v1/tasks/${task.id}`);
  });
  await check("reads it: its id is offered, a list names it", async () => {
    await docs.open("getTask");
    assert.equal(await docs.field("getTask", "id").inputValue(), task.id);
    const offered = docs.form("getTask").locator("datalist option").first();
    assert.equal(await offered.getAttribute("value"), task.id);
    assert.deepEqual(await docs.send("getTask", 200), task);
    assert.deepEqual((await docs.send("listTasks", 200)).items, [task]);
  });
  await check("changes it, with the ETag of the read as If-Match", async () => {
    await docs.open("updateTask");
    assert.equal(await docs.field("updateTask", "If-Match").inputValue(), await docs.header("getTask", "ETag"));
    const changed = await docs.send("updateTask", 200, { title: "Oil all the oarlocks" });
    assert.equal(changed.title, "Oil all the oarlocks");
    assert.equal(changed.version, task.version + 1);
    await docs.form("updateTask").locator("summary").filter({ hasText: /^200/ }).click();
    await sound();
  });
  await check("a stale If-Match is told of, accessible", async () => {
    await docs.open("updateTask");
    await docs.field("updateTask", "If-Match").fill('"99"');
    await docs.send("updateTask", 412, { title: "Not this" });
    await docs.faults.meant(/412/);
    await sound();
  });
  await check("deletes it, with the ETag of the change", async () => {
    await docs.open("deleteTask");
    assert.equal(await docs.field("deleteTask", "If-Match").inputValue(), `"${task.version + 1}"`);
    await docs.send("deleteTask", 204);
    assert.equal(await docs.field("deleteTask", "id").inputValue(), "", "what is gone is not offered");
    assert.deepEqual((await docs.send("listTasks", 200)).items, []);
  });
  await check("a schema opens, accessible", async () => {
    await docs.open("schema-Task");
    await sound();
  });
  await check("refreshes the tokens and goes on with the new ones", async () => {
    const tokens = await docs.send("refresh", 200);
    assert.notEqual(tokens.refresh_token, account.refresh_token);
    assert.deepEqual(JSON.parse(await docs.field("refresh", "Body").inputValue()), { refresh_token: tokens.refresh_token });
    await docs.send("getMe", 200);
  });
  await check("asks before the account is deleted, accessible; no is no", async () => {
    await docs.press("deleteMe");
    const dialog = page.getByRole("dialog", { name: "Delete the own account and every trace of it?" });
    await dialog.waitFor();
    await sound();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert(await docs.form("deleteMe").getByRole("button", { name: "Send" }).evaluate((it) => it === document.activeElement));
    await docs.press("deleteMe");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await docs.send("getMe", 200);
  });
  await check("deletes the account when told so", async () => {
    await docs.deleteAccount();
    await docs.send("getMe", 401);
    await docs.faults.meant(/401/);
  });
  await check("no error in the console, no request that failed", async () => docs.faults.none());
}
