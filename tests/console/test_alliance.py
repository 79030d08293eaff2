"""The page before the real thing: an embedded alliance on which the demo plays its story."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from ctta.alliance.state import AllianceState
from ctta.embedded.children import wait_until
from ctta.tokens import issue
from tests.console.browser import Watched
from tests.demo.playing import environment, play, state_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

READY_S = 180.0
END_S = 60.0


@pytest.fixture
def alliance(server_folder: Path) -> Iterator[Path]:
    """The home of a running embedded alliance."""
    server_folder.chmod(0o755)
    home = server_folder / "home"
    log = server_folder / "up.log"
    argv = [sys.executable, "-m", "ctta", "up", "--home", str(home)]
    with log.open("wb") as out, subprocess.Popen(argv, stdout=out, stderr=out, env=environment()) as up:
        ready = wait_until(lambda: b"Ready in" in log.read_bytes() or up.poll() is not None, READY_S)
        if not ready or up.poll() is not None:
            os.kill(up.pid, signal.SIGTERM)
            raise RuntimeError(log.read_text())
        yield home
        up.send_signal(signal.SIGTERM)
        up.wait(END_S)


def address(state: AllianceState, home: Path, center: str, view: str) -> str:
    token = issue(home / "trust", center, subject="page", roles=["officer", "auditor"])
    return f"{state.centers[center].url}/?lang=en#token={token}&to=/{view}"


def test_the_demo_s_story_is_told_live_and_every_view_shows_it(
    alliance: Path, context: BrowserContext, watched: Watched
) -> None:
    context.set_default_timeout(30_000)
    state, pages = state_of(alliance), {}
    for center in state.centers:
        pages[center] = context.browser.new_context().new_page() if context.browser else context.new_page()
        watched.watch(pages[center])
        pages[center].goto(address(state, alliance, center, "story"))
        expect(pages[center].locator(".signal")).to_have_text("live", timeout=30_000)

    told = play(alliance)
    assert told.code == 0, "\n".join(told.lines)

    home = next(one for one, page in pages.items() if page.locator(".step code", has_text="terms.proposed").count())
    page = pages[home]
    expect(page.locator(".step", has_text="The deal on").first).to_contain_text("transacted")
    see_the_deal(page)
    assert watched.complaints == []
    assert all(url.startswith("http://127.0.0.1:") for url in watched.requests)
    for one in pages.values():
        one.context.close()


def see_the_deal(page: Page) -> None:
    page.get_by_role("link", name="Deals", exact=True).click()
    page.locator(".deal").first.click()
    expect(page.locator(".lead .pill")).to_have_text("completed")
    expect(page.locator(".milestone")).to_have_count(2)
    expect(page.locator(".transfers li")).to_have_count(2)
    page.locator(".lead").get_by_role("link", name="Trace").click()
    expect(page.locator(".trace-sum")).to_contain_text("4 services")
    expect(page.locator(".ruler", has_text="approve the release")).to_have_count(2)
    page.get_by_role("link", name="Matches", exact=True).click()
    page.locator(".match").first.click()
    expect(page.locator(".sum strong")).to_have_text(re.compile(r"\d+%"))
    expect(page.locator(".two article")).to_have_count(2)
    page.get_by_role("link", name="Listings", exact=True).click()
    expect(page.locator(".listing")).to_have_count(30)
