// Trying an operation: its form, the same request in three languages, and what answers teach.

import { $, announce, block, h, pretty, prose } from "./parts.js";
import { api, exampleOf, need, resolve, tree, typeLine } from "./schema.js";

/**
 * What answers gave, in memory alone: nothing is stored, and a reload forgets it.
 * Tokens by their fields' names, ids with something to tell them by under their collections'
 * paths, the latest last, and ETags by path.
 */
const known = { tokens: new Map(), ids: new Map(), tags: new Map() };
const credentials = new Map();
const forms = new Set();
let language = "curl";

export const refresh = () => forms.forEach((form) => form());

/** A field for each security scheme's credential. */
export function accessOf() {
  return Object.entries(api.components?.securitySchemes ?? {}).map(([name, there]) => {
    const scheme = resolve(there);
    const input = h("input", { id: `ui-access-${name}`, class: "secret", autocomplete: "off", spellcheck: "false",
      "aria-describedby": `ui-about-${name}`, input: refresh });
    credentials.set(name, { input, scheme });
    return h("div", { class: "field" },
      h("label", { for: input.id }, `${name[0].toUpperCase()}${name.slice(1)} token`), input,
      h("div", { class: "hint", id: `ui-about-${name}` }, prose(scheme.description)));
  });
}

export function forget() {
  known.tokens.clear();
  for (const { input } of credentials.values()) input.value = "";
  refresh();
  announce("The tokens are forgotten.");
}

// --- Snippets. What stands between two of these is the name of a secret. ---
const SECRET = "\0";
const hidden = (name) => SECRET + name + SECRET;
const plain = (text) => text.replace(/\0(\w+)\0/g, "$$$1");

function hide(text) {
  if ($("reveal").checked) return text;
  return [...known.tokens].reduce((all, [name, value]) => all.replaceAll(value, hidden(name.toUpperCase())), text);
}

/** A word of a shell; in double quotes where a variable is in it. */
function quote(text) {
  if (text.includes(SECRET) && !/["\\`$!]/.test(text)) return `"${plain(text)}"`;
  return `'${text.replaceAll("'", "'\\''").replace(/\0(\w+)\0/g, "'\"$$$1\"'")}'`;
}

const literal = (text) => JSON.stringify(plain(text));

/** JSON is an expression in JavaScript. */
function expression(text) {
  try {
    return `JSON.stringify(${pretty(JSON.parse(plain(text))).replaceAll("\n", "\n  ")})`;
  } catch {
    return literal(text);
  }
}

function raw(text) {
  let fence = "#";
  while (text.includes(`"${fence}`)) fence += "#";
  return `r${fence}"${plain(text)}"${fence}`;
}

const LANGUAGES = {
  curl: ({ method, url, headers, body }) => [
    `curl -i ${method === "GET" ? "" : `-X ${method} `}${quote(url)}`,
    ...headers.map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`--data-raw ${quote(body)}`]),
  ].join(" \\\n  "),
  JavaScript: ({ method, url, headers, body }) => [
    `const response = await fetch(${literal(url)}, {`,
    `  method: "${method}",`,
    ...(headers.length ? ["  headers: {", ...headers.map(([name, value]) => `    "${name}": ${literal(value)},`), "  },"] : []),
    ...(body === undefined ? [] : [`  body: ${expression(body)},`]),
    "});",
    "console.log(response.status, await response.text());",
  ].join("\n"),
  Rust: ({ method, url, headers, body }) => [
    "// reqwest, in an async function",
    "let response = reqwest::Client::new()",
    `    .${method.toLowerCase()}(${literal(url)})`,
    ...headers.map(([name, value]) => `    .header("${name}", ${literal(value)})`),
    ...(body === undefined ? [] : [`    .body(${raw(body)})`]),
    "    .send()",
    "    .await?;",
    'println!("{} {}", response.status(), response.text().await?);',
  ].join("\n"),
};

// --- What answers teach ---
const LAST = /\/\{([^{}]+)\}$/;

/** Keeps what an answer gives, and fills it in where it is asked for. */
function learn({ method, path }, url, response, body) {
  const at = new URL(url).pathname;
  const { headers } = response;
  const collection = LAST.test(path) ? at.replace(/\/[^/]*$/, "") : at;
  const ids = known.ids.get(collection) ?? new Map();
  known.ids.set(collection, ids);
  if (method === "DELETE") {
    known.tags.delete(at);
    ids.delete(decodeURIComponent(at.slice(collection.length + 1)));
  }
  for (const [name, value] of Object.entries(body ?? {})) {
    if (typeof value === "string" && /(^|_)token$/.test(name)) known.tokens.set(name, value);
  }
  // The name is RFC 6749's.
  if (typeof body?.access_token === "string") {
    for (const { input, scheme } of credentials.values()) if (scheme.type !== "apiKey") input.value = body.access_token;
    announce("Signed in: the access token is used from now on.");
  }
  const template = path.replace(LAST, "");
  const name = Object.keys(api.paths).find((it) => LAST.test(it) && it.replace(LAST, "") === template)?.match(LAST)[1];
  const idOf = (record) => record?.[name] ?? record?.id ?? null;
  const list = [body, ...Object.values(body ?? {})].find(Array.isArray) ?? [];
  for (const record of name === undefined ? [] : idOf(body) === null ? [...list].reverse() : [body]) {
    const id = idOf(record);
    if (id === null) continue;
    ids.delete(String(id));
    ids.set(String(id), Object.values(record).find((value) => typeof value === "string" && value !== id) ?? "");
  }
  const tag = headers.get("etag");
  if (tag && method !== "DELETE") known.tags.set(new URL(headers.get("location") ?? url, url).pathname, tag);
  refresh();
}

