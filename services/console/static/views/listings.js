// The alliance's catalogue with filters, and one listing in full.
import { get } from "/page/api.js";
import { center, choice, empty, h, head, idButton, marked, pill } from "/page/dom.js";
import { centerIds, centerName, day, langOf, price, say } from "/page/format.js";
import { lang, t, word } from "/page/words.js";

const KINDS = ["technology", "demand", "service", "capital"];
const TONES = { published: "good", reserved: "warn", transacted: "", withdrawn: "bad" };
const TEXTS = ["summary", "problem", "solution", "advantages"];

export async function show(context) {
  return context.parts[0] ? showOne(context) : showAll(context);
}

async function showAll({ query, signal, fill }) {
  const asked = { kind: query.get("kind") ?? "", center: query.get("center") ?? "", text: query.get("text") ?? "" };
  const list = h("ul", { class: "listings" });
  const more = h("div", { class: "more" });
  const load = async (after) => {
    const page = await get("/listing/catalogue", { ...asked, after, limit: 30 }, signal);
    list.append(...page.items.map(card));
    more.replaceChildren(...(page.next ? [h("button", { type: "button", onclick: () => load(page.next) }, t("more"))] : []));
  };
  await load();
  const nothing = !list.children.length && empty(t("noListings"), t("noListingsText"));
  fill(head(t("listings"), t("listingsNote")), filters(asked), nothing || list, more);
}

function filters(asked) {
  const go = (change) => {
    const kept = Object.entries({ ...asked, ...change }).filter(([, value]) => value);
    location.hash = `/listings${kept.length ? `?${new URLSearchParams(kept)}` : ""}`;
  };
  const field = h("input", { type: "search", value: asked.text, placeholder: t("textHint") });
  return h(
    "form",
    { class: "filters", role: "search", onsubmit: (event) => (event.preventDefault(), go({ text: field.value.trim() })) },
    choice(t("kind"), asked.kind, [["", t("all")], ...KINDS.map((kind) => [kind, word("kind", kind)])], (kind) => go({ kind })),
    choice(t("center"), asked.center, [["", t("all")], ...centerIds().map((id) => [id, centerName(id)])], (id) => go({ center: id })),
    h("label", {}, t("text"), field),
  );
}

function card(listing) {
  return h(
    "li",
    {},
    h(
      "a",
      { href: `#/listings/${listing.listing_id}`, class: "listing" },
      h("p", { class: "under" }, h("span", { class: "kind" }, word("kind", listing.kind)), center(listing.center), listing.status !== "published" && status(listing)),
      h("h3", { lang: langOf(listing.title) }, say(listing.title)),
      h("p", { class: "clip", lang: langOf(listing.summary) }, say(listing.summary)),
      h("p", { class: "under" }, say(listing.organisation_name), listing.trl && ` · TRL ${listing.trl}`, listing.price && ` · ${price(listing.price, false)}`),
    ),
  );
}

function status(listing) {
  return pill(word("status", listing.status), TONES[listing.status] ?? "");
}

async function showOne({ parts, signal, fill }) {
  const [listing, matches] = await Promise.all([
    get(`/listing/catalogue/${parts[0]}`, {}, signal),
    get("/matching/matches", { listing_id: parts[0], limit: 5 }, signal).catch(() => ({ items: [] })),
  ]);
  const found = matches.items.map((one) => {
    const other = one.demand_id === listing.listing_id ? "offer" : "demand";
    const title = say(one[`${other}_title`]) || t("unknownTitle");
    return h("li", {}, h("a", { href: `#/matches/${one.match_id}` }, title), " ", center(one[`${other}_center`]));
  });
  fill(
    head(say(listing.title), "", { href: "#/listings", text: t("listings") }),
    h("article", { class: "sheet" }, h("p", { class: "under" }, h("span", { class: "kind" }, word("kind", listing.kind)), center(listing.center), status(listing), idButton(listing.listing_id)), body(listing)),
    found.length > 0 && h("section", { class: "below" }, h("h2", {}, t("matchesOf")), h("ul", { class: "plain" }, found)),
  );
}

/** What a listing says, with words marked; the match's page shows two of them side by side. */
export function body(listing, words = [], sharedIpc = []) {
  const texts = TEXTS.filter((name) => say(listing[name])).map((name) =>
    h("section", {}, h("h4", {}, t(name)), h("p", { lang: langOf(listing[name]) }, marked(say(listing[name]), words))),
  );
  const keywords = listing.keywords?.[lang()] ?? Object.values(listing.keywords ?? {})[0] ?? [];
  const ipc = (listing.ipc ?? []).map((one) => h("code", { class: sharedIpc.includes(one.slice(0, 4)) ? "met" : "" }, one));
  const facts = [
    [t("organisation"), say(listing.organisation_name)],
    [t("trl"), listing.trl && `TRL ${listing.trl}`],
    [listing.kind === "demand" ? t("budget") : t("price"), price(listing.price)],
    [t("modes"), listing.transfer_modes?.map((mode) => word("mode", mode)).join(lang() === "zh" ? "、" : ", ")],
    [t("livelihood"), listing.livelihood?.map((one) => word("livelihood", one)).join(lang() === "zh" ? "、" : ", ")],
    [t("keywords"), keywords.length > 0 && h("span", {}, marked(keywords.join(lang() === "zh" ? "、" : ", "), words))],
    [t("ipc"), ipc.length > 0 && h("span", { class: "codes" }, ipc)],
    [t("industry"), listing.industry?.length > 0 && h("code", {}, listing.industry.join(" "))],
    [t("region"), listing.region],
    [t("deadline"), listing.deadline && day(listing.deadline)],
    [t("published"), listing.published_at && day(listing.published_at)],
  ].filter(([, value]) => value);
  return h("div", { class: "said" }, texts, h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}
