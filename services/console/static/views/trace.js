// A story as a waterfall: one row a span, in its center's colour, idle time folded so that work can be seen.
import { get } from "/page/api.js";
import { center, h, head, idButton, pill } from "/page/dom.js";
import { centerName, length, moment } from "/page/format.js";
import { axis } from "/page/views/timescale.js";
import { t } from "/page/words.js";

const DETAILS = ["service", "topic", "event_type", "group", "partition", "offset", "event_id", "conversation", "subject", "error"];
const IDS = ["event_id", "conversation", "subject"];

export async function show(context) {
  const { parts, signal, fill } = context;
  if (parts.length < 2) return fill(head(t("trace"), t("traceNote")), ask());
  const told = await get(`/trace/${encodeURIComponent(parts[0])}/${encodeURIComponent(parts[1])}`, {}, signal);
  const crumb = parts[0] === "deal" ? { href: `#/deals/${parts[1]}`, text: t("deals") } : { href: "#/trace", text: t("trace") };
  const place = h("div", {});
  const draw = (folded) => place.replaceChildren(waterfall(told.spans, folded));
  const fold = h("input", { type: "checkbox", checked: true, onchange: (event) => draw(event.target.checked) });
  draw(true);
  fill(
    head(t("trace"), t("traceNote"), crumb),
    h("section", { class: "trace-sum" }, summary(told), h("label", { class: "fold" }, fold, t("fold"))),
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

/** Spans below their parents; roots in order of their start. */
function tree(spans) {
  const byId = new Map(spans.map((span) => [span.span_id, { span, children: [] }]));
  const roots = [];
  for (const node of byId.values()) (byId.get(node.span.parent_id)?.children ?? roots).push(node);
  const rows = [];
  const walk = (node, depth) => {
    rows.push({ span: node.span, depth });
    node.children.sort(byStart).forEach((child) => walk(child, depth + 1));
  };
  roots.sort(byStart).forEach((root) => walk(root, 0));
  return rows;
}

const byStart = (a, b) => a.span.start_us - b.span.start_us;

function waterfall(spans, folded) {
  const scale = axis(spans, folded, innerWidth < 720 ? 26 : 12);
  const gap = (one, text) => h("span", { class: "gap", style: { left: `${one.at}%`, width: `${one.width}%` }, title: t("idle", { time: length(one.us) }) }, text);
  const tick = (one) => h("span", { class: "tick", style: { left: `${one.at}%` } }, one.isFirst ? length(one.us) : `+${length(one.us)}`);
  const gaps = scale.gaps.map((one) => gap(one, ""));
  const ticks = [...scale.gaps.map((one) => gap(one, one.width > 5 ? length(one.us) : "")), ...scale.ticks.map(tick)];
  return h(
    "div",
    { class: "waterfall", role: "table", "aria-label": t("trace") },
    h("div", { class: "span ruler", role: "row" }, h("span", { class: "what", role: "columnheader" }, t("operation")), h("span", { class: "lane", role: "columnheader" }, ticks), h("span", { class: "took", role: "columnheader" }, t("duration"))),
    tree(spans).map(({ span, depth }) => line(span, depth, scale, gaps)),
  );
}

function line(span, depth, scale, gaps) {
  const [left, width] = scale.place(span);
  const details = h("dl", { class: "facts", hidden: true });
  const toggle = (event) => {
    details.hidden = !details.hidden;
    event.currentTarget.setAttribute("aria-expanded", `${!details.hidden}`);
    if (!details.children.length) details.append(...facts(span));
  };
  const button = h(
    "button",
    { type: "button", class: "what", "aria-expanded": "false", onclick: toggle, style: { "--depth": `${Math.min(depth, 12)}` } },
    h("b", {}, span.service), " ", operation(span), span.error && pill("!", "bad"),
  );
  return h(
    "div",
    { class: `span${span.error ? " error" : ""}`, role: "row", dataset: { center: span.center } },
    h("span", { role: "cell", class: "cell" }, button),
    h("span", { role: "cell", class: "lane" }, gaps.map((gap) => gap.cloneNode()), h("i", { class: "work", style: { left: `${left}%`, width: `${width}%` }, title: `${centerName(span.center)} · ${length(span.duration_us)}` })),
    h("span", { role: "cell", class: "took" }, length(span.duration_us), h("span", { class: "hidden" }, ` ${centerName(span.center)}`)),
    details,
  );
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
  return [h("dt", {}, t("center")), h("dd", {}, center(span.center)), ...rows, h("dt", {}, t("trace_id")), h("dd", {}, idButton(span.trace_id))];
}
