// Reading the OpenAPI document.

import { block, h, pretty, prose } from "./parts.js";

const METHODS = ["get", "head", "post", "put", "patch", "delete"];
export let api;

/** What a reference stands for; what stands beside it has precedence. */
export function resolve(value) {
  if (!value?.$ref) return typeof value === "object" && value ? value : {};
  const { $ref, ...beside } = value;
  const path = $ref.slice(2).split("/").map((key) => decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~"));
  return { ...resolve(path.reduce((at, key) => at?.[key], api)), ...beside };
}

/** Takes the document and gives its operations. */
export function operationsOf(document) {
  api = document;
  return Object.entries(api.paths ?? {}).flatMap(([path, there]) => {
    const item = resolve(there);
    return METHODS.filter((method) => item[method]).map((method) => {
      const it = item[method];
      const own = (it.parameters ?? []).map(resolve);
      const isOwn = (other) => own.some(({ name, in: place }) => name === other.name && place === other.in);
      return {
        id: it.operationId ?? `${method}${path.replace(/\W+/g, "-")}`,
        method: method.toUpperCase(),
        path,
        tags: it.tags?.length ? it.tags : ["other"],
        summary: it.summary ?? "",
        about: it.description,
        // A page can't set cookies of a request.
        parameters: [...(item.parameters ?? []).map(resolve).filter((other) => !isOwn(other)), ...own]
          .filter((parameter) => parameter.in !== "cookie"),
        security: it.security ?? api.security ?? [],
        body: Object.entries(resolve(it.requestBody).content ?? {}),
        responses: Object.entries(it.responses ?? {}).map(([status, response]) => [status, resolve(response)]),
        confirm: it["x-confirm"],
        refs: new Set(JSON.stringify(it).match(/#\/components\/schemas\/[^"/]+/g)),
      };
    });
  });
}

const nameOf = (schema) => schema?.$ref?.match(/^#\/components\/schemas\/([^/]+)$/)?.[1];
const between = (parts, word) => parts.flatMap((part, i) => (i ? [word, part] : [part]));

/** Words, and links to schemas that have a name. */
export function typeOf(schema) {
  const name = nameOf(schema);
  if (name) return [h("a", { href: `#schema-${name}` }, name)];
  const it = resolve(schema);
  if ("const" in it) return [pretty(it.const)];
  if (it.enum) return [it.enum.map((value) => pretty(value)).join(" | ")];
  if (it.anyOf ?? it.oneOf) return between((it.anyOf ?? it.oneOf).map(typeOf), " | ");
  if (it.allOf) return between(it.allOf.map(typeOf), " & ");
  const types = [it.type ?? "any", it.nullable ? "null" : []].flat();
  return between(types.map((type) =>
    type === "array" ? ["array of ", typeOf(it.items)]
    : type === "object" && typeof it.additionalProperties === "object" ? ["object of ", typeOf(it.additionalProperties)]
    : type === "null" || !it.format ? type : `${type} (${it.format})`), " | ");
}

function limitsOf(schema) {
  const it = resolve(schema);
  const span = (least, most, unit) =>
    least === undefined && most === undefined ? null
    : most === undefined ? `at least ${least}${unit}`
    : least === undefined ? `at most ${most}${unit}` : `${least} to ${most}${unit}`;
  return [
    span(it.minLength, it.maxLength, " characters"),
    span(it.minItems, it.maxItems, " items"),
    span(it.minimum, it.maximum, ""),
    it.exclusiveMinimum === undefined ? null : `over ${it.exclusiveMinimum}`,
    it.exclusiveMaximum === undefined ? null : `under ${it.exclusiveMaximum}`,
    it.default === undefined ? null : `default ${pretty(it.default)}`,
    it.pattern === "^[^\\u0000]*$" ? "no U+0000" : it.pattern ? `pattern ${it.pattern}` : null,
    it.examples?.[0] ? `such as ${pretty(it.examples[0])}` : null,
    ["readOnly", "writeOnly", "deprecated"].filter((mark) => it[mark]).join(", "),
  ].filter(Boolean).map((limit) => ` · ${limit}`).join("");
}

/** What has to be known of a value before it is sent. */
export const typeLine = (schema) => h("span", { class: "type" }, typeOf(schema), limitsOf(schema));
export const need = (required) => required && h("span", { class: "need" }, "required");

/** The fields of an object, of one in a list too; what has a name of its own is linked to. */
export function tree(schema) {
  const it = resolve(schema);
  if (it.items) return it.items.$ref ? null : tree(it.items);
  const parts = [it, ...(it.allOf ?? []).map(resolve)];
  const fields = parts.flatMap((part) => Object.entries(part.properties ?? {}));
  if (!fields.length) return null;
  const required = parts.flatMap((part) => part.required ?? []);
  return h("ul", { class: "tree" }, fields.map(([name, field]) => h("li", {},
    h("code", { class: "name" }, name), " ", typeLine(field), " ", need(required.includes(name)),
    prose(resolve(field).description), field.$ref ? null : tree(field))));
}

/** An example that is made up where the document gives none. */
function sample(schema, above = []) {
  const it = resolve(schema);
  const [given] = [it.example, ...(it.examples ?? []), it.default, it.const, it.enum?.[0]].filter((one) => one !== undefined);
  if (given !== undefined || above.includes(schema?.$ref ?? it)) return given ?? null;
  const inner = (part) => sample(part, [...above, schema?.$ref ?? it]);
  const other = it.anyOf ?? it.oneOf;
  if (other) return inner(other[0]);
  if (it.allOf) return Object.assign({}, ...it.allOf.map(inner));
  const kind = [it.type].flat()[0];
  if (it.properties) return Object.fromEntries(Object.entries(it.properties).map(([name, part]) => [name, inner(part)]));
  return { array: it.items ? [inner(it.items)] : [], object: {}, integer: 1, number: 1, boolean: true, string: "text" }[kind] ?? null;
}

/** The first example of a media type. */
export const exampleOf = (media) =>
  media.example ?? resolve(Object.values(media.examples ?? {})[0]).value ?? sample(media.schema);

/** One of the answers that an operation may give. */
export function answerOf([status, { description, headers, content }]) {
  const media = Object.entries(content ?? {});
  const codes = media.flatMap(([, { examples }]) => Object.keys(examples ?? {}));
  const names = Object.keys(headers ?? {});
  return h("details", { class: "answer" },
    h("summary", {}, h("span", { class: "status" }, status), " ",
      codes.length ? between(codes.map((code) => h("code", {}, code)), ", ") : description),
    codes.length ? prose(description) : null,
    names.length ? h("p", { class: "quiet" }, "Headers: ", between(names.map((name) => h("code", {}, name)), ", ")) : null,
    media.map(([type, body]) => [
      h("p", { class: "quiet" }, h("code", {}, type), " ", typeOf(body.schema)),
      nameOf(body.schema) ? null : tree(body.schema),
      block(`Example of ${status}`, pretty(exampleOf(body))),
    ]));
}

/** What a schema says, and which operations speak of it. */
export function schemaOf(name, schema, operations) {
  const users = operations.filter(({ refs }) => refs.has(`#/components/schemas/${name}`));
  return [
    prose(schema.description),
    h("p", {}, typeLine(schema)),
    tree(schema),
    users.length ? h("p", { class: "quiet" }, "Used by ",
      between(users.map(({ id }) => h("a", { href: `#${encodeURIComponent(id)}` }, id)), ", ")) : null,
    block(`Example of ${name}`, pretty(sample({ $ref: `#/components/schemas/${name}` }))),
  ];
}
