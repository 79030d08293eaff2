// The frame of the page: who we are, which view the address asks for, the language, signing in and out.
import { dropToken, get, keepToken, takeToken, token, whoami } from "/page/api.js";
import { center, failed, h, loading } from "/page/dom.js";
import { know, say } from "/page/format.js";
import { chooseLanguage, keepLanguage, lang, t } from "/page/words.js";
import * as deals from "/page/views/deals.js";
import * as inbox from "/page/views/inbox.js";
import * as listings from "/page/views/listings.js";
import * as matches from "/page/views/matches.js";
import * as story from "/page/views/story.js";
import * as trace from "/page/views/trace.js";

const VIEWS = { story, listings, matches, deals, trace, inbox };
const $ = (id) => document.getElementById(id);
let here;
let shown = new AbortController();

/** `#/deals/dea_1?x=y` as { view, parts: ["dea_1"], query }. */
function route() {
  const [path, search] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...parts] = path.split("/").map(decodeURIComponent);
  return { view: view in VIEWS ? view : "story", parts: parts.filter(Boolean), query: new URLSearchParams(search) };
}

/** Draw the view that the address names. A view is `show(place, context)`; `context.signal` aborts when it is left. */
async function draw({ focus = false } = {}) {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const asked = route();
  frame(asked.view);
  const place = $("main");
  if (focus) place.focus({ preventScroll: true });
  if (!token()) return place.replaceChildren(signIn());
  place.replaceChildren(loading());
  const fill = (...children) => !signal.aborted && place.replaceChildren(...children.filter(Boolean));
  try {
    await VIEWS[asked.view].show({ ...asked, here, signal, fill, state, announce });
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 401) return expired();
    if (!(error.status >= 0)) console.error(error);
    fill(failed(error, () => draw()));
  }
}

function frame(view) {
  const name = here ? say(here.name) : "ctta";
  document.title = `${t(view)} · ${name}`;
  $("center-name").textContent = name;
  $("center-role").textContent = here ? t(`role_${here.hubs.includes(here.id) ? "hub" : "spoke"}`) : "";
  $("skip").textContent = t("skip");
  $("language").textContent = t("other");
  $("language").lang = lang() === "zh" ? "en" : "zh-CN";
  $("sign-out").textContent = t("signOut");
  $("sign-out").title = whoami().name ?? whoami().sub ?? "";
  $("sign-out").hidden = !token();
  $("signal").hidden = true;
  $("tabs").hidden = !token();
  $("tabs").setAttribute("aria-label", t("views"));
  $("tabs").replaceChildren(
    ...Object.keys(VIEWS).map((id) => h("a", { href: `#/${id}`, "aria-current": id === view && "page" }, t(id))),
  );
  $("alliance").replaceChildren(h("span", {}, t("alliance")), ...(here?.centers ?? []).map((one) => center(one.id)));
}

/** Say at the top how fresh the story is: live, polling or away. */
function state(name) {
  $("signal").hidden = false;
  $("signal").dataset.state = name;
  $("signal").textContent = t(name);
}

/** For screen readers: the newest sentence, not every one of a flood. */
function announce(text) {
  $("say").textContent = text;
}

function signIn(note = "") {
  const field = h("textarea", { name: "token", required: true, autocomplete: "off", spellcheck: "false" });
  const submit = (event) => {
    event.preventDefault();
    keepToken(field.value);
    draw({ focus: true });
  };
  return h(
    "form",
    { class: "sheet sign-in", onsubmit: submit },
    h("h1", {}, t("signIn")),
    note && h("p", { role: "alert" }, note),
    h("p", { class: "soft" }, t("signInText")),
    h("label", {}, t("token"), field),
    h("button", { class: "primary" }, t("signInDo")),
  );
}

function expired() {
  dropToken();
  frame(route().view);
  $("main").replaceChildren(signIn(t("tokenOld")));
}

async function begin() {
  takeToken();
  chooseLanguage("en");
  frame(route().view);
  for (;;) {
    try {
      here = await get("/center");
      break;
    } catch (error) {
      $("main").replaceChildren(failed(error));
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
  chooseLanguage(here.lang);
  know(here);
  $("language").addEventListener("click", () => (keepLanguage(lang() === "zh" ? "en" : "zh"), draw()));
  $("sign-out").addEventListener("click", () => (dropToken(), draw({ focus: true })));
  addEventListener("hashchange", () => {
    takeToken();
    scrollTo(0, 0);
    draw({ focus: true });
  });
  $("skip").addEventListener("click", (event) => (event.preventDefault(), $("main").focus()));
  await draw();
}

begin();
