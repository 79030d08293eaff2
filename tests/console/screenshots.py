"""Pictures of the page: `python -m tests.console.screenshots` makes those of the documentation, in docs/images.

With a folder, `python -m tests.console.screenshots FOLDER`, every view in both languages, schemes and widths.
"""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, ViewportSize

from tests.console.browser import Served, chromium, served
from tests.console.market import Market

Scheme = Literal["light", "dark"]
IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
WIDE: Final[ViewportSize] = {"width": 1280, "height": 860}
NARROW: Final[ViewportSize] = {"width": 390, "height": 844}
LANGUAGES: Final = ("en", "zh")


def views(market: Market, lang: str) -> dict[str, str]:
    """What can be pictured, and where it is. The match is one of our demands, its terms in the language of the page."""
    deal = market.deals[0]
    match = next(one for one in market.matches if one.decided_here and one.terms[0].term.isascii() == (lang == "en"))
    found = {name: name for name in ("story", "listings", "matches", "deals", "inbox")}
    return found | {
        "match": f"matches/{match.match_id}",
        "deal": f"deals/{deal.id}",
        "trace": f"trace/deal/{deal.id}",
    }


def take(
    browser: Browser, center: Served, lang: str, names: Iterable[tuple[str, Path]], size: ViewportSize, scheme: Scheme
) -> None:
    """One picture of each view, as (view, file)."""
    context = browser.new_context(
        viewport=size, color_scheme=scheme, timezone_id="Asia/Shanghai", reduced_motion="reduce"
    )
    page = context.new_page()
    places = views(center.process.market, lang)
    for name, path in names:
        page.goto("about:blank")
        page.goto(center.address(places[name], lang=lang))
        page.wait_for_selector("main h1")
        page.screenshot(path=path, full_page=True)
    context.close()


def main(folder: Path | None) -> None:
    """Into `folder` everything; without one, the documentation's four."""
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as center, chromium() as browser:
        for lang in LANGUAGES:
            if folder is None:
                kept = [("match", IMAGES / f"page-{lang}.png"), ("trace", IMAGES / f"trace-{lang}.png")]
                take(browser, center, lang, kept, WIDE, "light")
                continue
            schemes: tuple[Scheme, Scheme] = ("light", "dark")
            for scheme in schemes:
                for size in (WIDE, NARROW):
                    names = [
                        (name, folder / f"{name}-{lang}-{scheme}-{size['width']}.png")
                        for name in views(center.process.market, lang)
                    ]
                    take(browser, center, lang, names, size, scheme)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
