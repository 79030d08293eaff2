"""Fixtures: a database of the notify service, a clock that tests turn, a receiver of webhooks."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from services.notify.app import service
from shared.db import Database
from shared.service import Worker
from tests.fixtures import OpenDatabase, open_database, trust

__all__ = ["open_database", "trust"]


@dataclass
class Clock:
    """The center's clock: stands still until a test turns it."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.at

    def turn(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def db(open_database: OpenDatabase, clock: Clock) -> Database:
    """East's database of the service; webhooks may go to this machine."""
    made = await open_database(service, "east")
    settings = made.center.settings.model_copy(update={"webhook_private": True})
    made.center = replace(made.center, settings=settings, now=clock.now)
    return made


@pytest.fixture
def worker(db: Database) -> Worker:
    return Worker(db.center, db)


@dataclass
class Receiver:
    """A real HTTP server on this machine. Answers what `answers` says, in turn, then 204; "hang" answers never."""

    port: int = 0
    answers: list[str] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:]) if name}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.got.append((headers, body))
            self.arrived.set()
            answer = self.answers.pop(0) if self.answers else "204 No Content"
            if answer == "hang":
                await reader.read()  # until the sender gives up
            else:
                writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
        finally:
            writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    server.close_clients() if hasattr(server, "close_clients") else None
