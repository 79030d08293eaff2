"""The end of the story: one look at the database for all streams of a process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from shared import telemetry
from shared.db import Database, driver

LOOK_S: Final = 0.3
"""How often it looks while somebody watches."""
_END: Final = "SELECT coalesce(max(n), 0) FROM step"

log = telemetry.logger(__name__)


class Tail:
    """`n` is the number of the newest step, as of the last look."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.n = 0
        self._grown = asyncio.Event()
        self._watchers = 0
        self._looking: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """While somebody is in here, it looks."""
        await self.look()
        self._watchers += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def look(self) -> None:
        """Look once."""
        async with self.database.transaction(read_only=True) as session:
            n: int = await (await driver(session)).fetchval(_END)
        if n > self.n:
            self.n = n
            self._grown.set()
            self._grown = asyncio.Event()

    async def grow(self, beyond: int, stopping: asyncio.Event, timeout_s: float) -> None:
        """Wait until there is a step after `beyond`, for `stopping`, or for `timeout_s` seconds."""
        if self.n > beyond:
            return
        waits = [asyncio.ensure_future(event.wait()) for event in (self._grown, stopping)]
        try:
            await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception as error:
                log.warning("story.look-failed", error=repr(error)[:300])
