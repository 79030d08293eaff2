"""The page in a real browser, against a center that answers from memory."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from shared.schemas.escrow import MilestoneAccepted
from tests.console.browser import Served, Watched

pytestmark = pytest.mark.browser

VIEWS = {
    "story": "milestone 2",
    "listings": "Electrodialysis",
    "matches": "Salt recovery",
    "deals": "CNY 1,800,000",
    "inbox": "delivered milestone 2",
    "match": "Filters passed",
    "deal": "Pilot design",
    "trace": "process transfer.decided",
    "listing": "Nanofiltration",
}


@pytest.fixture(autouse=True)
def _clean(watched: Watched, center: Served) -> Iterator[None]:
    """After every test: nothing was asked elsewhere, no token was in an address, nobody complained."""
    yield
    assert watched.complaints == []
    for url in watched.requests:
        assert re.match(r"http://127\.0\.0\.1:\d+/", url), url
        assert "eyJ" not in url, url


def where(center: Served, view: str) -> str:
    market = center.process.market
    deal = market.deals[0]
    match = next(one for one in market.matches if one.offer_id == deal.listing_id)
    return {
        "match": f"matches/{match.match_id}",
        "deal": f"deals/{deal.id}",
        "trace": f"trace/deal/{deal.id}",
        "listing": f"listings/{deal.listing_id}",
        "listings": "listings?text=electrodialysis",
    }.get(view, view)


def visit(page: Page, center: Served, view: str, lang: str = "en") -> None:
    """Go to a view: the first time with a token, then by the address's fragment, as a person does."""
    if page.url == "about:blank":
        page.goto(center.address(where(center, view), lang=lang))
    else:
        page.evaluate(
            "hash => { document.querySelector('main').replaceChildren(); location.hash = hash }",
            f"/{where(center, view)}",
        )
    expect(page.locator("main h1")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 375])
def test_every_view_shows_its_data_and_never_scrolls_sideways(page: Page, center: Served, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    for view, text in VIEWS.items():
        visit(page, center, view)
        expect(page.locator("main")).to_contain_text(text)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view


def test_the_token_leaves_the_address_and_is_gone_after_signing_out(page: Page, center: Served) -> None:
    page.goto(center.address("deals"))
    expect(page.locator(".deal")).to_have_count(1)
    assert page.url.endswith("/?lang=en#/deals")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("Object.keys(sessionStorage)") == []


def test_a_pasted_token_opens_the_view_that_was_asked_for(page: Page, center: Served) -> None:
    page.goto(f"{center.url}/#/matches")
    page.get_by_label("Access token").fill(f"Bearer {center.process.token()}")
    page.get_by_role("button", name="Open the page").click()
    expect(page.locator(".match").first).to_be_visible()


def test_a_token_that_is_not_valid_is_asked_for_again(page: Page, center: Served, watched: Watched) -> None:
    page.goto(f"{center.url}/#token=nonsense")
    expect(page.get_by_role("alert")).to_contain_text("not valid here any more")
    assert all("401" in complaint for complaint in watched.complaints)
    watched.complaints.clear()  # the browser itself reports each 401


def test_what_a_role_may_not_see_is_said_in_the_service_s_sentence(
    page: Page, center: Served, watched: Watched
) -> None:
    page.goto(center.address(where(center, "trace"), lang="zh", roles=("member",)))
    expect(page.get_by_role("alert")).to_contain_text("此操作需要以下角色之一")
    watched.complaints.clear()  # the browser itself reports the 403


def test_the_language_is_the_browser_s_and_can_be_switched(browser: Browser, center: Served) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{center.url}/#token={center.process.token()}&to=/{where(center, 'deal')}")
    expect(page.locator("main")).to_contain_text("180万元")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_role("button", name="English").click()
    expect(page.locator("main")).to_contain_text("CNY 1,800,000")
    expect(page.get_by_role("navigation")).to_contain_text("Deals")
    page.reload()
    expect(page.locator("main")).to_contain_text("CNY 1,800,000")
    context.close()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_word_is_there(page: Page, center: Served, lang: str) -> None:
    for view in VIEWS:
        visit(page, center, view, lang)
        text = re.sub(r"\{\w+_id\}|\{number\}", "", page.locator("body").inner_text())  # routes name their parameters
        assert not re.search(r"\b(undefined|false|null|NaN)\b|\[object|\{\w+\}", text), (view, text)


def test_a_new_step_appears_by_itself_and_is_announced(page: Page, fresh_center: Served) -> None:
    market = fresh_center.process.market
    page.goto(fresh_center.address("story"))
    expect(page.locator(".signal")).to_have_text("live")
    market.tell(MilestoneAccepted(to="beijing", deal_id=market.deals[0].id, number=2), "east")
    expect(page.locator(".step").first).to_contain_text("Shanghai accepted milestone 2")
    expect(page.locator("#say")).to_contain_text("Shanghai accepted milestone 2")


def test_where_a_stream_can_t_be_had_the_page_polls(page: Page, fresh_center: Served, watched: Watched) -> None:
    fresh_center.process.streams = False
    market = fresh_center.process.market
    page.goto(fresh_center.address("story"))
    expect(page.locator(".signal")).to_have_text("every few seconds")
    market.tell(MilestoneAccepted(to="beijing", deal_id=market.deals[0].id, number=2), "east")
    expect(page.locator(".step").first).to_contain_text("Shanghai accepted milestone 2")
    watched.complaints.clear()  # the browser itself reports the 404


def test_the_story_can_be_narrowed(page: Page, center: Served) -> None:
    page.goto(center.address("story"))
    page.get_by_role("link", name="Deals and money").click()
    expect(page.get_by_role("link", name="Deals and money")).to_have_attribute("aria-current", "true")
    assert set(page.locator(".step code").all_inner_texts()) <= {
        "deal.opened", "terms.proposed", "terms.agreed", "deal.funded", "milestone.delivered", "milestone.accepted",
        "milestone.released", "transfer.prepared", "transfer.decided", "transfer.settled",
    }  # fmt: skip
    page.get_by_label("Deal or listing").fill(center.process.market.deals[0].id)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The story of one conversation")).to_be_visible()


def test_the_parts_of_a_score_sum_to_it(page: Page, center: Served) -> None:
    page.goto(center.address(where(center, "match")))
    expect(page.locator(".legend")).to_be_visible()
    said = page.locator(".legend b").all_inner_texts()
    total = float(page.locator(".sum strong").inner_text().rstrip("%"))
    assert abs(sum(float(part.rstrip("%")) for part in said) - total) < 1
    widths = [
        float(width.rstrip("%"))
        for width in page.locator(".reasons .bar i").evaluate_all("all => all.map(i => i.style.width)")
    ]
    assert abs(sum(widths) - total) < 1
    expect(page.locator(".two mark").first).to_be_visible()


def test_a_span_opens_with_the_keyboard(page: Page, center: Served) -> None:
    page.goto(center.address(where(center, "trace")))
    page.get_by_role("button", name="send transfer.prepared").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".more-of:not([hidden])")).to_contain_text("ctta.east.escrow.to.beijing")
    page.get_by_role("button", name="2 operations").press("Enter")
    expect(page.get_by_role("button", name="deliver webhook")).to_be_visible()


