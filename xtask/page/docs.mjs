// The page at /docs as a person uses it: by its index, labels and buttons.

import assert from "node:assert/strict";
import { Faults } from "./harness.mjs";

export const PASSWORD = "correct horse battery";
let accounts = 0;
export const newEmail = () => `ada-${process.pid}-${(accounts += 1)}@example.com`;

export class Docs {
  constructor(page, server) {
    this.page = page;
    this.server = server;
    this.faults = new Faults(page);
  }

  async visit(hash = "") {
    await this.page.goto(`${this.server}/docs${hash}`);
    await this.page.locator("article").first().waitFor();
  }

  /** Follows the entry of the index. */
  async open(id) {
    const toggle = this.page.getByRole("button", { name: "Index" });
    if (await toggle.isVisible()) await toggle.click();
    await this.page.locator(`nav a[href="#${id}"]`).click();
    await this.form(id).waitFor();
    return this.form(id);
  }

  article(id) {
    return this.page.locator(`[id="${id}"]`);
  }

  form(id) {
    return this.article(id).locator(".panel");
  }

  field(id, name) {
    return this.form(id).getByLabel(name, { exact: false }).first();
  }

  snippet(id) {
    return this.form(id).getByRole("group", { name: "Snippet", exact: true });
  }

  async language(id, name) {
    await this.form(id).getByRole("radio", { name }).check();
    return this.snippet(id).textContent();
  }

  /** Sends what the form has, with another body if one is given; `expected` is the status. */
  async send(id, expected, body) {
    const form = await this.open(id);
    if (body) await this.field(id, "Body").fill(JSON.stringify(body, null, 2));
    await form.getByRole("button", { name: "Send" }).click();
    return this.answered(id, expected);
  }

  async answered(id, expected) {
    const said = this.form(id).locator(".said.status");
    await said.waitFor();
    assert.match(await said.textContent(), new RegExp(`^${expected} `), await this.form(id).locator(".output").textContent());
    const text = this.form(id).getByRole("group", { name: "Response body" });
    return (await text.count()) ? JSON.parse(await text.textContent()) : null;
  }

  header(id, name) {
    return this.form(id).locator(`.output dt:text-is("${name}") + dd`).textContent();
  }

  async signUp() {
    const email = newEmail();
    const tokens = await this.send("register", 201, { email, password: PASSWORD });
    return { email, ...tokens };
  }

  async deleteAccount() {
    await this.press("deleteMe");
    await this.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await this.answered("deleteMe", 204);
  }

  /** Sends without waiting for an answer. */
  async press(id) {
    const form = await this.open(id);
    await form.getByRole("button", { name: "Send" }).click();
  }
}
