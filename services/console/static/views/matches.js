// Matches with their reasons: the parts of the score, the terms that met, the filters passed, both listings.
import { get } from "/page/api.js";
import { center, choice, empty, h, head, idButton, pill } from "/page/dom.js";
import { centerName, day, langOf, moment, percent, say } from "/page/format.js";
import { t, word } from "/page/words.js";
import { body } from "/page/views/listings.js";

const PARTS = ["lexical", "translated", "taxonomy", "fit", "freshness", "responsiveness"];

export async function show(context) {
  return context.parts[0] ? showOne(context) : showAll(context);
}

async function showAll({ query, signal, fill }) {
  const asked = { sort: query.get("sort") ?? "score", status: query.get("status") ?? "open" };
  const list = h("ul", { class: "matches" });
  const more = h("div", { class: "more" });
  const load = async (after) => {
    const page = await get("/matching/matches", { ...asked, after, limit: 25 }, signal);
    list.append(...page.items.map(card));
    more.replaceChildren(...(page.next ? [h("button", { type: "button", onclick: () => load(page.next) }, t("more"))] : []));
  };
  await load();
  const go = (change) => (location.hash = `/matches?${new URLSearchParams({ ...asked, ...change })}`);
  fill(
    head(t("matches"), t("matchesNote")),
    h(
      "form",
      { class: "filters" },
      choice(t("sort"), asked.sort, [["score", t("byScore")], ["newest", t("byNewest")]], (sort) => go({ sort })),
      choice(t("status"), asked.status, [["open", word("status", "open")], ["closed", word("status", "closed")]], (status) => go({ status })),
    ),
    list.children.length ? list : empty(t("noMatches"), t("noMatchesText")),
    more,
  );
}

function card(match) {
  const side = (name) => h("span", { class: "side" }, h("span", { lang: langOf(match[`${name}_title`]) }, say(match[`${name}_title`]) || t("unknownTitle")), center(match[`${name}_center`]));
  return h(
    "li",
    {},
    h(
      "a",
      { class: "match", href: `#/matches/${match.match_id}` },
      h("span", { class: "score" }, percent(match.score)),
      h("span", { class: "pair" }, side("demand"), h("span", { class: "arrow", "aria-hidden": "true" }, "⇄"), side("offer")),
      bar(match.components, match.score),
    ),
  );
}

/** The score as a bar of its parts; its whole width is 100 %. */
function bar(components, score) {
  const parts = known(components);
  const label = parts.map(([name, value]) => `${word("component", name)} ${percent(value, 1)}`).join(", ");
  const pieces = parts.map(([name, value]) => h("i", { dataset: { part: name }, style: { width: `${value * 100}%` } }));
  return h("span", { class: "bar", role: "img", "aria-label": `${t("score")} ${percent(score, 1)}: ${label}` }, pieces);
}

function known(components) {
  const rank = (name) => (PARTS.includes(name) ? PARTS.indexOf(name) : PARTS.length);
  return Object.entries(components).sort(([a], [b]) => rank(a) - rank(b));
}

async function showOne({ parts, signal, fill }) {
  const match = await get(`/matching/matches/${parts[0]}`, {}, signal);
  const listing = (id) => get(`/listing/catalogue/${id}`, {}, signal).catch(() => null);
  const [demand, offer, interests] = await Promise.all([
    listing(match.demand_id),
    listing(match.offer_id),
    get("/matching/interests", { listing_id: match.demand_id }, signal).catch(() => ({ items: [] })),
  ]);
  const told = match.decided_here ? t("decidedHere") : t("decidedThere", { center: centerName(match.demand_center) });
  fill(
    head(t("why"), "", { href: "#/matches", text: t("matches") }),
    h(
      "section",
      { class: "sheet reasons" },
      h("div", { class: "sum" }, h("strong", {}, percent(match.score)), h("span", {}, t("score")), h("small", {}, `${day(match.found_at)} · ${told}`), match.status === "closed" && pill(t("closed", { why: word("status", match.closed_because) }), "warn"), idButton(match.match_id)),
      h("div", {}, bar(match.components, match.score), legend(match.components), reasons(match)),
    ),
    interestList(interests.items.filter((one) => one.offer_id === match.offer_id)),
    h("section", { class: "two" }, side(match, "demand", demand), side(match, "offer", offer)),
  );
}

function legend(components) {
  const rows = known(components).map(([name, value]) =>
    h("li", { class: value ? "" : "soft" }, h("i", { dataset: { part: name } }), word("component", name), h("b", {}, percent(value, 1))),
  );
  return h("ul", { class: "legend" }, rows);
}

function reasons(match) {
  const heaviest = Math.max(...match.terms.map((term) => term.weight), 0.0001);
  const terms = match.terms.map((term) =>
    h("li", { style: { "--weight": `${(term.weight / heaviest) * 100}%` }, title: percent(term.weight, 1) }, term.term),
  );
  const shared = Object.entries(match.shared).map(([name, values]) => {
    const said = values.map((value) => (name === "livelihood" ? word("livelihood", value) : value));
    return [h("dt", {}, word("shared", name)), h("dd", {}, said.map((one) => pill(one)))];
  });
  return h(
    "dl",
    { class: "why" },
    terms.length > 0 && [h("dt", {}, t("terms")), h("dd", {}, h("ul", { class: "terms" }, terms))],
    shared,
    h("dt", {}, t("filters")),
    h("dd", {}, h("ul", { class: "checks" }, match.filters.map((name) => h("li", {}, word("filter", name))))),
  );
}

function side(match, name, listing) {
  const heading = h("p", { class: "under" }, h("span", { class: "kind" }, t(name)), center(match[`${name}_center`]), idButton(match[`${name}_id`]));
  if (!listing) return h("article", { class: "sheet" }, heading, h("p", { class: "soft" }, t("notHere")));
  const title = h("a", { href: `#/listings/${listing.listing_id}`, lang: langOf(listing.title) }, say(listing.title));
  const words = match.terms.map((term) => term.term);
  return h("article", { class: "sheet", dataset: { center: listing.center } }, heading, h("h2", {}, title), body(listing, words, match.shared.ipc));
}

function interestList(items) {
  const rows = items.map((one) =>
    h(
      "li",
      {},
      center(one.seeker_center), " → ", center(one.owner_center), " ",
      pill(word("interest", one.status), { accepted: "good", declined: "bad" }[one.status] ?? (one.overdue ? "bad" : "warn")), " ",
      h("span", { class: "soft" }, one.answered_at ? moment(one.answered_at) : t("answerBy", { when: day(one.answer_by) })),
      one.reason && h("p", {}, one.reason),
    ),
  );
  return h("section", { class: "sheet interests" }, h("h2", {}, t("interests")), rows.length ? h("ul", { class: "plain" }, rows) : h("p", { class: "soft" }, t("noInterest")));
}
