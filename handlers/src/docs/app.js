// The page over /openapi.json. Data becomes text nodes and attributes, never markup.

const $ = (id) => document.getElementById(id);
const METHODS = ["get", "head", "post", "put", "patch", "delete"];
let api;
/** What earlier answers gave, for filling in: it lives as long as the page. */
const known = { refresh: "", ids: {} };

/** An element. Functions among its attributes are listeners; null and false leave one out. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const pretty = (value) => JSON.stringify(value, null, 2);
/** A block that scrolls must be reachable by keyboard. */
const block = (label, text, wrap) =>
  h("pre", { tabindex: 0, role: "group", "aria-label": label, class: wrap ? "wrap" : null }, text);

/** `code` and **strong** in a line. */
const inline = (text) =>
  text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((part) =>
    part.startsWith("`") ? h("code", {}, part.slice(1, -1))
    : part.startsWith("**") ? h("strong", {}, part.slice(2, -2)) : part);

/** The little Markdown that descriptions use: paragraphs and lists. */
function prose(text = "") {
  return text.trim().split(/\n{2,}/).filter(Boolean).map((part) => {
    const lines = part.split("\n");
    return lines.every((line) => line.startsWith("- "))
      ? h("ul", {}, lines.map((line) => h("li", {}, inline(line.slice(2)))))
      : h("p", {}, inline(lines.join(" ")));
  });
}

/** What a reference stands for; what stands beside it has precedence. */
function resolve(value) {
  if (!value?.$ref) return value ?? {};
  const { $ref, ...beside } = value;
  const path = $ref.slice(2).split("/").map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  return { ...resolve(path.reduce((at, key) => at?.[key], api)), ...beside };
}

const nameOf = (schema) => schema?.$ref?.split("/").pop();

function typeOf(schema) {
  const it = resolve(schema);
  if ("const" in it) return pretty(it.const);
  if (it.enum) return it.enum.map((value) => pretty(value)).join(" | ");
  const either = it.anyOf ?? it.oneOf;
  if (either) return either.map(typeOf).join(" | ");
  return [it.type ?? "any"].flat().map((type) =>
    type === "array" ? `array of ${nameOf(it.items) ?? typeOf(it.items)}`
    : type === "object" ? nameOf(schema) ?? "object"
    : type === "null" || !it.format ? type : `${type} (${it.format})`).join(" | ");
}

function limitsOf(schema) {
  const it = resolve(schema);
  const span = (least, most, unit) =>
    least === undefined && most === undefined ? null
    : most === undefined ? `at least ${least}${unit}`
    : least === undefined ? `at most ${most}${unit}` : `${least} to ${most}${unit}`;
  return [
    span(it.minLength, it.maxLength, " characters"),
    span(it.minimum, it.maximum, ""),
    it.default === undefined ? null : `default ${pretty(it.default)}`,
    it.pattern === "^[^\\u0000]*$" ? "no U+0000" : it.pattern ? `pattern ${it.pattern}` : null,
  ].filter(Boolean).join(", ");
}

/** A name with its type and limits; `remark` is what has to be known before sending it. */
function line(name, schema, remark, text) {
  const limits = limitsOf(schema);
  return [
    h("span", { class: "name" }, name), " ", h("span", { class: "type" }, typeOf(schema)), " ",
    remark ? h("span", { class: remark === "required" ? "need" : "type" }, `${remark} `) : null,
    limits ? h("span", { class: "type" }, `· ${limits}`) : null,
    prose(text ?? resolve(schema).description),
  ];
}

/** A schema as nested lists; of what is sent, or of what is `given` back. */
function tree(schema, given, above = []) {
  const it = resolve(schema);
  if (it.type === "array") return tree(it.items, given, above);
  const fields = Object.entries(it.properties ?? {});
  if (!fields.length || above.includes(it.properties)) return null;
  return h("ul", { class: "tree" }, fields.map(([name, field]) =>
    h("li", {}, line(name, field, it.required?.includes(name) ? !given && "required" : given && "may be absent"),
      tree(field, given, [...above, it.properties]))));
}

/** The first example of a media type. */
function exampleOf(media) {
  if (media?.example !== undefined) return media.example;
  return resolve(Object.values(media?.examples ?? {})[0]).value;
}