def test_a_story_can_be_seen_in_real_time(page: Page, center: Served) -> None:
    page.goto(center.address(where(center, "trace")))
    expect(page.locator(".waterfall section")).to_have_count(3)
    bar = page.locator(".work").first
    own = bar.bounding_box()
    page.get_by_label("Own scale for each chapter").press("Space")
    whole = bar.bounding_box()
    assert own is not None
    assert whole is not None
    assert own["width"] > 20 * whole["width"]


def test_the_keyboard_reaches_everything(page: Page, center: Served) -> None:
    page.goto(center.address("matches"))
    expect(page.locator(".match").first).to_be_visible()
    reached = []
    for _ in range(16):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 24)"))
    assert reached[0] == "Skip to the content"
    assert [name for name in reached if name in ("Story", "Listings", "Matches", "Deals", "Trace", "Inbox")] == [
        "Story", "Listings", "Matches", "Deals", "Trace", "Inbox",
    ]  # fmt: skip
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Why they fit")


def test_a_notice_is_marked_as_read(page: Page, fresh_center: Served) -> None:
    page.goto(fresh_center.address("inbox"))
    expect(page.locator(".unread")).to_have_count(3)
    page.get_by_role("button", name="Mark as read").first.click()
    expect(page.locator(".unread")).to_have_count(2)


def test_nothing_there_and_not_found_are_said(page: Page, center: Served, watched: Watched) -> None:
    page.goto(center.address("listings?text=nobody-offers-this"))
    expect(page.locator("main")).to_contain_text("Nothing fits")
    page.goto(f"{center.url}/#/deals/dea_nothing")
    expect(page.get_by_role("alert")).to_contain_text("There is no deal dea_nothing at this center")
    watched.complaints.clear()  # the browser itself reports the 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(browser: Browser, center: Served, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text; every visible text against the background behind it."""
    context: BrowserContext = browser.new_context(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    for view in VIEWS:
        visit(page, center, view)
        faint = page.evaluate(CONTRAST)
        assert faint == [], view
    context.close()


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (css) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return rgb(getComputedStyle(document.documentElement).backgroundColor);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || element.closest(".hidden, .skip, noscript, script, option")) continue;
    const [one, two] = [light(rgb(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (two + 0.05);
    if (ratio < 4.5) found.push(`${text.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(found)];
}"""