/** The example of a body with what is known in it. An id that may be absent is left out: it is nobody's. */
function filled([, media]) {
  const example = exampleOf(media);
  const schema = resolve(media.schema);
  if (typeof example !== "object" || Array.isArray(example)) return pretty(example);
  return pretty(Object.fromEntries(Object.entries(example ?? {}).flatMap(([name, value]) => {
    const stem = name.match(/^(.+)_id$/)?.[1];
    if (known.tokens.has(name)) return [[name, known.tokens.get(name)]];
    if (!stem) return [[name, value]];
    const place = [...known.ids.keys()].find((path) => path.split("/").pop().startsWith(stem));
    const id = [...(known.ids.get(place) ?? new Map()).keys()].pop();
    return id || schema.required?.includes(name) ? [[name, id ?? value]] : [];
  })));
}

// --- The form ---
function fieldOf(parameter, id) {
  const { name, in: place, required, description } = parameter;
  const it = resolve(parameter.schema);
  const options = it.enum ?? (it.type === "boolean" ? [true, false] : null);
  const shared = { id, required, "aria-describedby": `${id}-hint` };
  const input = options
    ? h("select", shared, h("option", { value: "" }, it.default === undefined ? "not given" : `default: ${it.default}`),
        options.map((value) => h("option", {}, String(value))))
    : h("input", { ...shared, autocomplete: "off", spellcheck: "false", list: place === "path" && `${id}-known`,
        placeholder: it.default ?? parameter.example ?? it.examples?.[0] });
  const offered = place === "path" && !options ? h("datalist", { id: `${id}-known` }) : null;
  const element = h("div", { class: "field" },
    h("label", { for: id }, h("code", { class: "name" }, name), " ", h("small", {}, place), " ", need(required)), input, offered,
    h("div", { class: "hint", id: `${id}-hint` }, options ? null : typeLine(parameter.schema), prose(description ?? it.description)));
  return { ...parameter, input, offered, element };
}