function answerOf(status, response) {
  const it = resolve(response);
  const media = Object.entries(it.content ?? {});
  const codes = media.flatMap(([, { examples }]) => Object.keys(examples ?? {}));
  return h("details", { class: "answer" },
    h("summary", {}, h("span", { class: "status" }, status), " ",
      codes.length ? codes.flatMap((code, i) => [i ? ", " : "", h("code", {}, code)]) : inline(it.description)),
    codes.length ? prose(it.description) : null,
    h("p", { class: "quiet" }, "Headers: ", Object.keys(it.headers ?? {}).join(", ")),
    media.map(([type, body]) => [
      h("h5", {}, type, nameOf(body.schema) ? ` · ${nameOf(body.schema)}` : ""),
      // A problem looks the same everywhere.
      type.includes("problem") ? null : tree(body.schema, true),
      block(`Example of ${status}`, pretty(exampleOf(body))),
    ]));
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The same request for a shell. */
function curlOf(url, { method, headers, body }) {
  return ["curl -i", method === "GET" ? "" : `-X ${method}`, quote(url.href),
    ...Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    body === undefined ? "" : `--data-raw ${quote(body)}`].filter(Boolean).join(" ");
}

const collection = (path) => path.replace(/\/\{id\}$/, "");

/** Keeps what an answer gives, and fills it in where it is asked for. */
function learn(path, body) {
  if (typeof body?.access_token === "string") {
    $("token").value = body.access_token;
    $("note").textContent = `Signed in as ${body.user?.email ?? "a user"}: the token is filled in.`;
  }
  if (typeof body?.refresh_token === "string") {
    known.refresh = body.refresh_token;
    for (const area of document.querySelectorAll("textarea")) area.value = withRefresh(area.value);
  }
  const id = body?.id ?? body?.items?.[0]?.id;
  if (typeof id !== "string") return;
  const place = collection(path);
  known.ids[place] = id;
  for (const input of document.querySelectorAll("input[name='path id']")) {
    if (input.dataset.place === place && !input.value) input.value = id;
  }
}

function withRefresh(text) {
  try {
    const body = JSON.parse(text);
    return known.refresh && body.refresh_token ? pretty({ ...body, refresh_token: known.refresh }) : text;
  } catch {
    return text;
  }
}

function fieldOf(parameter, path) {
  const { name, in: place, required, schema } = parameter;
  const it = resolve(schema);
  const shared = { name: `${place} ${name}`, required, "data-place": collection(path) };
  const control = it.enum
    ? h("select", shared, h("option", { value: "" }, it.default ? `default: ${it.default}` : "not given"),
        it.enum.map((value) => h("option", {}, value)))
    : h("input", { ...shared, autocomplete: "off", spellcheck: "false",
        placeholder: it.default ?? parameter.example ?? it.examples?.[0] ?? null });
  if (place === "path" && name === "id") control.value = known.ids[collection(path)] ?? "";
  return h("label", {}, name, " ", h("small", {}, required ? `${place}, required` : place), control);
}

function tryOf(method, path, operation) {
  const parameters = (operation.parameters ?? []).map(resolve);
  const media = Object.keys(operation.requestBody?.content ?? {});
  const area = media.length
    ? h("textarea", { name: "body", rows: 8, spellcheck: "false" }) : null;
  if (area) {
    area.value = withRefresh(pretty(exampleOf(operation.requestBody.content[media[0]])));
    area.rows = Math.min(16, area.value.split("\n").length + 1);
  }
  const send = h("button", { class: "main" }, "Send");
  const said = h("span", { role: "status" });
  const output = h("div");

  async function submit(event) {
    event.preventDefault();
    const given = new FormData(event.target);
    const value = ({ in: place, name }) => given.get(`${place} ${name}`);
    const request = { method: method.toUpperCase(), headers: {} };
    let filled = path;
    const query = new URLSearchParams();
    for (const parameter of parameters.filter(value)) {
      if (parameter.in === "path") {
        filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(value(parameter)));
      } else if (parameter.in === "query") query.append(parameter.name, value(parameter));
      else request.headers[parameter.name] = value(parameter);
    }
    const root = new URL(api.servers?.[0]?.url ?? "/", location.href).href.replace(/\/$/, "");
    const url = new URL(root + filled);
    url.search = query;
    const token = $("token").value.trim();
    if (operation.security?.length && token) request.headers.Authorization = `Bearer ${token}`;
    if (area) {
      request.headers["Content-Type"] = given.get("media") ?? media[0];
      request.body = area.value;
    }
    send.disabled = true;
    said.textContent = "Waiting…";
    said.className = "quiet";
    output.replaceChildren(h("h5", {}, "curl"), block("curl", curlOf(url, request), true));
    const began = performance.now();
    try {
      const response = await fetch(url, { ...request, cache: "no-store", credentials: "omit" });
      const text = await response.text();
      let body;
      if (/json/.test(response.headers.get("content-type"))) {
        try { body = JSON.parse(text); } catch { /* shown as it is */ }
      }
      said.textContent =
        `${response.status} ${body?.code ?? response.statusText} in ${Math.round(performance.now() - began)} ms`;
      said.className = response.ok || response.status === 304 ? "status" : "status bad";
      const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      output.append(h("h5", {}, "Body"), block("Response body", body === undefined ? text || "(empty)" : pretty(body)),
        h("h5", {}, "Headers"), block("Response headers", headers, true));
      if (response.ok) learn(path, body);
    } catch (error) {
      said.textContent = `No answer: ${error.message}`;
      said.className = "bad";
    }
    send.disabled = false;
  }

  return h("form", { submit },
    parameters.length ? h("div", { class: "fields" }, parameters.map((parameter) => fieldOf(parameter, path))) : null,
    media.length > 1 ? h("label", {}, "Content-Type",
      h("select", { name: "media" }, media.map((type) => h("option", {}, type)))) : null,
    area ? h("label", {}, "Body ", h("small", {}, media.length > 1 ? "" : media[0]), area) : null,
    h("div", { class: "row" }, send, said), output);
}

