"""The inbox: what a consumer group has dealt with, in the same transaction as its effect."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from shared.events.incoming import Incoming

KEPT_DAYS: Final = 30
"""An event older than this, at or below the last sequence of its key, is a duplicate: its inbox row may be gone."""
PRUNED_DAYS: Final = KEPT_DAYS + 2
"""Inbox rows older than this are pruned: later than KEPT_DAYS, for a speaker's clock may be a day ahead of ours."""

Slot = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a group goes on reading: the next offset of a partition of a log (topic id)."""

    topic: str
    partition: int
    log: str
    next_offset: int


_TAKE: Final = """
INSERT INTO inbox (grp, source, id)
SELECT $1, * FROM unnest($2::text[], $3::uuid[])
ON CONFLICT DO NOTHING RETURNING source, id
"""
_KEYS: Final = """
SELECT k.topic, k.key, s.last, h.topic IS NOT NULL AS held
FROM (SELECT * FROM unnest($2::text[], $3::text[])) AS k (topic, key)
LEFT JOIN inbox_sequence s ON s.grp = $1 AND s.topic = k.topic AND s.key = k.key
LEFT JOIN held_key h ON h.grp = $1 AND h.topic = k.topic AND h.key = k.key
"""
_LOCK_HELD: Final = """
SELECT h.topic, h.key FROM held_key h
JOIN unnest($2::text[], $3::text[]) AS k (topic, key) ON h.topic = k.topic AND h.key = k.key
WHERE h.grp = $1 ORDER BY 1, 2 FOR SHARE OF h
"""
_ADVANCE: Final = """
INSERT INTO inbox_sequence AS s (grp, topic, key, last)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[])
ON CONFLICT (grp, topic, key) DO UPDATE SET last = greatest(s.last, excluded.last)
"""
_MOVE: Final = """
INSERT INTO position AS p (grp, topic, partition, log, next_offset)
SELECT $1, * FROM unnest($2::text[], $3::int[], $4::text[], $5::bigint[])
ON CONFLICT (grp, topic, partition) DO UPDATE SET log = excluded.log, at = now(),
    next_offset = CASE WHEN p.log = excluded.log THEN greatest(p.next_offset, excluded.next_offset)
                       ELSE excluded.next_offset END
"""


async def take(connection: asyncpg.Connection, group: str, batch: Iterable[Incoming]) -> list[Incoming]:
    """Those of the batch that are new to the group, in order; they are marked as taken by this transaction."""
    items = list({(i.envelope.source, i.envelope.id): i for i in batch}.values())
    rows = await connection.fetch(_TAKE, group, [i.envelope.source for i in items], [i.envelope.id for i in items])
    fresh = {(row["source"], row["id"]) for row in rows}
    return [i for i in items if (i.envelope.source, i.envelope.id) in fresh]


async def look(connection: asyncpg.Connection, group: str, slots: Iterable[Slot]) -> tuple[dict[Slot, int], set[Slot]]:
    """Last applied sequence of each slot, and the slots that are held (locked against a replay going on)."""
    wanted = sorted(set(slots))
    topics, keys = [topic for topic, _ in wanted], [key for _, key in wanted]
    rows = await connection.fetch(_KEYS, group, topics, keys)
    last = {(row["topic"], row["key"]): row["last"] for row in rows if row["last"] is not None}
    if not any(row["held"] for row in rows):
        return last, set()
    held = {(row["topic"], row["key"]) for row in await connection.fetch(_LOCK_HELD, group, topics, keys)}
    again = await connection.fetch(_KEYS, group, topics, keys)
    return {(row["topic"], row["key"]): row["last"] for row in again if row["last"] is not None}, held


async def advance(connection: asyncpg.Connection, group: str, done: Mapping[Slot, int]) -> None:
    """Store the last sequence dealt with, per slot."""
    if done:
        slots = sorted(done)
        columns = [topic for topic, _ in slots], [key for _, key in slots], [done[slot] for slot in slots]
        await connection.execute(_ADVANCE, group, *columns)


async def move(connection: asyncpg.Connection, group: str, positions: Iterable[Position]) -> None:
    """Store positions. Within one log they only go forward."""
    items = sorted(positions, key=lambda p: (p.topic, p.partition))
    if items:
        columns = (
            [p.topic for p in items],
            [p.partition for p in items],
            [p.log for p in items],
            [p.next_offset for p in items],
        )
        await connection.execute(_MOVE, group, *columns)


async def set_outcome(
    connection: asyncpg.Connection, group: str, source: str, id: UUID, outcome: str, rule: str | None
) -> None:
    """Say how an event ended: applied, refused, waiting, parked or dropped."""
    await connection.execute(
        "UPDATE inbox SET outcome = $4, rule = $5 WHERE grp = $1 AND source = $2 AND id = $3",
        group, source, id, outcome, rule,
    )  # fmt: skip


async def prune(connection: asyncpg.Connection, before: datetime, limit: int) -> int:
    """Delete inbox rows older than `before`, at most `limit`; held ones stay. Returns how many went."""
    status = await connection.execute(
        "DELETE FROM inbox WHERE ctid IN (SELECT ctid FROM inbox WHERE at < $1"
        " AND outcome NOT IN ('waiting', 'parked') LIMIT $2)",
        before, limit,
    )  # fmt: skip
    return int(status.rsplit(" ", 1)[-1])
