"""The page served on a free port, and Chromium to look at it."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from ctta.embedded.children import LOOPBACK, free_port, wait_until
from tests.console.fake import FakeProcess

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--font-render-hinting=none")
READY_S: Final = 10.0


@dataclass
class Served:
    """A process behind a URL."""

    process: FakeProcess
    url: str

    def address(self, view: str, *, lang: str = "en", roles: tuple[str, ...] = ()) -> str:
        """The page with a token, at `#/view`."""
        return f"{self.url}/?lang={lang}#token={self.process.token(*roles)}&to=/{view}"


@contextmanager
def served(home: Path) -> Iterator[Served]:
    """The fake center behind HTTP, in a thread."""
    port, process = free_port(), FakeProcess(home)
    server = uvicorn.Server(
        uvicorn.Config(
            process, host=LOOPBACK, port=port, log_level="error", lifespan="off", timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    if not wait_until(lambda: server.started, READY_S):
        raise RuntimeError("the page's server did not start")
    yield Served(process, f"http://{LOOPBACK}:{port}")
    process.stopping = server.should_exit = True
    thread.join(5)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Watched:
    """What a page asked for and complained about."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """From now on."""
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)
