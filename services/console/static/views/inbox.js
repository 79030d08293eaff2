// Notices in the application itself: unread first.
import { get, post } from "/page/api.js";
import { center, empty, h, head } from "/page/dom.js";
import { moment, say, shortId } from "/page/format.js";
import { t } from "/page/words.js";

export async function show({ signal, fill }) {
  const list = h("ol", { class: "notices" });
  const more = h("div", { class: "more" });
  const load = async (after) => {
    const page = await get("/notify/inbox", { after, limit: 50 }, signal);
    list.append(...page.items.map(row));
    more.replaceChildren(...(page.next ? [h("button", { type: "button", onclick: () => load(page.next) }, t("more"))] : []));
  };
  await load();
  fill(head(t("inbox"), t("inboxNote")), list.children.length ? list : empty(t("noNotices"), t("noNoticesText")), more);
}

function row(notice) {
  const element = h("li", { class: `sheet${notice.read_at ? "" : " unread"}` });
  const { deal_id, match_id, listing_id } = notice.ids;
  const to = deal_id ? `deals/${deal_id}` : match_id ? `matches/${match_id}` : listing_id ? `listings/${listing_id}` : null;
  const read = async () => {
    await post(`/notify/inbox/${notice.id}/read`);
    element.replaceWith(row({ ...notice, read_at: new Date().toISOString() }));
  };
  element.append(
    h("p", {}, !notice.read_at && h("span", { class: "hidden" }, `${t("unread")}: `), say(notice.sentence)),
    h("p", { class: "under" }, center(notice.center), h("time", { datetime: notice.at }, moment(notice.at)), h("code", {}, notice.event), to && h("a", { href: `#/${to}` }, shortId(to.split("/")[1]))),
  );
  if (!notice.read_at) element.append(h("button", { type: "button", class: "quiet", onclick: read }, t("markRead")));
  return element;
}