function panelOf(method, path, operation) {
  const parameters = (operation.parameters ?? []).map(resolve);
  const body = Object.entries(operation.requestBody?.content ?? {});
  return [
    prose(operation.description),
    h("p", { class: "quiet" }, operation.security?.length ? "Needs a bearer token." : "Needs no token."),
    parameters.length ? [h("h4", {}, "Parameters"), h("ul", { class: "tree" }, parameters.map((it) =>
      h("li", {}, h("span", { class: "type" }, `${it.in} `), line(it.name, it.schema, it.required && "required", it.description))))] : null,
    body.length ? [h("h4", {}, "Request body"), h("p", { class: "quiet" }, body.map(([type]) => type).join(" or ")),
      tree(body[0][1].schema), h("h5", {}, "Example"), block("Example of the request body", pretty(exampleOf(body[0][1])))] : null,
    h("h4", {}, "Responses"),
    Object.entries(operation.responses).map(([status, response]) => answerOf(status, response)),
    h("h4", {}, "Try it"), tryOf(method, path, operation),
  ].flat(Infinity).filter(Boolean);
}

/** One operation; its panel is made when it is first opened. */
function operationOf(method, path, operation) {
  const id = operation.operationId;
  const panel = h("div", { class: "panel", id: `${id}-panel`, hidden: true });
  const toggle = h("button", { type: "button", "aria-expanded": "false", "aria-controls": panel.id },
    h("span", { class: "method" }, method.toUpperCase()), h("span", { class: "path" }, path),
    h("span", { class: "quiet" }, operation.summary));
  const open = (opened) => {
    if (opened && !panel.hasChildNodes()) panel.append(...panelOf(method, path, operation));
    panel.hidden = !opened;
    toggle.setAttribute("aria-expanded", String(opened));
  };
  toggle.addEventListener("click", () => {
    open(panel.hidden);
    if (!panel.hidden) history.replaceState(null, "", `#${id}`);
  });
  const element = h("article", { class: `op ${method}`, id }, h("h3", {}, toggle), panel);
  element.words = `${method} ${path} ${operation.summary} ${id}`.toLowerCase();
  element.reveal = () => { open(true); element.scrollIntoView(); toggle.focus(); };
  return element;
}

function reveal() {
  $(location.hash.slice(1))?.reveal?.();
}

function find() {
  const words = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll("section")) {
    const all = [...section.querySelectorAll(".op")];
    for (const op of all) op.hidden = !words.every((word) => op.words.includes(word));
    section.hidden = all.every((op) => op.hidden);
  }
  const shown = document.querySelectorAll(".op:not([hidden])").length;
  $("note").textContent = words.length ? `${shown} ${shown === 1 ? "operation" : "operations"} found.` : "";
}

async function start() {
  const response = await fetch("openapi.json");
  if (!response.ok) throw new Error(`openapi.json: ${response.status}`);
  api = await response.json();
  const { title, version, summary, description } = api.info;
  document.title = `${title} ${version}`;
  $("title").textContent = title;
  $("version").textContent = version;
  $("summary").textContent = summary ?? "";
  $("description").append(...prose(description));
  $("about").hidden = !description;
  const all = Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, operation: item[method] })));
  for (const { name, description: text } of api.tags) {
    const own = all.filter(({ operation }) => operation.tags.includes(name));
    $("operations").append(h("section", { "aria-labelledby": `tag-${name}` },
      h("h2", { id: `tag-${name}` }, name), h("p", {}, text ?? ""),
      own.map(({ method, path, operation }) => operationOf(method, path, operation))));
  }
  $("note").textContent = "";
  $("find").addEventListener("input", find);
  addEventListener("hashchange", reveal);
  reveal();
}

start().catch((error) => {
  $("note").textContent = `The description could not be loaded: ${error.message}`;
  $("note").className = "bad";
});
