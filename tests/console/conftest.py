"""A served page and a browser for the module's tests; without Chromium the browser's tests skip and say so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.console.browser import CHROMIUM, Served, Watched, chromium, served


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The fake center; tests that change it take `fresh_center`."""
    with served(tmp_path_factory.mktemp("home")) as one:
        yield one


@pytest.fixture
def fresh_center(tmp_path: Path) -> Iterator[Served]:
    """A fake center of one's own."""
    with served(tmp_path) as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with chromium() as one:
        yield one


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile: no token, no language chosen."""
    one = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB", timezone_id="Asia/Shanghai")
    one.set_default_timeout(10_000)
    yield one
    one.close()


@pytest.fixture
def watched() -> Watched:
    """What the page asked for and complained about."""
    return Watched()


@pytest.fixture
def page(context: BrowserContext, watched: Watched) -> Page:
    """A watched page."""
    one = context.new_page()
    watched.watch(one)
    return one
