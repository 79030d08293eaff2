"""One transaction's work for one noun: new events in order behind their keys, and held ones tried again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import asyncpg

from shared import metrics, telemetry
from shared.center import Center
from shared.db.database import Session, has_pending
from shared.errors import NotYet, Refused, RefusedAfterWriting
from shared.events import held, inbox, parking
from shared.events.inbox import Slot
from shared.events.incoming import Arrived, Incoming, Passed, Raw, read
from shared.events.noun import Noun, Reaction
from shared.events.received import Received
from shared.schemas.base import Scope

GAP_WAIT: Final = timedelta(seconds=30)
BEHIND: Final = "behind-its-key"
GAP: Final = "gap"
NOT_YET: Final = "not-yet"

log = telemetry.logger(__name__)


class WaitedTooLong(Exception):
    """What a held event waits for did not come by its deadline: it is for an operator now."""


@dataclass(slots=True)
class Turn:
    """One transaction's work for one noun."""

    center: Center
    noun: Noun
    session: Session
    connection: asyncpg.Connection
    done: dict[Slot, int] = field(default_factory=dict)
    subjects: list[str] = field(default_factory=list)
    held: set[Slot] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.session.info["outbox"].noun = self.noun.name

    @property
    def group(self) -> str:
        """The consumer group."""
        return self.noun.group(self.center.id)

    async def take(self, fresh: list[Arrived]) -> bool:
        """Apply new events in order. Returns whether some waiting event may go on now."""
        last, self.held = await inbox.look(self.connection, self.group, [i.slot for i in fresh])
        run: list[Incoming] = []
        for incoming in fresh:
            if isinstance(incoming, Passed):
                last[incoming.slot] = max(last.get(incoming.slot, 0), incoming.sequence)
                self._number(incoming.slot, incoming.sequence)
                continue
            if self._is_old_duplicate(incoming, last):
                continue
            if run and self._reaction(run[0]) is not self._reaction(incoming):
                await self._flush(run)
            reason = self._must_wait(incoming, last)
            if reason is not None:
                await self._flush(run)
                await self._hold(incoming, *reason)
                continue
            last[incoming.slot] = max(last.get(incoming.slot, 0), incoming.envelope.sequence)
            run.append(incoming)
            if not self._reaction(incoming).many:
                await self._flush(run)
        await self._flush(run)
        await inbox.advance(self.connection, self.group, self.done)
        return await held.wake(self.connection, self.subjects, self.center.now())

    async def again(self, row: asyncpg.Record) -> bool:
        """Try a held event once more. Returns whether it left its queue. Raises WaitedTooLong."""
        now = self.center.now()
        incoming = self._reread(held.raw_of(row))
        late = row["rule"] != BEHIND and row["deadline"] is not None and row["deadline"] <= now
        try:
            await self._check_gap(incoming, late)
            await self._call([incoming])
        except NotYet as wait:
            if late and row["state"] == "waiting":
                raise WaitedTooLong(str(wait)) from wait
            rule = GAP if wait.waits_for.startswith("gap:") else NOT_YET
            deadline = now + self._patience(rule) if row["rule"] == BEHIND else row["deadline"]
            await held.postpone(self.connection, row, wait.waits_for, now, rule=rule, deadline=deadline)
            return False
        except Refused as refusal:
            await self._refused(incoming, refusal)
        else:
            e = incoming.envelope
            await inbox.set_outcome(self.connection, self.group, e.source, e.id, "applied", None)
        self._mark(incoming)
        await held.release(self.connection, self.group, row)
        await inbox.advance(self.connection, self.group, self.done)
        await held.wake(self.connection, self.subjects, now)
        return True

    async def _check_gap(self, incoming: Incoming, late: bool) -> None:
        last, _ = await inbox.look(self.connection, self.group, [incoming.slot])
        missing = self._gap(incoming, last)
        if missing is None:
            return
        if not late or self.noun.halts:
            raise NotYet(missing)
        metrics.count("ctta.events.gaps", group=self.group)

    def _reread(self, raw: Raw) -> Incoming:
        incoming = read(self.center, raw)
        if incoming.event is None:
            raise ValueError(incoming.problem)
        return incoming

    def _reaction(self, incoming: Incoming) -> Reaction:
        return self.noun.reactions[incoming.envelope.type]

    def _must_wait(self, incoming: Incoming, last: dict[Slot, int]) -> tuple[str, str | None] | None:
        """(rule, what it waits for) where the event can't be handled now."""
        if incoming.slot in self.held:
            return BEHIND, None
        if incoming.event is None:
            return parking.UNDECODABLE, None
        missing = self._gap(incoming, last)
        return (GAP, missing) if missing is not None else None

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
        pruned = incoming.envelope.time < self.center.now() - timedelta(days=inbox.KEPT_DAYS)
        return pruned or self._is_state(incoming)

    async def _hold(self, incoming: Incoming, rule: str, waits_for: str | None) -> None:
        self.held.add(incoming.slot)
        if rule == parking.UNDECODABLE:
            await parking.park(self.session, self.connection, self.group, incoming, rule, incoming.problem)
            return
        now = self.center.now()
        metrics.count("ctta.events.waiting", group=self.group, rule=rule)
        await held.hold(
            self.connection, self.group, incoming, state="waiting", rule=rule, error=f"waits for {waits_for}",
            now=now, waits_for=waits_for, deadline=now + self._patience(rule),
        )  # fmt: skip

    def _patience(self, rule: str) -> timedelta:
        return GAP_WAIT if rule == GAP else timedelta(seconds=self.center.settings.waiting_s)

    async def _flush(self, run: list[Incoming]) -> None:
        """Hand a run of events to their handler. Of several, one that is refused or must wait fails them all."""
        if not run:
            return
        items, run[:] = list(run), []
        try:
            await self._call(items)
        except NotYet as wait:
            if len(items) > 1:
                raise
            await self._hold(items[0], NOT_YET, wait.waits_for)
            return
        except Refused as refusal:
            if len(items) > 1:
                raise
            await self._refused(items[0], refusal)
        for incoming in items:
            self._mark(incoming)

    def _mark(self, incoming: Incoming) -> None:
        self.subjects.append(incoming.envelope.subject)
        self._number(incoming.slot, incoming.envelope.sequence)

    def _number(self, slot: Slot, sequence: int) -> None:
        self.done[slot] = max(self.done.get(slot, 0), sequence)
        self.subjects.append(f"gap:{slot[0]}#{slot[1]}#{sequence}")

    async def _refused(self, incoming: Incoming, refusal: Refused) -> None:
        e = incoming.envelope
        log.info("event.refused", group=self.group, event_id=str(e.id), type=e.type, rule=refusal.rule)
        await inbox.set_outcome(self.connection, self.group, e.source, e.id, "refused", refusal.rule)

    async def _call(self, items: list[Incoming]) -> None:
        reaction, session = self._reaction(items[0]), self.session
        outbox, writes = session.info["outbox"], session.info["writes"]
        announced = len(outbox.pending)
        spans = telemetry.processing([i.envelope for i in items], self.group)
        clock = metrics.timed("messaging.process.duration", group=self.group, type=items[0].envelope.type)
        with clock, spans as contexts:
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
                if wrote or has_pending(session):
                    raise RefusedAfterWriting(f"{reaction.handler.__qualname__} wrote before {said!r}") from said
                raise
            finally:
                outbox.cause = None
