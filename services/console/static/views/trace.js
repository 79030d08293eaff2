// A story as a waterfall: a chapter for each request that moved it, one row a span, in its center's colour.
import { get } from "/page/api.js";
import { center, h, head, idButton, pill } from "/page/dom.js";
import { centerName, length, moment } from "/page/format.js";
import { axis } from "/page/views/timescale.js";
import { t, word } from "/page/words.js";

const DETAILS = ["service", "topic", "event_type", "group", "partition", "offset", "event_id", "conversation", "subject", "error"];
const IDS = ["event_id", "conversation", "subject"];

export async function show(context) {
  const { parts, signal, fill } = context;
  if (parts.length < 2) return fill(head(t("trace"), t("traceNote")), ask());
  const told = await get(`/trace/${encodeURIComponent(parts[0])}/${encodeURIComponent(parts[1])}`, {}, signal);
  const crumb = parts[0] === "deal" ? { href: `#/deals/${parts[1]}`, text: t("deals") } : { href: "#/trace", text: t("trace") };
  const all = chapters(told.spans);
  const reads = all.filter(isRead);
  const place = h("div", {});
  const chosen = { fold: true, reads: reads.length === all.length };
  const draw = () => place.replaceChildren(waterfall(chosen.reads ? all : all.filter((one) => !isRead(one)), chosen.fold));
  const box = (name, text) =>
    h("label", { class: "fold" }, h("input", { type: "checkbox", checked: chosen[name], onchange: (event) => ((chosen[name] = event.target.checked), draw()) }), text);
  draw();
  const mixed = reads.length > 0 && reads.length < all.length;
  fill(
    head(t("trace"), t("traceNote"), crumb),
    h("section", { class: "trace-sum" }, summary(told), h("p", { class: "under" }, mixed && box("reads", t("reads", { n: reads.length })), box("fold", t("fold")))),
    notes(told),
    place,
  );
}

function ask() {
  const field = h("input", { name: "id", required: true, placeholder: "dea_… / lst_…", spellcheck: "false" });
  const submit = (event) => {
    event.preventDefault();
    const id = field.value.trim();
    const kind = id.startsWith("dea_") ? "deal" : /^[0-9a-f]{32}$/.test(id) ? "trace" : "listing";
    location.hash = `/trace/${kind}/${encodeURIComponent(id)}`;
  };
  return h(
    "form",
    { class: "notice", onsubmit: submit },
    h("h2", {}, t("traceAsk")),
    h("p", {}, t("traceAskText")),
    h("p", { class: "filters one" }, h("label", {}, t("traceId"), field), h("button", { class: "primary" }, t("show"))),
  );
}

function summary(told) {
  const errors = told.spans.filter((span) => span.error).length;
  const end = Math.max(...told.spans.map((span) => span.start_us + span.duration_us));
  return h(
    "p",
    { class: "under" },
    idButton(told.id),
    h("span", {}, moment(told.began_at)),
    h("b", {}, length(end)),
    h("span", {}, t("spans", { n: told.spans_total })),
    h("span", {}, t("services", { n: told.services.length })),
    told.centers.map(center),
    errors > 0 && pill(t("errors", { n: errors }), "bad"),
  );
}

function notes(told) {
  const lines = [
    ...told.silent.map((id) => t("silent", { center: centerName(id) })),
    ...Object.entries(told.bystanders).map(([id, n]) => t("bystanders", { center: centerName(id), n })),
    told.spans.length < told.spans_total && t("partial", { n: told.spans.length, total: told.spans_total }),
  ].filter(Boolean);
  return lines.length > 0 && h("ul", { class: "trace-notes" }, lines.map((line) => h("li", {}, line)));
}

const byStart = (a, b) => a.span.start_us - b.span.start_us;
const ends = (node) => Math.max(node.span.start_us + node.span.duration_us, ...node.children.map(ends));
const spansOf = (node) => [node.span, ...node.children.flatMap(spansOf)];
const isRead = (chapter) => chapter.span.name.startsWith("GET ") && !chapter.children.length;

/** Spans below their parents. Each root (a request, an import) begins a chapter of the story. */
function chapters(spans) {
  const byId = new Map(spans.map((span) => [span.span_id, { span, children: [] }]));
  const roots = [];
  for (const node of byId.values()) (byId.get(node.span.parent_id)?.children ?? roots).push(node);
  for (const node of byId.values()) node.children = gathered(node.children.sort(byStart));
  return roots.sort(byStart);
}

