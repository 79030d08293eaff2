// The story as it happens: newest first, filled by the stream; the whole story of one deal in the order it happened.
import { get } from "/page/api.js";
import { center, empty, h, head } from "/page/dom.js";
import { clock, day, say, shortId } from "/page/format.js";
import { follow } from "/page/stream.js";
import { t } from "/page/words.js";

const STEPS_MAX = 300;
const FIRST = 100;
const ANNOUNCE_MS = 2500;
const ABOUT = { listing: "aboutListing", matching: "aboutMatching", escrow: "aboutEscrow", notify: "aboutNotify" };

export async function show(context) {
  const { parts, query, signal, fill, state, announce } = context;
  const conversation = parts[0];
  const page = await get("/notify/story", { conversation, limit: FIRST }, signal);
  const list = h("ol", { class: "story", "aria-label": t("story") });
  const nothing = empty(t("storyEmpty"), t("storyEmptyText"));
  const about = query.get("about") ?? "";
  const fits = (step) => !about || step.service === about;
  const tell = throttled(announce);

  const add = (step, isNew) => {
    if (!fits(step)) return;
    nothing.remove();
    insert(list, step, isNew);
    if (isNew) tell(say(step.sentence));
  };
  page.items.forEach((step) => add(step, false));
  const title = conversation ? t("storyOf") : t("story");
  const crumb = conversation && { href: "#/story", text: t("storyAll") };
  fill(head(title, t("storyNote"), crumb), filters(conversation, about), list, !list.children.length && nothing);
  follow({ cursor: page.next, conversation, signal, onstep: (step) => add(step, true), onstate: (name) => !signal.aborted && state(name) });
}

function filters(conversation, about) {
  const field = h("input", { type: "search", value: conversation ?? "", placeholder: "dea_… / lst_…", spellcheck: "false" });
  const submit = (event) => {
    event.preventDefault();
    location.hash = address(field.value.trim(), about);
  };
  const chips = ["", ...Object.keys(ABOUT)].map((id) =>
    h("a", { class: "chip", href: `#${address(conversation, id)}`, "aria-current": id === about && "true" }, t(ABOUT[id] ?? "aboutAll")),
  );
  return h(
    "form",
    { class: "filters", role: "search", onsubmit: submit },
    h("div", { class: "chips", role: "group", "aria-label": t("about") }, chips),
    h("label", { class: "far" }, t("conversation"), field),
  );
}

function address(conversation, about) {
  return `/story${conversation ? `/${encodeURIComponent(conversation)}` : ""}${about ? `?about=${about}` : ""}`;
}

/** Steps come oldest first; each goes on top, under the heading of its day. */
function insert(list, step, isNew) {
  const today = day(step.at);
  let group = list.firstElementChild;
  if (group?.dataset.day !== today) {
    group = h("li", { class: "day", dataset: { day: today } }, h("h2", {}, today), h("ol", {}));
    list.prepend(group);
  }
  group.lastElementChild.prepend(row(step, isNew));
  while (list.querySelectorAll(".step").length > STEPS_MAX) {
    const last = list.lastElementChild.lastElementChild;
    last.lastElementChild?.remove();
    if (!last.children.length) list.lastElementChild.remove();
  }
}

/** One step. The deal's page shows its own, without links to itself. */
export function row(step, isNew = false, own = "") {
  const name = step.event_type.split(".").slice(2, -1).join(".");
  return h(
    "li",
    { class: `step${isNew ? " new" : ""}`, dataset: { center: step.center, cursor: step.cursor } },
    h("time", { datetime: step.at }, clock(step.at)),
    h("div", {}, h("p", {}, say(step.sentence)), h("p", { class: "under" }, center(step.center), h("code", {}, name))),
    h("p", { class: "under to" }, links(step, own)),
  );
}

function links(step, own) {
  const { deal_id, match_id, listing_id } = step.ids;
  const to = deal_id ? ["deals", deal_id, "deals"] : match_id ? ["matches", match_id, "matches"] : listing_id ? ["listings", listing_id, "listings"] : null;
  return [
    to && to[1] !== own && h("a", { href: `#/${to[0]}/${to[1]}`, "aria-label": `${t(to[2])} ${shortId(to[1])}` }, shortId(to[1])),
    step.trace_id && h("a", { href: `#/trace/trace/${step.trace_id}` }, t("trace")),
  ];
}

/** At most one call in ANNOUNCE_MS, with the newest text. */
function throttled(call) {
  let waiting = null;
  let timer = null;
  return (text) => {
    waiting = text;
    timer ??= setTimeout(() => ((timer = null), call(waiting)), ANNOUNCE_MS / 5);
  };
}
