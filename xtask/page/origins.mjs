// Frontends of other origins: what a listed one does, and that an unlisted one does nothing.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { PASSWORD, newEmail } from "./docs.mjs";
import { Faults, story } from "./harness.mjs";

/** An empty page of another origin. */
function frontend(port) {
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end('<!doctype html><html lang="en"><title>A frontend</title><link rel="icon" href="data:,">');
  });
  return new Promise((ready, broken) => {
    server.once("error", broken);
    server.listen(port, "127.0.0.1", () => ready(server));
  });
}

export async function origins(browser, server, { listed, unlisted }) {
  for (const [port, name, tell] of [[listed, "A page of a listed origin", allowed], [unlisted, "A page of an unlisted origin", refused]]) {
    const its = await frontend(port);
    const context = await browser.newContext();
    const page = await context.newPage();
    const faults = new Faults(page);
    await page.goto(`http://127.0.0.1:${port}/`);
    /** What the page's own script sees of an answer, or the error that it gets instead. */
    const call = (method, path, { token, body, headers = {}, ...init } = {}) =>
      page.evaluate(async ([url, init]) => {
        try {
          const response = await fetch(url, init);
          const text = await response.text();
          return { status: response.status, type: response.type, headers: Object.fromEntries(response.headers), body: text && JSON.parse(text) };
        } catch (error) {
          return { error: error.name };
        }
      }, [server + path, { method, ...init, body: typeof body === "object" ? JSON.stringify(body) : body, headers: {
        ...(token ? { Authorization: `Bearer ${token}` } : {}), ...(typeof body === "object" ? { "Content-Type": "application/json" } : {}), ...headers } }]);
    await story(name, (check) => tell(check, { call, faults, server }));
    await context.close();
    its.closeAllConnections();
    its.close();
  }
}

async function allowed(check, { call, faults }) {
  const email = newEmail();
  let token;
  await check("registers, signs in, refreshes", async () => {
    const registered = await call("POST", "/api/v1/auth/register", { body: { email, password: PASSWORD } });
    assert.equal(registered.status, 201);
    assert(registered.headers["x-request-id"] && registered.headers.ratelimit && registered.headers["ratelimit-policy"], "exposed headers");
    const login = await call("POST", "/api/v1/auth/login", { body: { email, password: PASSWORD } });
    assert.equal(login.status, 200);
    const refreshed = await call("POST", "/api/v1/auth/refresh", { body: { refresh_token: login.body.refresh_token } });
    assert.equal(refreshed.status, 200);
    token = refreshed.body.access_token;
    assert.equal((await call("GET", "/api/v1/users/me", { token })).body.email, email);
  });
  let path;
  await check("creates with Idempotency-Key, once", async () => {
    const create = () => call("POST", "/api/v1/tasks", { token, body: { title: "Row" }, headers: { "Idempotency-Key": "row-1" } });
    const [first, again] = [await create(), await create()];
    assert.equal(first.status, 201);
    path = first.headers.location;
    assert.deepEqual([again.body, again.headers["idempotency-replayed"]], [first.body, "true"]);
  });
  await check("reads the ETag, is told 304, and changes with If-Match", async () => {
    const { etag } = (await call("GET", path, { token })).headers;
    assert.equal(etag, '"1"');
    assert.equal((await call("GET", path, { token, headers: { "If-None-Match": etag } })).status, 304);
    const patch = (headers) => call("PATCH", path, { token, body: { status: "done" }, headers: { "If-Match": etag, ...headers } });
    const changed = await patch({ traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" });
    assert.deepEqual([changed.status, changed.headers.etag], [200, '"2"']);
    assert.equal((await patch({ "Content-Type": "application/merge-patch+json" })).status, 412);
    await faults.meant(/412/);
  });
  await check("reads what went wrong", async () => {
    const problem = await call("POST", "/api/v1/tasks", { token, body: { title: "" } });
    assert.deepEqual([problem.status, problem.body.errors[0].pointer], [422, "/title"]);
    await faults.meant(/422/);
    const nobody = await call("GET", "/api/v1/tasks");
    assert.deepEqual([nobody.status, nobody.body.code], [401, "unauthenticated"]);
    await faults.meant(/401/);
  });
  await check("deletes the record and the account", async () => {
    assert.equal((await call("DELETE", path, { token, headers: { "If-Match": '"2"' } })).status, 204);
    assert.equal((await call("DELETE", "/api/v1/users/me", { token, body: { password: PASSWORD } })).status, 204);
  });
  await check("no other error in the console, no request that failed", async () => faults.none());
}

async function refused(check, { call, server }) {
  const own = async (path, body) => {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(server + path, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };
  const known = { email: newEmail(), password: PASSWORD };
  const { body: { access_token: token, refresh_token } } = await own("/api/v1/auth/register", known);
  const nothing = async (...request) => assert.deepEqual(await call(...request), { error: "TypeError" }, request.join(" "));
  await check("reads nothing", async () => {
    for (const path of ["/health", "/openapi.json", "/.well-known/jwks.json", "/nowhere", "/docs"]) await nothing("GET", path);
    await nothing("GET", "/api/v1/users/me", { token });
    await nothing("GET", "/api/v1/tasks", { token });
  });
  await check("signs nobody in", async () => {
    await nothing("POST", "/api/v1/auth/login", { body: known });
    await nothing("POST", "/api/v1/auth/refresh", { body: { refresh_token } });
  });
  await check("changes nothing, with a preflight or without one", async () => {
    const stranger = { email: newEmail(), password: PASSWORD };
    await nothing("POST", "/api/v1/auth/register", { body: stranger });
    await nothing("POST", "/api/v1/auth/register", { body: JSON.stringify(stranger) });
    const opaque = await call("POST", "/api/v1/auth/register", { body: JSON.stringify(stranger), mode: "no-cors" });
    assert.deepEqual([opaque.type, opaque.status, opaque.headers, opaque.body], ["opaque", 0, {}, ""]);
    await nothing("POST", "/api/v1/tasks", { token, body: { title: "Row" } });
    await nothing("PATCH", "/api/v1/users/me", { token, body: { name: "Eve" } });
    await nothing("DELETE", "/api/v1/users/me", { token, body: { password: PASSWORD } });
    assert.equal((await own("/api/v1/auth/login", stranger)).status, 401, "nobody was registered");
    const login = await own("/api/v1/auth/login", known);
    assert.deepEqual([login.status, login.body.user.name], [200, null]);
    const list = await fetch(`${server}/api/v1/tasks`, { headers: { Authorization: `Bearer ${token}` } });
    assert.deepEqual((await list.json()).items, []);
    assert.equal((await own("/api/v1/auth/refresh", { refresh_token })).status, 200, "the refresh token is unspent");
  });
}
