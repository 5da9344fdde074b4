// The page over /openapi.json: it knows what that says, and nothing else of the product.

import { $, announce, fold, h, prose } from "./parts.js";
import { accessOf, forget, refresh, tryOf } from "./request.js";
import { answerOf, api, operationsOf, resolve, schemaOf } from "./schema.js";

const method = (name) => h("span", { class: `method ${name.toLowerCase()}` }, name);

const operationOf = (it) => fold(it.id, "op",
  [method(it.method), h("span", { class: "path" }, it.path), h("span", { class: "quiet" }, it.summary)],
  `${it.method} ${it.path} ${it.summary} ${it.id}`,
  () => [
    prose(it.about),
    h("p", { class: "quiet" }, it.security.length ? `Needs a token (${Object.keys(it.security[0]).join(", ")}).` : "Needs no token."),
    tryOf(it),
    h("h4", {}, "What it answers"),
    it.responses.map(answerOf),
  ]);

/** A part of the page with its entries in the index. */
function part(id, title, about, folds, label) {
  $("operations").append(h("section", { "aria-labelledby": id }, h("h2", { id }, title), prose(about), folds));
  $("index").append(h("section", {}, h("h2", {}, h("a", { href: `#${id}` }, title)),
    h("ul", {}, folds.map((it, i) => h("li", {}, h("a", { href: `#${encodeURIComponent(it.id)}` }, label(i)))))));
}

/** Opens what the address names. */
function reveal() {
  let id = location.hash.slice(1);
  try { id = decodeURIComponent(id); } catch { /* taken as it is */ }
  const target = document.getElementById(id);
  if (target?.closest("[hidden]")) {
    $("find").value = "";
    find();
  }
  if (target?.reveal) target.reveal();
  else target?.scrollIntoView?.();
  $("nav").classList.remove("open");
  $("toggle").setAttribute("aria-expanded", "false");
}

function find() {
  const words = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  const entries = [...$("index").querySelectorAll("li")];
  for (const section of $("operations").querySelectorAll("section")) {
    const folds = [...section.querySelectorAll(".fold")];
    for (const it of folds) {
      it.hidden = entries.shift().hidden = !words.every((word) => it.words.includes(word));
      shown += !it.hidden;
    }
    section.hidden = folds.every((it) => it.hidden);
  }
  for (const section of $("index").children) section.hidden = !section.querySelector("li:not([hidden])");
  announce(words.length ? `${shown} found.` : "");
  $("none").hidden = shown > 0;
}

async function start() {
  const response = await fetch("openapi.json");
  if (!response.ok) throw new Error(`openapi.json: ${response.status}`);
  const operations = operationsOf(await response.json());
  const { title, version, summary, description } = api.info;
  document.title = `${title} ${version}`;
  $("title").textContent = title;
  $("version").textContent = version;
  $("summary").textContent = summary ?? "";
  $("description").append(...prose(description));
  $("about").hidden = !description;
  $("credentials").append(...accessOf());
  $("access").hidden = !$("credentials").hasChildNodes();

  const told = new Map((api.tags ?? []).map(({ name, description: about }) => [name, about]));
  for (const tag of new Set([...told.keys(), ...operations.map(({ tags }) => tags[0])])) {
    const own = operations.filter(({ tags }) => tags[0] === tag);
    if (own.length) {
      part(`tag-${tag}`, tag, told.get(tag), own.map(operationOf), (i) => [method(own[i].method), " ", own[i].summary || own[i].path]);
    }
  }
  const schemas = Object.entries(api.components?.schemas ?? {});
  if (schemas.length) {
    part("schemas", "Schemas", "", schemas.map(([name, schema]) => fold(`schema-${name}`, "schema",
      [h("span", { class: "path" }, name), h("span", { class: "quiet" }, (resolve(schema).description ?? "").split("\n")[0])],
      `schema ${name}`, () => schemaOf(name, resolve(schema), operations))), (i) => schemas[i][0]);
  }

  $("find").addEventListener("input", find);
  $("reveal").addEventListener("change", refresh);
  $("forget").addEventListener("click", forget);
  $("toggle").addEventListener("click", () => {
    $("toggle").setAttribute("aria-expanded", String($("nav").classList.toggle("open")));
  });
  // A link to where the address is already opens it too.
  addEventListener("click", ({ target }) => {
    const link = target.closest?.("a[href^='#']");
    if (link?.hash === location.hash) reveal();
  });
  addEventListener("hashchange", reveal);
  reveal();
  $("note").remove();
}

start().catch((error) => {
  $("note").textContent = `The description could not be loaded: ${error.message}`;
  $("note").className = "bad";
});
