"""The relay: from the journal to Kafka, in order per key, at least once.

Lanes are hash(key) mod 8; each is held by one relay through a session lock of PostgreSQL, so several relays share the
work. A lane's rows are sent in journal order and marked with the broker's acknowledgement. After a failure nothing
behind the first unacknowledged row of a key is marked, so the next round starts at the lowest unsent.
"""

import asyncio
from contextlib import suppress
from typing import Any, Final

import asyncpg
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from shared import metrics, telemetry
from shared.center import Center
from shared.db.database import Database, driver
from shared.events.logs import Logs
from shared.events.outbox import LANES
from shared.kafka import producer
from shared.topics.naming import read_topic

BATCH_MAX: Final = 500
POLL_S: Final = 0.1
BACKOFF_MAX_S: Final = 5.0
LANE_CLASS: Final = 7_201
MEMBER_CLASS: Final = 7_202
LANES_EVERY_S: Final = 1.0
STOP_TIMEOUT_S: Final = 10.0
RESEND_TIMEOUT_S: Final = 3600.0
REST_S: Final = 5.0
"""How long a topic that takes nothing is left alone; the other topics go on meanwhile."""
TOPIC_ERRORS: Final = (
    InvalidTopicError, MessageSizeTooLargeError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError,
)  # fmt: skip

log = telemetry.logger(__name__)

_UNSENT: Final = """
SELECT day, n, topic, key, headers, body FROM journal
WHERE "offset" IS NULL AND lane = ANY($1::smallint[]) AND topic <> ALL($3::text[]) ORDER BY n LIMIT $2
"""
_TOPICS: Final = """
WITH RECURSIVE said AS (
    SELECT min(topic) AS topic FROM sequence_counter
    UNION ALL SELECT (SELECT min(c.topic) FROM sequence_counter c WHERE c.topic > said.topic)
    FROM said WHERE said.topic IS NOT NULL
) SELECT topic FROM said WHERE topic IS NOT NULL
"""
"""Topics spoken on so far, by hops in the index: the table has a row for every key."""

_MARK: Final = """
UPDATE journal SET partition = a.partition, "offset" = a.o
FROM unnest($2::bigint[], $3::int[], $4::bigint[]) AS a (n, partition, o)
WHERE journal.day = $1 AND journal.n = a.n
"""
_RESEND: Final = 'UPDATE journal SET partition = NULL, "offset" = NULL WHERE topic = $1 AND "offset" IS NOT NULL'
_RESEND_STATE: Final = """
UPDATE journal SET partition = NULL, "offset" = NULL
WHERE (day, n) IN (SELECT DISTINCT ON (key) day, n FROM journal WHERE topic = $1 ORDER BY key, n DESC)
"""


