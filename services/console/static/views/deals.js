// Deals: the list, and one deal with its parties, milestones, money by account, and everything that happened.
import { get } from "/page/api.js";
import { center, empty, h, head, idButton, pill } from "/page/dom.js";
import { centerName, day, langOf, moment, money, person, say } from "/page/format.js";
import { follow } from "/page/stream.js";
import { t, word } from "/page/words.js";
import { row } from "/page/views/story.js";

const TONES = { funded: "warn", completed: "good", cancelled: "bad", paid: "good", refunded: "bad", releasing: "warn", accepted: "warn", delivered: "warn" };
const TRACK = ["delivered", "accepted", "releasing", "paid"];
const REFUND = ["refund_requested", "refunded"];
const REDRAW_MS = 400;

export async function show(context) {
  return context.parts[0] ? showOne(context) : showAll(context);
}

async function showAll({ signal, fill }) {
  const page = await get("/escrow/deals", { limit: 100 }, signal);
  const titles = await listingsOf(page.items, signal);
  const rows = page.items.reverse().map((deal) =>
    h(
      "li",
      {},
      h(
        "a",
        { class: "deal", href: `#/deals/${deal.id}` },
        h("span", { class: "pair" }, h("strong", { lang: langOf(titles.get(deal.listing_id)?.title) }, say(titles.get(deal.listing_id)?.title) || t("unknownTitle")), h("span", { class: "under" }, center(deal.home), "→", center(deal.seller_center), h("span", {}, day(deal.opened_at)))),
        h("span", { class: "amount" }, deal.total ? money(deal.total.minor, deal.total.currency) : "—"),
        pill(word("deal", deal.state), TONES[deal.state]),
      ),
    ),
  );
  fill(head(t("deals"), t("dealsNote")), rows.length ? h("ul", { class: "deals" }, rows) : empty(t("noDeals"), t("noDealsText")));
}

/** The listings that deals are about, by id; those that have not arrived are left out. */
async function listingsOf(deals, signal) {
  const ids = [...new Set(deals.flatMap((deal) => [deal.listing_id, deal.demand_id]))];
  const found = await Promise.all(ids.map((id) => get(`/listing/catalogue/${id}`, {}, signal).catch(() => null)));
  return new Map(found.filter(Boolean).map((listing) => [listing.listing_id, listing]));
}

async function showOne(context) {
  const id = context.parts[0];
  await draw(id, context);
  let timer = null;
  const again = () => (timer ??= setTimeout(() => ((timer = null), draw(id, context).catch(() => {})), REDRAW_MS));
  const { signal } = context;
  follow({ conversation: id, signal, onstep: again, onstate: (name) => !signal.aborted && context.state(name) });
}

async function draw(id, { signal, fill, here }) {
  const deal = await get(`/escrow/deals/${id}`, {}, signal);
  const [titles, steps, owed] = await Promise.all([
    listingsOf([deal], signal),
    get(`/notify/stories/${id}`, {}, signal).catch(() => []),
    owedToSeller(deal, signal),
  ]);
  const listing = titles.get(deal.listing_id);
  const notices = steps.filter((step) => step.service === "notify").length;
  const told = steps.filter((step) => step.service !== "notify");
  fill(
    head(say(listing?.title) || t("unknownTitle"), "", { href: "#/deals", text: t("deals") }),
    h("p", { class: "under lead" }, pill(word("deal", deal.state), TONES[deal.state]), idButton(deal.id), h("a", { href: `#/trace/deal/${deal.id}`, class: "button small" }, t("traceOf"))),
    parties(deal, titles, here),
    moneyBar(deal),
    milestones(deal),
    accounts(deal, owed),
    told.length > 0 && h("section", { class: "below" }, h("h2", {}, t("steps")), h("ol", { class: "steps" }, told.map((step) => row(step, false, id)))),
    notices > 0 && h("p", { class: "notes" }, h("a", { href: `#/story/${id}?about=notify` }, t("notices", { n: notices }))),
  );
}

/** What the seller's center owes its member, from its own ledger; only the center's staff may read it. */
async function owedToSeller(deal, signal) {
  if (deal.side !== "seller") return [];
  const page = await get("/escrow/ledger/accounts", { prefix: `party:${deal.seller_organisation_id}:payable` }, signal).catch(() => null);
  return page?.items ?? [];
}

function parties(deal, titles, here) {
  const side = (name, organisation, at) =>
    h("div", { dataset: { center: at } }, h("dt", {}, t(name)), h("dd", {}, h("strong", {}, say(organisation) || "—"), h("span", { class: "under" }, center(at), at === here.id && pill(t("ours")))));
  const fact = (name, value) => value && h("div", {}, h("dt", {}, t(name)), h("dd", {}, value));
  return h(
    "dl",
    { class: "sheet parties" },
    side("buyer", titles.get(deal.demand_id)?.organisation_name, deal.home),
    side("seller", titles.get(deal.listing_id)?.organisation_name, deal.seller_center),
    fact("contract", deal.contract_type && [word("contract", deal.contract_type), " ", idButton(deal.contract_sha256)]),
    fact("total", deal.total && h("strong", {}, money(deal.total.minor, deal.total.currency))),
  );
}

