// Elements are built, never parsed from strings: the page's policy forbids markup from text.
import { t } from "/page/words.js";
import { centerName, shortId } from "/page/format.js";

/** An element. Props: class, style (an object), dataset, on<event>, hidden, or any attribute. Children may nest. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "style") for (const [key, css] of Object.entries(value)) element.style.setProperty(key, css);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A center's name in its colour. */
export function center(id) {
  return h("span", { class: "center", dataset: { center: id } }, centerName(id));
}

/** A shortened id that copies the whole one. */
export function idButton(id) {
  const button = h("button", { class: "id", type: "button", title: id, "aria-label": `${t("copy")} ${id}` }, shortId(id));
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    await navigator.clipboard?.writeText(id).catch(() => {});
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
  });
  return button;
}

/** A state in a word and a tone: good, warn, bad or nothing. */
export function pill(text, tone = "") {
  return h("span", { class: `pill ${tone}` }, text);
}

/** The head of a view. */
export function head(title, note = "", crumb = null) {
  const back = crumb && h("a", { class: "crumb", href: crumb.href }, `← ${crumb.text}`);
  return h("header", {}, back, h("div", { class: "head" }, h("h1", {}, title), note && h("p", {}, note)));
}

/** Placeholder bars while something is on its way. */
export function loading() {
  return h("div", { class: "loading", role: "status", "aria-label": t("loading") }, h("i"), h("i"), h("i"));
}

/** Nothing there, and what would change that. */
export function empty(title, text) {
  return h("div", { class: "notice" }, h("h2", {}, title), h("p", {}, text));
}

/** What went wrong, in the sentence the service gave, and a way to try again. */
export function failed(error, again) {
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("h2", {}, error.status === 404 ? t("notFound") : error.status === 403 ? t("notAllowed") : t("failed")),
    h("p", {}, error.message),
    error.rule && h("p", {}, h("code", {}, error.rule), error.traceId && [" · ", idButton(error.traceId)]),
    again && ![403, 404].includes(error.status) && h("button", { type: "button", onclick: again }, t("again")),
  );
}

/** The text with every one of the words marked, whatever its case. */
export function marked(text, words) {
  const known = words.filter((word) => word.length > 1).sort((a, b) => b.length - a.length);
  if (!known.length) return [text];
  const pattern = new RegExp(`(${known.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "gi");
  return text.split(pattern).map((part, i) => (i % 2 ? h("mark", {}, part) : part));
}

/** A labelled drop-down for a row of filters. */
export function choice(label, value, options, onchange) {
  const select = h("select", { onchange: (event) => onchange(event.target.value) });
  for (const [key, text] of options) select.append(h("option", { value: key, selected: key === value }, text));
  return h("label", {}, label, select);
}
