"""Applies batches: verified records in, committed effects out. Knows no Kafka; the subscriber feeds it.

One transaction per batch: inbox rows for the new ones, handlers in key order, sequences, positions. A batch that
fails is applied event by event. What went wrong has four names (docs/architecture.md): Refused and NotYet are
recorded in the same transaction, transient errors pass to the caller, anything else is a bug: a few tries, then the
event is parked behind its key, or its topic halts where money is concerned. What one transaction does is in turn.py.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

from aiokafka import ConsumerRecord

from shared import metrics, telemetry
from shared.center import Center
from shared.db.database import Database, driver
from shared.events import held, inbox, parking
from shared.events.inbox import Position, Slot
from shared.events.incoming import Arrived, Incoming, Passed, passed, read, read_raw
from shared.events.noun import Noun
from shared.events.turn import Turn, WaitedTooLong
from shared.transient import is_transient
from shared.trust import UnknownKey, Untrusted

BUG_TRIES: Final = 3
BUG_PAUSE_S: Final = 0.1
PARKED_IN_ROW_MAX: Final = 20
UNLISTED_MAX: Final = 1000
ANY_TOPIC: Final = "*"

log = telemetry.logger(__name__)


class Awaited(Enum):
    """A record that can't be judged yet."""

    KEY = "key"


AWAITED: Final = Awaited.KEY


class Halted(Exception):
    """Reading of `topic` stops until an operator resumes it. `position` of the others has moved on."""

    def __init__(self, topic: str, rule: str) -> None:
        self.topic, self.rule = topic, rule
        super().__init__(f"{topic} halted: {rule}")


