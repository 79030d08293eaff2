"""Pictures of the page for the documentation: `python -m tests.console.screenshots [folder]`, default docs/images."""

import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from tests.console.browser import chromium, served

FOLDER: Final = Path(__file__).parents[2] / "docs" / "images"
SIZE: Final = {"width": 1280, "height": 860}
KEPT: Final = {"page": "match", "trace": "trace"}


def views(process: object) -> dict[str, str]:
    """What is pictured, and where it is."""
    market = process.market  # type: ignore[attr-defined]
    deal, match = market.deals[0], market.matches[0]
    match = next(one for one in market.matches if one.offer_id == deal.listing_id)
    return {
        "story": "story",
        "listings": "listings",
        "matches": "matches",
        "match": f"matches/{match.match_id}",
        "deals": "deals",
        "deal": f"deals/{deal.id}",
        "trace": f"trace/deal/{deal.id}",
        "inbox": "inbox",
    }


def settle(page: Page) -> None:
    """Wait until the view is there."""
    page.wait_for_selector("main h1")
    page.wait_for_function("document.fonts.ready")


def main(folder: Path, *, everything: bool) -> None:
    """Take them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as center, chromium() as browser:
        schemes = ("light", "dark") if everything else ("light",)
        for lang in ("en", "zh"):
            for scheme in schemes:
                for size in (SIZE, {"width": 390, "height": 844}) if everything else (SIZE,):
                    context = browser.new_context(
                        viewport=size, color_scheme=scheme, timezone_id="Asia/Shanghai", reduced_motion="reduce"
                    )
                    page = context.new_page()
                    for name, where in views(center.process).items():
                        page.goto("about:blank")
                        page.goto(center.address(where, lang=lang))
                        settle(page)
                        suffix = "" if size is SIZE else "-phone"
                        page.screenshot(path=folder / f"{name}-{lang}-{scheme}{suffix}.png", full_page=True)
                    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, everything=True)
