"""Applies batches: verified records in, committed effects out. Knows no Kafka; the subscriber feeds it.

One transaction per batch: inbox rows for the new ones, handlers in key order, sequences, positions. A batch that
fails is applied event by event. What went wrong has four names (architecture, section 4.6): Refused and NotYet are
recorded in the same transaction, transient errors pass to the caller, anything else is a bug: a few tries, then the
event is parked behind its key, or its topic halts where money is concerned.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import asyncpg
from aiokafka import ConsumerRecord

from shared import telemetry
from shared.center import Center
from shared.db.database import Database, Session, driver, has_written
from shared.errors import NotYet, Refused, RefusedAfterWriting
from shared.events import held, inbox
from shared.events.inbox import Position, Slot
from shared.events.incoming import Incoming, Passed, Raw, passed, read, read_raw
from shared.events.noun import Noun, Reaction
from shared.events.outbox import emit
from shared.events.received import Received
from shared.schemas.base import Scope
from shared.schemas.runtime import EventParked
from shared.transient import is_transient
from shared.trust import UnknownKey, Untrusted

BUG_TRIES: Final = 3
BUG_PAUSE_S: Final = 0.1
PARKED_IN_ROW_MAX: Final = 20
GAP_WAIT: Final = timedelta(seconds=30)
ANY_TOPIC: Final = "*"

Arrived = Incoming | Passed

log = telemetry.logger(__name__)


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
    learn_key: Callable[[str], Any] | None = None
    """Called with a key id nobody listed yet; may wait for the directory to catch up."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    parked_in_row: int = 0

    @property
    def group(self) -> str:
        """The consumer group."""
        return self.noun.group(self.center.id)

    async def run_batch(self, records: Sequence["ConsumerRecord[Any, Any]"], logs: dict[str, str]) -> None:
        """Apply polled records and store the position after them; `logs` gives each topic's log id.

        Raises what is transient, with nothing applied but what is already committed; Halted.
        """
        positions = {
            (r.topic, r.partition): Position(r.topic, r.partition, logs.get(r.topic, ""), r.offset + 1) for r in records
        }
        batch = [incoming for record in records if (incoming := await self._door(record)) is not None]
        await self.apply(batch, list(positions.values()))

    async def apply(self, batch: list[Arrived], positions: list[Position]) -> None:
        """Apply verified events, all in one transaction if that goes well, else one by one."""
        try:
            await self._apply(batch, positions)
        except Exception as error:
            if is_transient(error) or isinstance(error, Halted):
                raise
            log.warning("batch.failed", group=self.group, size=len(batch), error=repr(error)[:300])
            await self._one_by_one(batch, positions)

    async def _door(self, record: "ConsumerRecord[Any, Any]") -> Arrived | None:
        try:
            raw = read_raw(record)
            if raw.headers.get("ce_type") not in self.noun.reactions:
                return passed(raw)
            try:
                return read(self.center, raw)
            except UnknownKey as error:
                if self.learn_key is None:
                    raise
                await self.learn_key(str(error.facts["kid"]))
                return read(self.center, raw)
        except Untrusted as refusal:
            telemetry.count("ctta.records.refused", group=self.group, rule=refusal.rule)
            log.warning(
                "record.refused", group=self.group, topic=record.topic, rule=refusal.rule, why=str(refusal)[:300]
            )
            return None

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
        envelope, rule = incoming.envelope, f"bug.{type(error).__name__}"
        log.error(
            "event.parked",
            error=repr(error)[:300],
            group=self.group,
            event_id=str(envelope.id),
            type=envelope.type,
            rule=rule,
        )
        if self.noun.halts:
            await self._halt(envelope.topic, incoming, rule, repr(error))
        self.parked_in_row += 1
        if self.parked_in_row >= PARKED_IN_ROW_MAX:
            await self._halt(ANY_TOPIC, incoming, "too-many-parked", f"{self.parked_in_row} in a row, last: {error!r}")
        async with self.database.transaction() as session:
            connection = await driver(session)
            if await inbox.take(connection, self.group, [incoming]):
                await self._park(session, connection, incoming, rule, repr(error))
            await inbox.move(connection, self.group, positions)

    async def _halt(self, topic: str, incoming: Incoming, rule: str, error: str) -> None:
        async with self.database.transaction() as session:
            await (await driver(session)).execute(
                "INSERT INTO halted (grp, topic, id, rule, error) VALUES ($1, $2, $3, $4, $5)"
                " ON CONFLICT (grp, topic)"
                " DO UPDATE SET id = excluded.id, rule = excluded.rule, error = excluded.error",
                self.group, topic, incoming.envelope.id, rule, error[:2000],
            )  # fmt: skip
            emit(session, self._announcement(incoming, rule, halted=True))
        telemetry.count("ctta.events.halted", group=self.group, rule=rule)
        log.error("topic.halted", group=self.group, topic=topic, rule=rule, do="ctta dlq list; then replay or drop")
        raise Halted(topic, rule)

    async def _park(
        self, session: Session, connection: asyncpg.Connection, incoming: Incoming, rule: str, error: str
    ) -> None:
        await held.hold(connection, self.group, incoming, state="parked", rule=rule, error=error, now=self.center.now())
        telemetry.count("ctta.events.parked", group=self.group, rule=rule)
        if not session.info["outbox"].closed:
            emit(session, self._announcement(incoming, rule), cause=incoming.envelope)

    def _announcement(self, incoming: Incoming, rule: str, *, halted: bool = False) -> EventParked:
        envelope = incoming.envelope
        return EventParked(
            event_id=str(envelope.id), group=self.group, source=envelope.source, event_type=envelope.type,
            topic=envelope.topic, key=envelope.key, rule=rule, halted=halted,
        )  # fmt: skip

    async def _apply(self, batch: list[Arrived], positions: list[Position]) -> None:
        woken = False
        async with self.database.transaction(read_only=self.noun.projects) as session:
            connection = await driver(session)
            events = [arrived for arrived in batch if isinstance(arrived, Incoming)]
            fresh = {id(i) for i in await inbox.take(connection, self.group, events)} if events else set()
            new = [arrived for arrived in batch if isinstance(arrived, Passed) or id(arrived) in fresh]
            if new:
                woken = await Turn(self, session, connection).take(new)
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
        try:
            async with self.database.transaction(read_only=self.noun.projects) as session:
                connection = await driver(session)
                if not await held.lock_key(connection, self.group, slot):
                    return False
                row = await held.first(connection, self.group, slot)
                if row is None or (row["state"] == "parked" and not replay):
                    return False
                turn = Turn(self, session, connection)
                if not await turn.again(row):
                    return False
            self.woken.set()
            return True
        except Exception as error:
            if is_transient(error):
                raise
            await self._park_held(slot, f"bug.{type(error).__name__}", repr(error))
            return False

    async def _park_held(self, slot: Slot, rule: str, error: str) -> None:
        async with self.database.transaction() as session:
            connection = await driver(session)
            row = await held.first(connection, self.group, slot)
            if row is not None:
                await self.stop_or_park(connection, row, rule, error)

    async def stop_or_park(self, connection: asyncpg.Connection, row: asyncpg.Record, rule: str, error: str) -> None:
        """Park a held event; where money is concerned its whole topic halts as well."""
        await held.park(connection, self.group, row, rule, error)
        if self.noun.halts:
            await connection.execute(
                "INSERT INTO halted (grp, topic, id, rule, error) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                self.group, row["topic"], row["id"], rule, error[:2000],
            )  # fmt: skip
        telemetry.count("ctta.events.parked", group=self.group, rule=rule)
        log.error("event.parked", group=self.group, key=row["key"], rule=rule, why=error[:300])