/** Whether the person wants it. */
function ask({ method, path, summary, confirm }) {
  return new Promise((answer) => {
    const close = () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    };
    const dialog = h("dialog", { "aria-labelledby": "ui-ask", close },
      h("h2", { id: "ui-ask" }, `${summary}?`), prose(String(confirm)),
      h("p", {}, h("code", {}, `${method} ${path}`)),
      h("div", { class: "row" },
        h("button", { type: "button", autofocus: true, click: () => dialog.close("") }, "Cancel"),
        h("button", { type: "button", class: "main danger", click: () => dialog.close("yes") }, method[0] + method.slice(1).toLowerCase())));
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** An answer: the headers that the document speaks of, then the body, then all else. */
function answered(operation, response, text, body) {
  const status = String(response.status);
  const [, described] = operation.responses.find(([it]) => it === status) ?? [];
  const names = new Set([...Object.keys(described?.headers ?? {}), "Content-Type"].filter((name) => response.headers.has(name)));
  return [
    h("h4", {}, "Response"),
    h("dl", {}, [...names].map((name) => [h("dt", {}, name), h("dd", {}, response.headers.get(name))])),
    text ? block("Response body", body === undefined ? text : pretty(body)) : h("p", { class: "quiet" }, "No body."),
    h("details", {}, h("summary", {}, "All headers"),
      block("Response headers", [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n"))),
  ];
}

export function tryOf(operation) {
  const { id, method, path, parameters, security, body } = operation;
  const root = new URL(api.servers?.[0]?.url ?? "/", location.href).href.replace(/\/$/, "");
  const fields = parameters.map((parameter, i) => fieldOf(parameter, `${id}-${i}`));
  const media = body.length > 1
    ? h("select", { id: `${id}-media` }, body.map(([type]) => h("option", {}, type))) : null;
  const area = body.length ? h("textarea", { id: `${id}-body`, spellcheck: "false" }) : null;
  const send = h("button", { class: operation.confirm ? "main danger" : "main" }, "Send");
  const said = h("span", { role: "status", class: "said" });
  const output = h("div", { class: "output" });
  const languages = Object.keys(LANGUAGES).map((name) => h("input", { type: "radio", name: `${id}-language`, value: name,
    change: () => { language = name; refresh(); } }));
  const snippet = block("Snippet", "", h("fieldset", {}, h("legend", { class: "unseen" }, "Language of the snippet"),
    languages.map((radio) => h("label", {}, radio, radio.value))));

  const fill = (upTo = path) => upTo.replace(/\{([^{}]+)\}/g, (all, name) => {
    const value = fields.find((field) => field.in === "path" && field.name === name)?.input.value;
    return value ? encodeURIComponent(value) : all;
  });
  const pathname = () => new URL(root + fill()).pathname;

  /** The request as the form has it; with `shown` as a snippet may show it. */
  function request(shown) {
    const given = fields.filter(({ input }) => input.value);
    const query = new URLSearchParams(given.filter((it) => it.in === "query").map(({ name, input }) => [name, input.value]));
    const headers = given.filter((it) => it.in === "header").map(({ name, input }) => [name, input.value]);
    const has = (schemes) => Object.keys(schemes).every((name) => credentials.get(name)?.input.value);
    for (const name of Object.keys(security.find(has) ?? security[0] ?? {})) {
      const { input, scheme } = credentials.get(name) ?? {};
      const value = input?.value.trim();
      const token = shown && !($("reveal").checked && value) ? hidden("TOKEN") : value;
      if (!token) continue;
      if (scheme.type !== "apiKey") headers.unshift(["Authorization", `${scheme.scheme === "basic" ? "Basic" : "Bearer"} ${token}`]);
      else if (scheme.in === "header") headers.unshift([scheme.name, token]);
      else if (scheme.in === "query") query.append(scheme.name, token);
    }
    if (area) headers.push(["Content-Type", media?.value ?? body[0][0]]);
    const text = area ? { body: shown ? hide(area.value) : area.value } : {};
    return { method, url: root + fill() + (query.size ? `?${query}` : ""), headers, ...text };
  }

  function show() {
    snippet.lastChild.textContent = plain(LANGUAGES[language](request(true)));
    for (const radio of languages) radio.checked = radio.value === language;
  }

  let auto = null;
  let tagged = null;
  /** Fills in what is known, where the person has not written something else. */
  function update() {
    for (const { in: place, name, input, offered } of fields.filter((it) => it.offered)) {
      const ids = known.ids.get(new URL(root + fill(path.slice(0, path.indexOf(`/{${name}}`)))).pathname) ?? new Map();
      offered.replaceChildren(...[...ids].reverse().map(([value, label]) => h("option", { value }, label)));
      if (!input.value || input.auto === input.value) input.value = input.auto = [...ids.keys()].pop() ?? "";
    }
    const tag = known.tags.get(pathname()) ?? "";
    const match = fields.find((it) => it.in === "header" && it.name.toLowerCase() === "if-match");
    // A tag of before, or of another record, would only fail.
    if (match && tag !== tagged) match.input.value = tagged = tag;
    if (area && (auto === null || area.value === auto)) {
      area.value = auto = filled(body[0]);
      area.rows = Math.min(18, auto.split("\n").length + 1);
    }
    show();
  }
  forms.add(update);

  async function submit(event) {
    event.preventDefault();
    if (operation.confirm && !(await ask(operation))) return;
    const { url, ...init } = request(false);
    send.disabled = true;
    said.className = "said quiet";
    said.textContent = "Waiting…";
    const began = performance.now();
    try {
      const response = await fetch(url, { ...init, cache: "no-store", credentials: "omit" });
      const text = await response.text();
      let value;
      if (/json/.test(response.headers.get("content-type"))) {
        try { value = JSON.parse(text); } catch { /* shown as it is */ }
      }
      said.textContent = `${response.status} ${value?.code ?? response.statusText} in ${Math.round(performance.now() - began)} ms`;
      said.className = response.ok || response.status === 304 ? "said status good" : "said status bad";
      output.replaceChildren(...answered(operation, response, text, value));
      if (response.ok) learn(operation, url, response, value);
    } catch (error) {
      said.textContent = `No answer: ${error.message}`;
      said.className = "said bad";
    }
    send.disabled = false;
  }

  const changed = (event) => (event.target === area || fields.every(({ in: place, input }) => place !== "path" || input !== event.target) ? show : update)();
  const form = h("form", { submit, input: changed },
    h("div", { class: "ask" },
      fields.length ? h("div", { class: "fields" }, fields.map(({ element }) => element)) : null,
      media ? h("div", { class: "field" }, h("label", { for: media.id }, "Content-Type"), media) : null,
      area ? h("div", { class: "field" },
        h("label", { for: area.id }, "Body ", h("small", {}, media ? "" : body[0][0])), area,
        h("details", {}, h("summary", {}, "Fields of the body"), tree(body[0][1].schema))) : null,
      h("div", { class: "row" }, send, said)),
    h("div", { class: "told" }, output, snippet));
  update();
  return form;
}
