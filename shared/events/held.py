"""Held events: waiting for a predecessor, or parked for an operator. Order holds behind a key."""

from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import orjson

from shared.events.inbox import Slot, set_outcome
from shared.events.incoming import Incoming, Raw

FIRST_TRY: Final = timedelta(seconds=1)
TRY_MAX: Final = timedelta(seconds=30)
DUE_MAX: Final = 100


async def hold(
    connection: asyncpg.Connection,
    group: str,
    incoming: Incoming,
    *,
    state: str,
    rule: str,
    error: str,
    now: datetime,
    waits_for: str | None = None,
    deadline: datetime | None = None,
) -> None:
    """Put an event into the queue of its key; `state` is "waiting" or "parked"."""
    envelope, raw = incoming.envelope, incoming.raw
    await connection.execute(
        "INSERT INTO held_key (grp, topic, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", group, *incoming.slot
    )
    await connection.execute(
        "INSERT INTO held (grp, topic, key, state, partition, \"offset\", source, id, type, sequence, conversation,"
        " headers, body, waits_for, deadline, next_try, rule, error)"
        " VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18)",
        group, envelope.topic, envelope.key, state, envelope.partition, envelope.offset, envelope.source, envelope.id,
        envelope.type, envelope.sequence, envelope.conversation, orjson.dumps(raw.headers).decode(), raw.body,
        waits_for, deadline, now + FIRST_TRY if waits_for else now, rule, error[:2000],
    )  # fmt: skip
    await set_outcome(connection, group, envelope.source, envelope.id, state, rule)


def raw_of(row: asyncpg.Record) -> Raw:
    """The record as it came."""
    return Raw(
        row["topic"], row["partition"], row["offset"], row["key"].encode(), orjson.loads(row["headers"]), row["body"]
    )


async def wake(connection: asyncpg.Connection, subjects: list[str], now: datetime) -> bool:
    """Let those events be tried now that wait for one of `subjects`. Returns whether there are any."""
    if not subjects:
        return False
    status = await connection.execute(
        "UPDATE held SET next_try = $2 WHERE state = 'waiting' AND waits_for = ANY($1::text[])", subjects, now
    )
    return not status.endswith(" 0")


async def due(connection: asyncpg.Connection, group: str, now: datetime) -> list[Slot]:
    """Keys whose first event waits and may be tried now."""
    rows = await connection.fetch(
        "SELECT topic, key FROM (SELECT DISTINCT ON (topic, key) topic, key, state, next_try FROM held"
        " WHERE grp = $1 ORDER BY topic, key, sequence, n) first WHERE state = 'waiting' AND next_try <= $2 LIMIT $3",
        group, now, DUE_MAX,
    )  # fmt: skip
    return [(row["topic"], row["key"]) for row in rows]


async def lock_key(connection: asyncpg.Connection, group: str, slot: Slot) -> bool:
    """Lock a held key for replay; consumers of that key wait meanwhile. False: it is no longer held, or busy."""
    row = await connection.fetchrow(
        "SELECT 1 FROM held_key WHERE grp = $1 AND topic = $2 AND key = $3 FOR UPDATE SKIP LOCKED", group, *slot
    )
    return row is not None


async def first(connection: asyncpg.Connection, group: str, slot: Slot) -> Any:
    """The event that is next in the key's queue, or None."""
    return await connection.fetchrow(
        "SELECT * FROM held WHERE grp = $1 AND topic = $2 AND key = $3 ORDER BY sequence, n LIMIT 1", group, *slot
    )


async def release(connection: asyncpg.Connection, group: str, row: asyncpg.Record) -> None:
    """Take an event out of the queue; the key is free again when it was the last.

    The key is locked first: a consumer that is putting an event behind it holds it shared, and is seen afterwards.
    """
    await connection.execute(
        "SELECT 1 FROM held_key WHERE grp = $1 AND topic = $2 AND key = $3 FOR UPDATE", group, row["topic"], row["key"]
    )
    await connection.execute("DELETE FROM held WHERE n = $1", row["n"])
    await connection.execute(
        "DELETE FROM held_key k WHERE grp = $1 AND topic = $2 AND key = $3 AND NOT EXISTS"
        " (SELECT 1 FROM held h WHERE h.grp = k.grp AND h.topic = k.topic AND h.key = k.key)",
        group, row["topic"], row["key"],
    )  # fmt: skip


async def postpone(
    connection: asyncpg.Connection,
    row: asyncpg.Record,
    waits_for: str,
    now: datetime,
    *,
    rule: str,
    deadline: datetime | None,
) -> None:
    """It waits on; the next try comes later each time, unless what it waits for arrives. A parked one stays so."""
    delay = min(FIRST_TRY * 2 ** min(row["attempts"], 10), TRY_MAX)
    await connection.execute(
        "UPDATE held SET attempts = attempts + 1, waits_for = $2, next_try = $3, deadline = $4,"
        " rule = CASE state WHEN 'waiting' THEN $5 ELSE rule END WHERE n = $1",
        row["n"], waits_for, now + delay, deadline, rule,
    )  # fmt: skip


async def park(connection: asyncpg.Connection, group: str, row: asyncpg.Record, rule: str, error: str) -> None:
    """An event that waited, or was replayed, is parked for an operator."""
    await connection.execute(
        "UPDATE held SET state = 'parked', attempts = attempts + 1, rule = $2, error = $3 WHERE n = $1",
        row["n"], rule, error[:2000],
    )  # fmt: skip
    await set_outcome(connection, group, row["source"], row["id"], "parked", rule)