@dataclass(slots=True)
class Runner:
    """The runner of one noun at one center."""

    center: Center
    database: Database
    noun: Noun
    key_patience_s: float = 0.0
    """How long a partition waits at a record whose key the directory does not list yet; then it is refused."""
    unlisted: dict[str, float] = field(default_factory=dict)
    """When each such key was first met."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    parked_in_row: int = 0

    @property
    def group(self) -> str:
        """The consumer group."""
        return self.noun.group(self.center.id)

    async def run_batch(
        self, records: Sequence["ConsumerRecord[Any, Any]"], logs: dict[str, str]
    ) -> dict[tuple[str, int], int]:
        """Apply polled records and store the position after them; `logs` gives each topic's log id.

        Returns, by topic and partition, the offset of a record whose key the directory does not list yet: from there
        on nothing was applied, and it is to be read again soon. Raises what is transient, with nothing applied but
        what is already committed; Halted.
        """
        batch: list[Arrived] = []
        positions: dict[tuple[str, int], Position] = {}
        awaited: dict[tuple[str, int], int] = {}
        for record in records:
            place = (record.topic, record.partition)
            if place in awaited:
                continue
            arrived = self._door(record)
            if arrived is AWAITED:
                awaited[place] = record.offset
                continue
            positions[place] = Position(*place, logs.get(record.topic, ""), record.offset + 1)
            if arrived is not None:
                batch.append(arrived)
        await self.apply(batch, list(positions.values()))
        return awaited

    async def apply(self, batch: list[Arrived], positions: list[Position]) -> None:
        """Apply verified events, all in one transaction if that goes well, else one by one."""
        try:
            await self._apply(batch, positions)
        except Exception as error:
            if is_transient(error) or isinstance(error, Halted):
                raise
            log.warning("batch.failed", group=self.group, size=len(batch), error=repr(error)[:300])
            await self._one_by_one(batch, positions)
        else:
            if batch:
                self.parked_in_row = 0

    def _door(self, record: "ConsumerRecord[Any, Any]") -> Arrived | Literal[Awaited.KEY] | None:
        try:
            raw = read_raw(record)
            if raw.headers.get("ce_type") not in self.noun.reactions:
                return passed(raw)
            return read(self.center, raw)
        except Untrusted as refusal:
            if isinstance(refusal, UnknownKey) and self._may_come(str(refusal.facts["kid"])):
                return AWAITED
            rule, why = refusal.rule, str(refusal)[:300]
            metrics.count("ctta.records.refused", group=self.group, rule=rule)
            log.warning("record.refused", group=self.group, topic=record.topic, rule=rule, why=why)
            return None

    def _may_come(self, kid: str) -> bool:
        """Whether to wait for the directory to list the key: for a while after it was first met."""
        now = time.monotonic()
        if kid not in self.unlisted and len(self.unlisted) >= UNLISTED_MAX:
            return False
        return now - self.unlisted.setdefault(kid, now) < self.key_patience_s

    async def _one_by_one(self, batch: list[Arrived], positions: list[Position]) -> None:
        last = {(i.topic, i.partition): i for i in batch}
        for incoming in batch:
            place = (incoming.topic, incoming.partition)
            moved = [p for p in positions if (p.topic, p.partition) == place]
            step = [Position(p.topic, p.partition, p.log, incoming.offset + 1) for p in moved]
            await self._alone(incoming, moved if last[place] is incoming else step)
        idle = [p for p in positions if (p.topic, p.partition) not in last]
        await self._apply([], idle)

    async def _alone(self, incoming: Arrived, positions: list[Position]) -> None:
        for attempt in range(1, BUG_TRIES + 1):
            try:
                await self._apply([incoming], positions)
            except Exception as error:
                if is_transient(error) or isinstance(error, Halted) or isinstance(incoming, Passed):
                    raise
                if attempt == BUG_TRIES:
                    await self._give_up(incoming, positions, error)
                else:
                    await asyncio.sleep(BUG_PAUSE_S * 2**attempt)
            else:
                self.parked_in_row = 0
                return

    async def _give_up(self, incoming: Incoming, positions: list[Position], error: Exception) -> None:
        rule = f"bug.{type(error).__name__}"
        if self.noun.halts:
            await self._halt(incoming.topic, incoming, rule, repr(error))
        self.parked_in_row += 1
        if self.parked_in_row >= PARKED_IN_ROW_MAX:
            count, self.parked_in_row = self.parked_in_row, 0
            await self._halt(ANY_TOPIC, incoming, "too-many-parked", f"{count} in a row, last: {error!r}")
        async with self.database.transaction() as session:
            connection = await driver(session)
            if await inbox.take(connection, self.group, [incoming]):
                await parking.park(session, connection, self.group, incoming, rule, repr(error))
            await inbox.move(connection, self.group, positions)

    async def _halt(self, topic: str, incoming: Incoming, rule: str, error: str) -> None:
        async with self.database.transaction() as session:
            await parking.halt(await driver(session), self.group, topic, incoming.envelope.id, rule, error)
            parking.announce(session, self.group, parking.named(incoming), rule, halted=True)
        raise Halted(topic, rule)

    async def _apply(self, batch: list[Arrived], positions: list[Position]) -> None:
        woken = False
        async with self.database.transaction(read_only=self.noun.projects) as session:
            connection = await driver(session)
            events = [arrived for arrived in batch if isinstance(arrived, Incoming)]
            fresh = {id(i) for i in await inbox.take(connection, self.group, events)} if events else set()
            new = [arrived for arrived in batch if isinstance(arrived, Passed) or id(arrived) in fresh]
            if new:
                woken = await Turn(self.center, self.noun, session, connection).take(new)
            await inbox.move(connection, self.group, positions)
        if woken:
            self.woken.set()

    async def retry_waiting(self) -> int:
        """Try the waiting events that are due; past their deadline they park. Returns how many left their queue."""
        async with self.database.transaction(read_only=True) as session:
            slots = await held.due(await driver(session), self.group, self.center.now())
        return sum([await self.drain(slot) for slot in slots])

    async def drain(self, slot: Slot, *, replay: bool = False) -> int:
        """Apply the held events of one key in order, until one must stay. `replay` tries parked ones too."""
        done = 0
        while await self._drain_one(slot, replay=replay):
            done += 1
        return done

    async def _drain_one(self, slot: Slot, *, replay: bool) -> bool:
        row = None
        try:
            async with self.database.transaction(read_only=self.noun.projects) as session:
                connection = await driver(session)
                if not await held.lock_key(connection, self.group, slot):
                    return False
                row = await held.first(connection, self.group, slot)
                if row is None or (row["state"] == "parked" and not replay):
                    return False
                if not await Turn(self.center, self.noun, session, connection).again(row):
                    return False
        except Exception as error:
            if is_transient(error) or row is None:
                raise
            rule = "waited-too-long" if isinstance(error, WaitedTooLong) else f"bug.{type(error).__name__}"
            await self._park_held(slot, row["n"], rule, error)
            return False
        self.woken.set()
        return True

    async def _park_held(self, slot: Slot, n: int, rule: str, error: Exception) -> None:
        """Park the held event that failed, if it is still first; where money is concerned its topic halts as well."""
        async with self.database.transaction() as session:
            connection = await driver(session)
            if not await held.lock_key(connection, self.group, slot):
                return
            row = await held.first(connection, self.group, slot)
            if row is None or row["n"] != n:
                return
            await held.park(connection, self.group, row, rule, repr(error))
            if self.noun.halts:
                await parking.halt(connection, self.group, row["topic"], row["id"], rule, repr(error))
            if row["state"] == "waiting":
                parking.announce(session, self.group, row, rule, halted=self.noun.halts)
        metrics.count("ctta.events.parked", group=self.group, rule=rule)
        log.error("event.parked", group=self.group, key=slot[1], rule=rule, why=repr(error)[:300])