@dataclass(slots=True)
class Turn:
    """One transaction's work for one noun."""

    runner: Runner
    session: Session
    connection: asyncpg.Connection
    done: dict[Slot, int] = field(default_factory=dict)
    subjects: list[str] = field(default_factory=list)

    async def take(self, fresh: list[Arrived]) -> bool:
        """Apply new events in order. Returns whether some waiting event may go on now."""
        last, held_slots = await inbox.look(self.connection, self.runner.group, [i.slot for i in fresh])
        run: list[Incoming] = []
        for incoming in fresh:
            if isinstance(incoming, Passed):
                last[incoming.slot] = max(last.get(incoming.slot, 0), incoming.sequence)
                self._number(incoming.slot, incoming.sequence)
                continue
            reason = self._must_wait(incoming, last, held_slots)
            if reason is not None:
                await self._flush(run)
                await self._hold(incoming, reason)
                held_slots.add(incoming.slot)
                continue
            if self._is_old_duplicate(incoming, last):
                continue
            last[incoming.slot] = max(last.get(incoming.slot, 0), incoming.envelope.sequence)
            if run and self._reaction(run[0]) is not self._reaction(incoming):
                await self._flush(run)
            run.append(incoming)
            if not self._reaction(incoming).many and not await self._flush(run):
                held_slots.add(incoming.slot)
        await self._flush(run)
        await inbox.advance(self.connection, self.runner.group, self.done)
        return await held.wake(self.connection, self.subjects, self.runner.center.now())

    async def again(self, row: asyncpg.Record) -> bool:
        """Try a held event once more. Returns whether it left its queue."""
        runner, now = self.runner, self.runner.center.now()
        incoming = self._reread(held.raw_of(row))
        late = row["deadline"] is not None and row["deadline"] <= now
        try:
            await self._check_gap(incoming, late)
            await self._call([incoming])
        except NotYet as wait:
            if late and row["state"] == "waiting":
                await runner.stop_or_park(self.connection, row, "waited-too-long", str(wait))
            else:
                await held.postpone(self.connection, row, wait.waits_for, now)
            return False
        except Refused as refusal:
            await self._refused(incoming, refusal)
        else:
            e = incoming.envelope
            await inbox.set_outcome(self.connection, runner.group, e.source, e.id, "applied", None)
        self._mark(incoming)
        await held.release(self.connection, runner.group, row)
        await inbox.advance(self.connection, runner.group, self.done)
        await held.wake(self.connection, self.subjects, runner.center.now())
        return True

    async def _check_gap(self, incoming: Incoming, late: bool) -> None:
        last, _ = await inbox.look(self.connection, self.runner.group, [incoming.slot])
        missing = self._gap(incoming, last)
        if missing is None:
            return
        if not late or self.runner.noun.halts:
            raise NotYet(missing)
        telemetry.count("ctta.events.gaps", group=self.runner.group)

    def _reread(self, raw: Raw) -> Incoming:
        incoming = read(self.runner.center, raw)
        if incoming.event is None:
            raise ValueError(incoming.problem)
        return incoming

    def _reaction(self, incoming: Incoming) -> Reaction:
        return self.runner.noun.reactions[incoming.envelope.type]

    def _must_wait(
        self, incoming: Incoming, last: dict[Slot, int], held_slots: set[Slot]
    ) -> tuple[str, str, str | None] | None:
        """(state, rule, what it waits for) where the event can't be handled now."""
        if incoming.slot in held_slots:
            return "waiting", "behind-its-key", None
        if incoming.event is None:
            return "parked", "undecodable", None
        missing = self._gap(incoming, last)
        return ("waiting", "gap", missing) if missing is not None else None

    def _gap(self, incoming: Incoming, last: dict[Slot, int]) -> str | None:
        """Name of the predecessor that is missing, of an event whose sequence jumps. Snapshots may skip."""
        before, envelope = last.get(incoming.slot), incoming.envelope
        if before is None or envelope.sequence <= before + 1 or self._is_state(incoming):
            return None
        return f"gap:{envelope.topic}#{envelope.key}#{envelope.sequence - 1}"

    def _is_state(self, incoming: Incoming) -> bool:
        return self._reaction(incoming).event_type.scope is Scope.STATE

    def _is_old_duplicate(self, incoming: Incoming, last: dict[Slot, int]) -> bool:
        """Applied before its inbox row was pruned; of a state, an older snapshot than the one we have."""
        if incoming.envelope.sequence > last.get(incoming.slot, 0):
            return False
        pruned = incoming.envelope.time < self.runner.center.now() - timedelta(days=inbox.KEPT_DAYS)
        return pruned or self._is_state(incoming)

    async def _hold(self, incoming: Incoming, reason: tuple[str, str, str | None]) -> None:
        state, rule, waits_for = reason
        if state == "parked":
            await self.runner._park(self.session, self.connection, incoming, rule, incoming.problem)
            return
        await self._wait(incoming, rule, waits_for)

    async def _wait(self, incoming: Incoming, rule: str, waits_for: str | None) -> None:
        now = self.runner.center.now()
        patience = GAP_WAIT if rule == "gap" else timedelta(seconds=self.runner.center.settings.waiting_s)
        telemetry.count("ctta.events.waiting", group=self.runner.group, rule=rule)
        await held.hold(
            self.connection, self.runner.group, incoming, state="waiting", rule=rule, error=f"waits for {waits_for}",
            now=now, waits_for=waits_for, deadline=now + patience,
        )  # fmt: skip

    async def _flush(self, run: list[Incoming]) -> bool:
        """Hand a run of events to their handler. False: the (single) event had to be held."""
        if not run:
            return True
        items, run[:] = list(run), []
        try:
            await self._call(items)
        except NotYet as wait:
            if len(items) > 1:
                raise
            await self._wait(items[0], "not-yet", wait.waits_for)
            return False
        except Refused as refusal:
            if len(items) > 1:
                raise
            await self._refused(items[0], refusal)
        for incoming in items:
            self._mark(incoming)
        return True

    def _mark(self, incoming: Incoming) -> None:
        self.subjects.append(incoming.envelope.subject)
        self._number(incoming.slot, incoming.envelope.sequence)

    def _number(self, slot: Slot, sequence: int) -> None:
        self.done[slot] = max(self.done.get(slot, 0), sequence)
        self.subjects.append(f"gap:{slot[0]}#{slot[1]}#{sequence}")

    async def _refused(self, incoming: Incoming, refusal: Refused) -> None:
        e = incoming.envelope
        log.info("event.refused", group=self.runner.group, event_id=str(e.id), type=e.type, rule=refusal.rule)
        await inbox.set_outcome(self.connection, self.runner.group, e.source, e.id, "refused", refusal.rule)

    async def _call(self, items: list[Incoming]) -> None:
        reaction, session = self._reaction(items[0]), self.session
        outbox, writes = session.info["outbox"], session.info["writes"]
        announced = len(outbox.pending)
        with telemetry.processing([i.envelope for i in items], self.runner.group) as contexts:
            outbox.contexts.update(contexts)
            try:
                if reaction.many:
                    received: Iterable[Any] = [Received(i.event, i.envelope) for i in items if i.event is not None]
                    await reaction.handler(session, list(received))
                else:
                    outbox.cause = items[0].envelope
                    await reaction.handler(session, items[0].event, items[0].envelope)
                if session.new or session.dirty or session.deleted:
                    await session.flush()
            except (Refused, NotYet) as said:
                wrote = session.info["writes"] != writes or len(outbox.pending) != announced
                if wrote or (has_written(session) and not writes and not announced):
                    raise RefusedAfterWriting(f"{reaction.handler.__qualname__} wrote before {said!r}") from said
                raise
            finally:
                outbox.cause = None
