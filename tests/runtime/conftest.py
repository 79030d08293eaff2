"""A tiny service for tests of the runtime: notes that other centers send, and a table that they end in."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Field, SQLModel

from shared.db import Database, Session
from shared.errors import NotYet, Refused
from shared.schemas import listing
from shared.schemas.base import Envelope
from shared.service import Service
from tests.fixtures import OpenDatabase


class NotWelcome(Refused):
    rule = "not-welcome"
    en = "{id} is not welcome."
    zh = "不接受 {id}。"


class Applied(SQLModel, table=True):
    """The probe's table as a row class."""

    n: int | None = Field(default=None, primary_key=True)
    id: str
    reason: str


class Probe:
    """A service whose handler does what the event's `reason` says; what it applied is in table `applied`."""

    def __init__(self, *, halts: bool = False) -> None:
        self.broken: set[str] = set()
        self.service = Service("matching", package="tests.runtime")
        self.service.react(listing.ListingWithdrawn, self.on_withdrawn, noun="probe", halts=halts)

    async def on_withdrawn(self, session: Session, event: listing.ListingWithdrawn, cause: Envelope) -> None:
        connection = session
        if event.reason.startswith("needs "):
            missing = event.reason.removeprefix("needs ")
            found = await connection.execute(text("SELECT 1 FROM applied WHERE id = :id"), {"id": missing})
            if found.first() is None:
                raise NotYet(missing)
        if event.reason == "refuse":
            raise NotWelcome(id=event.listing_id)
        if event.reason == "write-then-refuse":
            await self._store(session, event, cause)
            raise NotWelcome(id=event.listing_id)
        if event.reason in self.broken:
            raise ValueError(f"poison: {event.reason}")
        await self._store(session, event, cause)

    async def _store(self, session: Session, event: listing.ListingWithdrawn, cause: Envelope) -> None:
        session.info["writes"] += 1
        await session.execute(
            text("INSERT INTO applied (id, reason, sequence) VALUES (:id, :reason, :sequence)"),
            {"id": event.listing_id, "reason": event.reason, "sequence": cause.sequence},
        )


OpenProbe = Callable[..., Awaitable[Database]]


@pytest.fixture
def open_probe(open_database: OpenDatabase) -> OpenProbe:
    """A database with the table `applied` that the probe writes."""

    async def open_(probe: Probe, center: str = "east") -> Database:
        db = await open_database(probe.service, center)
        async with db.transaction() as session:
            await session.execute(text("CREATE TABLE applied (n serial, id text, reason text, sequence bigint)"))
        return db

    return open_


async def applied(db: Database) -> list[tuple[Any, ...]]:
    """(id, reason) of what was applied, in order."""
    async with db.transaction() as session:
        rows = await session.execute(text("SELECT id, reason FROM applied ORDER BY n"))
        return [tuple(row) for row in rows]
