"""Replaying and dropping, each with who did it and why, in the database that holds the event."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from ctta.held.records import record_of
from shared.center import Center
from shared.db.database import Database, driver
from shared.events import held, inbox
from shared.events.inbox import Slot
from shared.events.runner import Runner
from shared.service import Service
from shared.settings import Settings
from shared.trust import load_keyring

Action = Literal["replayed", "dropped", "resumed"]

_IDS: Final = "SELECT source, id FROM held WHERE grp = $1 AND topic = $2 AND key = $3"
_LOG: Final = "INSERT INTO held_log (grp, source, id, action, who, why) VALUES ($1, $2, $3, $4, $5, $6)"
_HALTED: Final = "SELECT topic, id FROM halted WHERE grp = $1 AND ($2::uuid IS NULL OR id = $2) FOR UPDATE"
_RESUME: Final = "DELETE FROM halted WHERE grp = $1 AND topic = $2"
_DROPPED: Final = """
INSERT INTO inbox (grp, source, id, outcome, rule) VALUES ($1, $2, $3, 'dropped', 'dropped')
ON CONFLICT (grp, source, id) DO UPDATE SET outcome = 'dropped', rule = 'dropped'
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done. `left`: events that are still held in the same queue."""

    group: str
    action: Action
    event_ids: list[str]
    left: int = 0


@asynccontextmanager
async def bench(settings: Settings, service: Service, *, who: str, why: str) -> AsyncIterator["Bench"]:
    """A bench at the database that the settings name."""
    keyring = load_keyring(settings.trust, settings.center, service.name)
    center = Center(settings.center, service.name, settings, keyring)
    database = Database(settings.database_url(service.name), center, pool_size=2)
    try:
        yield Bench(database, service, who=who, why=why)
    finally:
        await database.close()


class Bench:
    """Where an operator works on one service of one center. `who` and `why` are written down with each action."""

    def __init__(self, database: Database, service: Service, *, who: str, why: str) -> None:
        self.database, self.service, self.who, self.why = database, service, who, why
        self.center = database.center

    async def replay(self, event_id: UUID | None) -> list[Done]:
        """Apply the queues that hold the event, in order (all queues without an id); resume topics that it halted."""
        done = []
        for noun in self.service.nouns.values():
            runner = Runner(self.center, self.database, noun)
            for slot in await self._slots(runner.group, event_id):
                done.append(await self._replay_slot(runner, slot))
            done += await self._resume(runner.group, event_id)
        return [one for one in done if one.event_ids]

    async def drop(self, event_id: UUID) -> list[Done]:
        """Give the event up for every group that holds it; what waits behind it goes on."""
        done = []
        for noun in self.service.nouns.values():
            group = noun.group(self.center.id)
            async with self.database.transaction() as session:
                connection = await driver(session)
                dropped = await self._drop_held(connection, group, event_id)
                dropped = await self._drop_halting(connection, group, event_id, dropped)
            if dropped:
                done.append(Done(group, "dropped", [str(event_id)]))
        return done

    async def _slots(self, group: str, event_id: UUID | None) -> list[Slot]:
        async with self.database.transaction() as session:
            rows = await (await driver(session)).fetch(
                "SELECT DISTINCT topic, key FROM held WHERE grp = $1 AND ($2::uuid IS NULL OR id = $2)", group, event_id
            )
        return [(row["topic"], row["key"]) for row in rows]

    async def _replay_slot(self, runner: Runner, slot: Slot) -> Done:
        before = await self._ids(runner.group, slot)
        await runner.drain(slot, replay=True)
        after = await self._ids(runner.group, slot)
        gone = sorted(before - after)
        await self._write_down(runner.group, gone, "replayed")
        return Done(runner.group, "replayed", [id for _, id in gone], len(after))

    async def _ids(self, group: str, slot: Slot) -> set[tuple[str, str]]:
        async with self.database.transaction() as session:
            rows = await (await driver(session)).fetch(_IDS, group, *slot)
        return {(row["source"], str(row["id"])) for row in rows}

    async def _write_down(self, group: str, events: Iterable[tuple[str, str]], action: Action) -> None:
        async with self.database.transaction() as session:
            connection = await driver(session)
            for source, event_id in events:
                await connection.execute(_LOG, group, source, UUID(event_id), action, self.who, self.why)

    async def _resume(self, group: str, event_id: UUID | None) -> list[Done]:
        """Let halted topics go on, except where the halting event is still held."""
        async with self.database.transaction() as session:
            connection = await driver(session)
            resumed = []
            for row in await connection.fetch(_HALTED, group, event_id):
                if await connection.fetchval("SELECT 1 FROM held WHERE grp = $1 AND id = $2", group, row["id"]):
                    continue
                await connection.execute(_RESUME, group, row["topic"])
                await connection.execute(_LOG, group, row["topic"], row["id"], "resumed", self.who, self.why)
                resumed.append(Done(group, "resumed", [str(row["id"])]))
        return resumed

    async def _drop_held(self, connection: asyncpg.Connection, group: str, event_id: UUID) -> bool:
        rows = await connection.fetch("SELECT * FROM held WHERE grp = $1 AND id = $2 FOR UPDATE", group, event_id)
        for row in rows:
            await held.release(connection, group, row)
            await self._note_dropped(connection, group, row["source"], event_id)
            await inbox.advance(connection, group, {(row["topic"], row["key"]): row["sequence"]})
        return bool(rows)

    async def _drop_halting(self, connection: asyncpg.Connection, group: str, event_id: UUID, was_held: bool) -> bool:
        rows: list[Any] = await connection.fetch(_HALTED, group, event_id)
        for row in rows:
            if not was_held:
                record = await record_of(self.center.settings, connection, group, event_id)
                await self._note_dropped(connection, group, record.source, event_id)
                await inbox.advance(connection, group, {(record.topic, record.key): record.sequence})
            await connection.execute(_RESUME, group, row["topic"])
        return was_held or bool(rows)

    async def _note_dropped(self, connection: asyncpg.Connection, group: str, source: str, event_id: UUID) -> None:
        await connection.execute(_DROPPED, group, source, event_id)
        await connection.execute(_LOG, group, source, event_id, "dropped", self.who, self.why)
