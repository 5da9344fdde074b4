// What the page is made of. Data becomes text nodes and attributes, never markup.

/** An element of the page's own; what the document names has ids of its own. */
export const $ = (id) => document.getElementById(`ui-${id}`);

/** An element. Functions among its attributes are listeners; null and false leave one out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

export const pretty = (value) => JSON.stringify(value, null, 2);

/** Tells it to who cannot see it. */
export const announce = (text) => $("live").replaceChildren(text);

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A browser has a clipboard for pages that came by TLS or from this machine; all have this.
    const before = document.activeElement;
    const area = h("textarea", { class: "unseen" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus();
    return done;
  }
}

/** A button that copies what `textOf` gives then. */
function copying(label, textOf) {
  const word = h("span", {}, "Copy");
  const click = async () => {
    const done = await copy(textOf());
    word.textContent = done ? "Copied" : "Not copied";
    announce(`${word.textContent}: ${label}.`);
    setTimeout(() => { word.textContent = "Copy"; }, 2000);
  };
  return h("button", { type: "button", class: "copy", click }, word, h("span", { class: "unseen" }, ` ${label}`));
}

/** Text to read and copy, under a bar. A block that scrolls must be reachable by keyboard. */
export function block(label, text, bar = h("span", { class: "quiet" }, label)) {
  const pre = h("pre", { tabindex: 0, role: "group", "aria-label": label }, text);
  return h("div", { class: "block" }, h("div", { class: "bar" }, bar, copying(label, () => pre.textContent)), pre);
}

/** `code` and **strong** in a line. */
const inline = (text) =>
  text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((part) =>
    part.startsWith("`") ? h("code", {}, part.slice(1, -1))
    : part.startsWith("**") ? h("strong", {}, part.slice(2, -2)) : part);

/** The little Markdown that descriptions use: paragraphs and lists. */
export function prose(text) {
  return (text ?? "").trim().split(/\n{2,}/).filter(Boolean).map((part) => {
    const lines = part.split("\n");
    return lines.every((line) => line.startsWith("- "))
      ? h("ul", {}, lines.map((line) => h("li", {}, inline(line.slice(2)))))
      : h("p", {}, inline(lines.join(" ")));
  });
}

/** What a button opens; it is made when it is first opened, and `#id` leads to it. */
export function fold(id, kind, label, words, contents) {
  const panel = h("div", { class: "panel", id: `${id}-panel`, hidden: true });
  const open = (opened) => {
    if (opened && !panel.hasChildNodes()) panel.append(...[contents()].flat(Infinity).filter(Boolean));
    panel.hidden = !opened;
    toggle.setAttribute("aria-expanded", String(opened));
  };
  const click = () => {
    open(panel.hidden);
    const place = `#${encodeURIComponent(id)}`;
    if (!panel.hidden && location.hash !== place) history.pushState(null, "", place);
  };
  const toggle = h("button", { type: "button", "aria-expanded": "false", "aria-controls": panel.id, click }, label);
  const element = h("article", { class: `fold ${kind}`, id }, h("h3", {}, toggle), panel);
  element.words = words.toLowerCase();
  element.reveal = () => {
    open(true);
    element.scrollIntoView();
    toggle.focus({ preventScroll: true });
  };
  return element;
}