/** What one event made a center's notify do (story, notices, deliveries) is one row that opens. */
function gathered(children) {
  const groups = Map.groupBy(children, ({ span }) => (span.service === "notify" ? span.center : span.span_id));
  return [...groups.values()].map((nodes) => {
    const all = nodes.flatMap(spansOf);
    if (nodes[0].span.service !== "notify" || all.length < 2) return nodes[0];
    const start_us = nodes[0].span.start_us;
    const error = all.find((span) => span.error)?.error ?? "";
    const span = { ...nodes[0].span, name: t("operations", { n: all.length }), event_type: "", start_us, duration_us: Math.max(...nodes.map(ends)) - start_us, error };
    return { span, children: nodes, isGroup: true };
  });
}

/** Folded, every chapter has its own scale; otherwise all share the time of the whole story. */
function waterfall(shown, folded) {
  const every = innerWidth < 720 ? 26 : 13;
  const whole = folded ? null : axis(shown.flatMap(spansOf), false, every);
  return h("div", { class: "waterfall" }, shown.map((root) => chapter(root, whole ?? axis(spansOf(root), true, every))));
}

function chapter(root, scale) {
  const gap = (one, text) => h("i", { class: "gap", style: { left: `${one.at}%`, width: `${one.width}%` }, title: t("idle", { time: length(one.us) }) }, text);
  const tick = (one) => h("span", { class: "tick", style: { left: `${one.at}%` } }, one.isFirst ? length(one.us) : `+${length(one.us)}`);
  const gaps = scale.gaps.map((one) => gap(one, ""));
  const ruler = h(
    "div",
    { class: "span ruler" },
    h("span", { class: "what" }, h("b", {}, title(root.span)), center(root.span.center)),
    h("span", { class: "lane", "aria-hidden": "true" }, scale.gaps.map((one) => gap(one, one.width > 5 ? length(one.us) : "")), scale.ticks.map(tick)),
    h("span", { class: "took" }, length(ends(root) - root.span.start_us)),
  );
  return h("section", { "aria-label": title(root.span) }, ruler, lines(root, 0, scale, gaps));
}

function lines(node, depth, scale, gaps) {
  return [line(node, depth, scale, gaps), !node.isGroup && node.children.map((child) => lines(child, depth + 1, scale, gaps))];
}

function line(node, depth, scale, gaps) {
  const { span } = node;
  const [left, width] = scale.place(span);
  const more = h("div", { class: "more-of", hidden: true });
  const toggle = (event) => {
    more.hidden = !more.hidden;
    event.currentTarget.setAttribute("aria-expanded", `${!more.hidden}`);
    if (!more.children.length) more.append(...(node.isGroup ? node.children.flatMap((child) => lines(child, depth + 1, scale, gaps)).flat(Infinity).filter(Boolean) : [facts(span)]));
  };
  const button = h(
    "button",
    { type: "button", class: "what", "aria-expanded": "false", onclick: toggle, style: { "--depth": `${Math.min(depth, 12)}` } },
    h("b", {}, span.service), " ", operation(span), span.error && pill("!", "bad"), h("span", { class: "hidden" }, ` ${centerName(span.center)}`),
  );
  const bar = h("i", { class: "work", style: { left: `${left}%`, width: `${width}%` }, title: `${centerName(span.center)} · ${length(span.duration_us)}` });
  return h(
    "div",
    { class: `span${span.error ? " error" : ""}${node.isGroup ? " group" : ""}`, dataset: { center: span.center } },
    button,
    h("span", { class: "lane", "aria-hidden": "true" }, gaps.map((gap) => gap.cloneNode()), bar),
    h("span", { class: "took" }, length(span.duration_us)),
    more,
  );
}

/** What began a chapter, as people say it: the last word of the route's path, which is a step of the deal. */
function title(span) {
  const last = span.name.split(/[ /]/).findLast((part) => part && !part.startsWith("{"));
  return word("step", span.service === "matching" && last === "acceptance" ? "interest-acceptance" : last);
}

/** `process ctta.east.escrow.to.beijing` is told by the event, its topic is in the details. */
function operation(span) {
  const event = span.event_type?.split(".").slice(2, -1).join(".");
  if (!event) return span.name;
  return `${span.name.split(" ")[0]} ${event}`;
}

function facts(span) {
  const shown = DETAILS.filter((name) => span[name] !== undefined && span[name] !== "");
  const rows = shown.flatMap((name) => [
    h("dt", {}, t(name === "conversation" ? "conversation_id" : name)),
    h("dd", {}, IDS.includes(name) ? idButton(String(span[name])) : h("code", {}, String(span[name]))),
  ]);
  return h("dl", { class: "facts" }, h("dt", {}, t("center")), h("dd", {}, center(span.center)), rows, h("dt", {}, t("trace_id")), h("dd", {}, idButton(span.trace_id)));
}