class Relay:
    """The relay of one service. `wake()` after a commit; `run()` until cancelled, `run_once()` for tests."""

    def __init__(self, center: Center, database: Database, logs: Logs) -> None:
        self.center = center
        self.database = database
        self.logs = logs
        self.lanes: set[int] = set()
        self._noted: set[str] = set()
        self._resting: dict[str, float] = {}
        self._woken = asyncio.Event()
        self._producer: AIOKafkaProducer | None = None
        self._connection: asyncpg.Connection | None = None
        self._lanes_checked = 0.0
        self._ending = False
        self.sent = 0

    def wake(self) -> None:
        """There is something to send."""
        self._woken.set()

    def end(self) -> None:
        """Let `run` return when nothing is left to send."""
        self._ending = True
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled, or told to end. Nothing that can go wrong ends it."""
        delay = POLL_S
        while True:
            try:
                self._woken.clear()
                busy = await self.run_once()
                delay = POLL_S
                if not busy and self._ending:
                    return await self.close()
                if not busy:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(POLL_S):
                            await self._woken.wait()
            except asyncio.CancelledError:
                await self.close()
                raise
            except Exception as error:
                metrics.count("ctta.relay.failures")
                log.warning("relay.failed", service=self.center.service, error=repr(error)[:300], retry_s=delay)
                await self.close()
                await asyncio.sleep(delay)
                delay = min(delay * 2, BACKOFF_MAX_S)

    async def run_once(self) -> int:
        """Send one batch of the lanes held. Returns how many rows were acknowledged."""
        connection = await self._connected()
        await self._share_lanes(connection)
        if not self.lanes:
            return 0
        rows = await connection.fetch(_UNSENT, sorted(self.lanes), BATCH_MAX, self._at_rest())
        if not rows or await self._meets_new_log({row["topic"] for row in rows}):
            return 0
        for topic in {row["topic"] for row in rows} - self._noted:
            self._rest(topic, "there is no such topic")
        acknowledged, failure = await self._send(rows)
        await self._mark(connection, acknowledged)
        self.sent += len(acknowledged)
        if failure is not None:
            raise failure
        return len(acknowledged)

    async def _send(self, rows: list[Any]) -> tuple[list[tuple[Any, int, int]], Exception | None]:
        kafka = await self._started()
        flights = []
        failure: Exception | None = None
        for row in rows:  # awaited in order: gathering the sends themselves inverts keys
            if row["topic"] in self._resting:
                continue
            headers = orjson.loads(row["headers"])
            span = telemetry.sending(row["topic"], headers)
            try:
                future = await kafka.send(
                    row["topic"], row["body"], key=row["key"].encode(),
                    headers=[(name, value.encode()) for name, value in headers.items()],
                )  # fmt: skip
            except KafkaError as error:
                telemetry.sent(span, error)
                if isinstance(error, TOPIC_ERRORS):
                    self._rest(row["topic"], repr(error))
                    continue
                failure = error
                break
            flights.append((row, future, span))
        results = await asyncio.gather(*(future for _, future, _ in flights), return_exceptions=True)
        return self._acknowledged(flights, results, failure)

    def _acknowledged(
        self, flights: list[Any], results: list[Any], failure: Exception | None
    ) -> tuple[list[tuple[Any, int, int]], Exception | None]:
        done, broken = [], set()
        for (row, _, span), result in zip(flights, results, strict=True):
            telemetry.sent(span, result)
            slot = (row["topic"], row["key"])
            if isinstance(result, TOPIC_ERRORS):
                self._rest(row["topic"], repr(result))
                broken.add(slot)
            elif isinstance(result, BaseException):
                failure = result if isinstance(result, Exception) else RuntimeError(repr(result))
                broken.add(slot)
            elif slot not in broken:
                done.append((row, result.partition, result.offset))
        return done, failure

    def _rest(self, topic: str, why: str) -> None:
        """Leave a topic alone for a while that takes nothing, so that it does not hold up all others."""
        self._resting[topic] = asyncio.get_running_loop().time() + REST_S
        metrics.count("ctta.relay.resting")
        log.error("relay.resting", topic=topic, why=why[:200], retry_s=REST_S, do="ctta topics plan")

    def _at_rest(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        self._resting = {topic: until for topic, until in self._resting.items() if until > now}
        return sorted(self._resting)

    async def _mark(self, connection: asyncpg.Connection, acknowledged: list[tuple[Any, int, int]]) -> None:
        for day in sorted({row["day"] for row, _, _ in acknowledged}):
            of_day = [(row["n"], partition, offset) for row, partition, offset in acknowledged if row["day"] == day]
            await connection.execute(_MARK, day, *(list(column) for column in zip(*of_day, strict=True)))

    async def _meets_new_log(self, topics: set[str]) -> bool:
        """A topic's log is on record before the first event goes there: a broker that is replaced a moment later would
        take that event along unnoticed. True: something has to be sent again first."""
        return not topics <= self._noted and bool(await self.check_logs())

    async def check_logs(self) -> list[str]:
        """Resend what a topic should hold where its log is another than the one we wrote to. Returns those topics."""
        async with self.database.transaction() as session:
            connection = await driver(session)
            topics = [row["topic"] for row in await connection.fetch(_TOPICS)]
            known = dict(await connection.fetch("SELECT topic, log FROM relay_log"))
        ids = await self.logs.ids(topics)
        changed = [topic for topic, log_id in ids.items() if await self._note_log(topic, known.get(topic), log_id)]
        self._noted |= ids.keys()
        return changed

    async def _note_log(self, topic: str, known: str | None, log_id: str) -> bool:
        if known == log_id:
            return False
        async with self.database.transaction() as session:
            connection = await driver(session)
            locked = await connection.fetchrow("SELECT log FROM relay_log WHERE topic = $1 FOR UPDATE", topic)
            if (locked["log"] if locked else None) != known:
                return False
            await connection.execute(
                "INSERT INTO relay_log (topic, log) VALUES ($1, $2) ON CONFLICT (topic)"
                " DO UPDATE SET log = excluded.log, resent_at = now()",
                topic, log_id,
            )  # fmt: skip
            if known is None:
                return False
            name = read_topic(topic)
            state = name is not None and (name.suffix == "state" or name.service == "directory")
            await connection.execute(_RESEND_STATE if state else _RESEND, topic, timeout=RESEND_TIMEOUT_S)
        log.warning("relay.new_log", topic=topic, do="resending what the topic should hold")
        self.wake()
        return True

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self.lanes = set()
            self._connection = await self.database.connect()
            await self._connection.execute("SELECT pg_advisory_lock_shared($1, 0)", MEMBER_CLASS)
            self._lanes_checked = 0.0
        return self._connection

    async def _share_lanes(self, connection: asyncpg.Connection) -> None:
        """Hold a fair share: the lanes divided by the relays alive, which are counted by a lock that they share."""
        now = asyncio.get_running_loop().time()
        if self._lanes_checked and now - self._lanes_checked < LANES_EVERY_S:
            return
        self._lanes_checked = now
        members = await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND objid = 0 AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            MEMBER_CLASS,
        )  # fmt: skip
        share = -(-LANES // max(members, 1))
        for lane in range(LANES):
            if lane in self.lanes and len(self.lanes) > share:
                await connection.execute("SELECT pg_advisory_unlock($1, $2)", LANE_CLASS, lane)
                self.lanes.discard(lane)
            elif lane not in self.lanes and len(self.lanes) < share and await self._try_lane(connection, lane):
                self.lanes.add(lane)

    async def _try_lane(self, connection: asyncpg.Connection, lane: int) -> bool:
        return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", LANE_CLASS, lane))

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = producer(self.center.settings)
            await self._producer.start()
        return self._producer

    async def close(self) -> None:
        """Leave: stop the producer within its time, give the lanes back."""
        kafka, self._producer = self._producer, None
        connection, self._connection = self._connection, None
        self.lanes, self._noted = set(), set()  # after a failure the broker may be another: look before sending
        if kafka is not None:
            with suppress(Exception):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await kafka.stop()
        if connection is not None:
            with suppress(Exception):
                await connection.close(timeout=2)
