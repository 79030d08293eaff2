"""A FastStream batch subscriber per noun. We own acknowledgement and retry: the position in the database is the truth.

Kafka's committed offset only shows lag. On assignment each partition is sought to its stored position, or to the
start where its log is another than the one we read (a broker replaced by an empty one, a topic made anew).
"""

import asyncio
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any, Final

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared import metrics, telemetry
from shared.db.database import driver
from shared.events.logs import Logs
from shared.events.runner import ANY_TOPIC, Halted, Runner
from shared.kafka import as_it_came, records_of
from shared.transient import is_transient

BATCH_MAX: Final = 500
POLL_MS: Final = 500
PAUSE_MS: Final = 1
RETRY_S: Final = 0.2
RETRY_MAX_S: Final = 5.0
KEY_POLL_S: Final = 0.5
"""How often a record is tried again whose key is not listed yet."""
COMMIT_EVERY_S: Final = 1.0
STUCK_S: Final = 15.0

log = telemetry.logger(__name__)


class Subscriber(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped here
    """One noun's subscription: batches to its runner, positions, pauses, halts."""

    def __init__(self, runner: Runner, logs: Logs, broker: KafkaBroker) -> None:
        self.runner = runner
        self.logs = logs
        self.log_ids: dict[str, str] = {}
        self.assigned: set[TopicPartition] = set()
        self.positioned: set[TopicPartition] = set()
        self.halted: set[str] = set()
        self._busy = asyncio.Lock()
        self._delay = RETRY_S
        self._committed = 0.0
        self._idle_since = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.joined = False
        self.subscription = broker.subscriber(
            pattern=runner.noun.pattern(runner.center.id).replace("{", "{{").replace("}", "}}"),
            group_id=runner.group,
            batch=True,
            batch_timeout_ms=PAUSE_MS,
            max_records=BATCH_MAX,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            listener=self,
            parser=as_it_came,
            decoder=records_of,
            fetch_max_wait_ms=500,
            session_timeout_ms=runner.center.settings.kafka_session_timeout_ms,
            heartbeat_interval_ms=runner.center.settings.kafka_session_timeout_ms // 4,
        )
        self.subscription(self._door())

    def _door(self) -> Any:
        async def door(records: Any) -> None:
            await self._batch(records)

        return door

    @property
    def consumer(self) -> Any:
        """aiokafka's consumer while the subscription runs."""
        return self.subscription.consumer

    @property
    def ready(self) -> bool:
        """The group was joined and the position of each assigned partition is known."""
        return self.joined and self.positioned >= self.assigned

    @property
    def alive(self) -> bool:
        """The poll loop runs."""
        tasks = self.subscription.tasks
        return self._stopping or (bool(tasks) and not any(task.done() for task in tasks))

    async def _batch(self, records: tuple["ConsumerRecord[Any, Any]", ...]) -> None:
        async with self._busy:
            records = tuple(
                r
                for r in records
                if TopicPartition(r.topic, r.partition) in self.positioned and not self._is_halted(r.topic)
            )
            if not records or self._stopping:
                return
            try:
                awaited = await self.runner.run_batch(records, self.log_ids)
            except Halted:
                await self._back_to_position({r.topic for r in records})
            except Exception as error:
                if not is_transient(error):
                    log.error("subscriber.failed", group=self.runner.group, error=repr(error)[:500])
                self._step_back(records, error)
            else:
                self._delay = RETRY_S
                first = {TopicPartition(*place): offset for place, offset in awaited.items()}
                self._go_back(first, KEY_POLL_S)
                self._commit_soon(r for r in records if r.offset < awaited.get((r.topic, r.partition), r.offset + 1))

    def _step_back(self, records: Iterable["ConsumerRecord[Any, Any]"], error: Exception) -> None:
        """Transient: the whole batch again, later."""
        first: dict[TopicPartition, int] = {}
        for record in records:
            first.setdefault(TopicPartition(record.topic, record.partition), record.offset)
        metrics.count("ctta.batches.retried", group=self.runner.group)
        log.warning("batch.retry", group=self.runner.group, error=repr(error)[:200], retry_s=round(self._delay, 1))
        self._go_back(first, self._delay)
        self._delay = min(self._delay * 2, RETRY_MAX_S)

    def _go_back(self, first: dict[TopicPartition, int], delay: float) -> None:
        """Pause these partitions and read them again from there after `delay` seconds; the poll loop stays alive."""
        if not first:
            return
        with suppress(KafkaError, AssertionError):  # no longer assigned: the next assignment seeks by the database
            self.consumer.pause(*first)
            for partition, offset in first.items():
                self.consumer.seek(partition, offset)
        self._later(self._resume(set(first), delay))

    async def _resume(self, partitions: set[TopicPartition], delay: float) -> None:
        await asyncio.sleep(delay)
        if self.consumer is not None:
            for partition in partitions & self.assigned & self.positioned:
                if not self._is_halted(partition.topic):
                    with suppress(KafkaError, AssertionError):
                        self.consumer.resume(partition)

    def _is_halted(self, topic: str) -> bool:
        return topic in self.halted or ANY_TOPIC in self.halted

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let the batch in hand end before the partitions go to another member."""
        async with self._busy:
            self._leave()

    def _leave(self) -> None:
        self.joined = False
        self._idle_since = time.monotonic()
        self.assigned.clear()
        self.positioned.clear()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Seek each partition to where the database says."""
        self.assigned, self.positioned, self.joined = set(assigned), set(), True
        if assigned:
            await self._position(set(assigned))

    async def _position(self, partitions: set[TopicPartition], delay: float = RETRY_S) -> None:
        try:
            await self._seek(partitions)
        except Exception as error:
            log.warning("position.unknown", group=self.runner.group, error=repr(error)[:200], retry_s=delay)
            with suppress(KafkaError, AssertionError):
                self.consumer.pause(*partitions & self.assigned)
            self._later(self._position_again(partitions, delay))

    async def _position_again(self, partitions: set[TopicPartition], delay: float) -> None:
        await asyncio.sleep(delay)
        still = partitions & self.assigned
        if still:
            await self._position(still, min(delay * 2, RETRY_MAX_S))

    async def _seek(self, partitions: set[TopicPartition]) -> None:
        halted = await self._halts()
        if halted != self.halted:
            partitions = partitions | self.assigned
        ids = await self.logs.ids({p.topic for p in partitions})
        if absent := {p.topic for p in partitions} - ids.keys():  # without its log id a position means nothing
            raise LookupError(f"no topic id of {', '.join(sorted(absent))}")
        async with self.runner.database.transaction(read_only=True) as session:
            rows = await (await driver(session)).fetch(
                "SELECT topic, partition, log, next_offset FROM position WHERE grp = $1", self.runner.group
            )
        self.halted = halted
        stored = {TopicPartition(row["topic"], row["partition"]): row for row in rows}
        self.log_ids.update(ids)
        for partition in partitions & self.assigned:
            row = stored.get(partition)
            known = row is not None and row["log"] == ids.get(partition.topic)
            self.consumer.seek(partition, row["next_offset"] if known and row is not None else 0)
            if self._is_halted(partition.topic):
                self.consumer.pause(partition)
            else:
                self.consumer.resume(partition)
            self.positioned.add(partition)

    async def _back_to_position(self, topics: set[str]) -> None:
        partitions = {p for p in self.assigned if p.topic in topics}
        self.positioned -= partitions
        await self._position(partitions)

    async def check(self, ids: dict[str, str]) -> None:
        """Called every now and then with today's topic ids: notice new logs, halts, and a lost assignment."""
        changed = {
            p.topic for p in self.assigned if p.topic in ids and ids[p.topic] != self.log_ids.get(p.topic, ids[p.topic])
        }
        stuck = not self.joined and time.monotonic() - self._idle_since > STUCK_S
        if changed or stuck:
            log.warning("subscriber.restart", group=self.runner.group, new_logs=sorted(changed), stuck=stuck)
            await self.restart()
        else:
            await self._follow_halts()

    async def _follow_halts(self) -> None:
        """A topic may have been halted by a held event or at another replica, and resumed by an operator."""
        if await self._halts() != self.halted:
            async with self._busy:
                await self._back_to_position({p.topic for p in self.assigned})

    async def _halts(self) -> set[str]:
        async with self.runner.database.transaction(read_only=True) as session:
            rows = await (await driver(session)).fetch("SELECT topic FROM halted WHERE grp = $1", self.runner.group)
        return {row["topic"] for row in rows}

    async def lag(self) -> int:
        """Records that are in the assigned partitions and not read yet."""
        lag = 0
        for partition in self.positioned & self.assigned:
            end = self.consumer.highwater(partition)
            lag += max(end - await self.consumer.position(partition), 0) if end is not None else 0
        return lag

    async def start(self) -> None:
        """Join the group and read."""
        self._stopping = False
        self._idle_since = time.monotonic()
        await self.subscription.start()
        self._wait_for_records()

    def _wait_for_records(self) -> None:
        """FastStream sleeps its batch time-out again after each empty poll, deaf to new records. So that time-out is
        next to nothing, and the waiting is done inside the poll, which ends with the first record."""
        consumer = self.consumer
        poll = consumer.getmany

        async def patient(*partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Any:
            return await poll(*partitions, timeout_ms=max(timeout_ms, POLL_MS), max_records=max_records)

        consumer.getmany = patient

    async def restart(self) -> None:
        """Leave the group and join again; positions are read anew."""
        async with self._busy:
            self._leave()
        with suppress(Exception):
            await self.subscription.stop()
        await self.start()

    async def stop(self) -> None:
        """Finish the batch in hand, its position stored with it, then leave the group."""
        self._stopping = True
        async with self._busy:
            self.positioned.clear()
        for task in list(self._tasks):
            task.cancel()
        with suppress(Exception):
            await self.subscription.stop()

    def _commit_soon(self, records: Iterable["ConsumerRecord[Any, Any]"]) -> None:
        now = time.monotonic()
        if now - self._committed < COMMIT_EVERY_S:
            return
        self._committed = now
        offsets = {TopicPartition(r.topic, r.partition): OffsetAndMetadata(r.offset + 1, "") for r in records}
        self._later(self._commit(offsets))

    async def _commit(self, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        with suppress(KafkaError, AssertionError, AttributeError, ValueError):
            await self.consumer.commit({p: o for p, o in offsets.items() if p in self.assigned})

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