/** Where the contract's money stands, as one bar. */
function moneyBar(deal) {
  if (!deal.total) return h("p", { class: "soft" }, t("noTerms"));
  const sum = (...states) => deal.milestones.filter((one) => states.includes(one.state)).reduce((total, one) => total + one.amount.minor, 0);
  const [paid, releasing, refunded] = [sum("paid"), sum("releasing"), sum("refunded")];
  const rest = deal.total.minor - paid - releasing - refunded;
  const isHeld = ["funded", "completed"].includes(deal.state);
  const parts = [["paid", paid], ["releasing", releasing], [isHeld ? "held" : "unfunded", rest], ["refunded", refunded]].filter(([, minor]) => minor > 0);
  const label = (name) => (name === "held" ? word("account", "held") : name === "unfunded" ? word("deal", deal.state) : word("milestone", name));
  return h(
    "figure",
    { class: "money" },
    h("div", { class: "bar", "aria-hidden": "true" }, parts.map(([name, minor]) => h("i", { dataset: { money: name }, style: { width: `${(minor / deal.total.minor) * 100}%` } }))),
    h("figcaption", {}, parts.map(([name, minor]) => h("span", {}, h("i", { dataset: { money: name } }), label(name), " ", h("b", {}, money(minor, deal.total.currency))))),
  );
}

function milestones(deal) {
  if (!deal.milestones.length) return null;
  return h("section", { class: "below" }, h("h2", {}, t("milestones")), h("ol", { class: "milestones" }, deal.milestones.map(milestone)));
}

function milestone(one) {
  const track = REFUND.includes(one.state) ? REFUND : TRACK;
  const reached = track.indexOf(one.state);
  const stages = track.map((state, i) =>
    h("li", { class: i <= reached ? "done" : "", "aria-current": i === reached && "step" }, word("milestone", state)),
  );
  const live = one.approvals.filter((approval) => !approval.void);
  const who = live.flatMap((approval) => [
    h("p", {}, h("span", { class: "soft" }, t("maker")), " ", person(approval.maker), " · ", h("time", { datetime: approval.made_at }, moment(approval.made_at))),
    approval.checker && h("p", {}, h("span", { class: "soft" }, t("checker")), " ", person(approval.checker), " · ", h("time", { datetime: approval.checked_at }, moment(approval.checked_at))),
  ]);
  const next = one.steps.filter((step) => !step.startsWith("refund"))[0];
  return h(
    "li",
    { class: "sheet milestone" },
    h("div", { class: "head" }, h("h3", {}, h("span", { class: "soft" }, `${one.number} `), one.title), h("strong", {}, money(one.amount.minor, one.amount.currency))),
    h("ol", { class: "track" }, stages),
    h("div", { class: "who" }, who, one.evidence_sha256 && h("p", {}, h("span", { class: "soft" }, t("evidence")), " ", idButton(one.evidence_sha256)), next && h("p", {}, h("span", { class: "soft" }, `${t("next")}: `), word("step", next))),
  );
}

function accounts(deal, owed) {
  const rows = [...deal.money, ...owed].map((account) =>
    h(
      "tr",
      {},
      h("td", {}, accountName(account.code), h("code", { class: "soft" }, shortCode(account.code))),
      h("td", { class: "figure" }, money(Math.abs(account.balance_minor), account.currency)),
      h("td", { class: "figure soft" }, account.debit_pending_minor ? money(account.debit_pending_minor, account.currency) : "—"),
    ),
  );
  const transfers = deal.transfers.map((one) =>
    h(
      "li",
      {},
      h("span", {}, one.direction === "outgoing" ? "→ " : "← ", center(one.peer)),
      one.milestone && h("span", {}, t("milestone", { n: one.milestone })),
      one.amount && h("b", {}, money(one.amount.minor, one.amount.currency)),
      pill(word("transfer", one.state), { posted: "good", fulfilled: "good", rejected: "bad", voided: "bad" }[one.state] ?? "warn"),
      h("span", { class: "soft" }, one.decided_at ? moment(one.decided_at) : ""),
      idButton(one.transfer_id),
    ),
  );
  if (!rows.length && !transfers.length) return null;
  const names = ["account", "balance", "reserved"].map((name, i) => h("th", { scope: "col", class: i ? "figure" : "" }, t(name)));
  return h(
    "section",
    { class: "below" },
    h("h2", {}, t("money")),
    h("p", { class: "soft" }, t("moneyNote")),
    h("div", { class: "sheet" }, rows.length > 0 && h("table", {}, h("thead", {}, h("tr", {}, names)), h("tbody", {}, rows)), transfers.length > 0 && h("ul", { class: "transfers" }, transfers)),
  );
}

/** `deal:D:ms:2` and its like as people say them. */
function accountName(code) {
  const [form, first, second, third] = code.split(":");
  if (form === "deal") return word("account", second).replace("{n}", third ?? "");
  if (form === "party") return word("account", "payable");
  return word("account", form === "payout" ? "inflight" : form).replace("{center}", centerName(first ?? ""));
}

function shortCode(code) {
  return code.replace(/([a-z]+_[0-9a-f]{4})[0-9a-f]+([0-9a-f]{4})/g, "$1…$2");
}
