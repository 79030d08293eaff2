"""Matches in the database, set-wise: what a newer snapshot closes, what is decided or told."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

import asyncpg
import orjson

from services.matching.match.tables import MatchStatus
from shared.schemas.matching import MatchFound


async def close_outdated(
    connection: asyncpg.Connection, listing_ids: Collection[str], now: datetime
) -> list[tuple[str, str, str]]:
    """A match speaks of two snapshots: a newer one of either closes it, unless it is decided anew.

    Returns demand, offer and deciding center of what was closed.
    """
    rows = await connection.fetch(_CLOSE, list(listing_ids), now)
    return [(row["demand_id"], row["offer_id"], row["demand_center"]) for row in rows]


_CLOSE: Final = """
WITH outdated AS (
    SELECT m.match_id, c.status FROM candidate c JOIN match m ON m.demand_id = c.listing_id
    WHERE c.listing_id = ANY($1::text[]) AND (m.demand_version < c.version OR c.status <> 'published')
    UNION ALL
    SELECT m.match_id, c.status FROM candidate c JOIN match m ON m.offer_id = c.listing_id
    WHERE c.listing_id = ANY($1::text[]) AND (m.offer_version < c.version OR c.status <> 'published')
)
UPDATE match m SET status = 'closed', changed_at = $2,
    closed_because = CASE WHEN o.status = 'published' THEN 'changed' ELSE o.status END
FROM outdated o WHERE m.match_id = o.match_id AND m.status = 'open'
RETURNING m.demand_id, m.offer_id, m.demand_center
"""


async def why_outdated(connection: asyncpg.Connection, match: MatchFound) -> str | None:
    """Why a match that is told now holds no longer, by what is known here of its listings; None if it holds.

    Locks what is known of them until the transaction ends, so that a newer snapshot finds the match.
    """
    versions = {match.demand_id: match.demand_version, match.offer_id: match.offer_version}
    rows = await connection.fetch(_KNOWN, sorted(versions))
    for row in rows:
        if row["version"] > versions[row["listing_id"]]:
            return "changed" if row["status"] == "published" else str(row["status"])
        if row["version"] == versions[row["listing_id"]] and row["status"] != "published":
            return str(row["status"])
    return None


_KNOWN: Final = """
SELECT listing_id, version, status FROM candidate WHERE listing_id = ANY($1::text[]) ORDER BY listing_id FOR SHARE
"""


async def write(
    connection: asyncpg.Connection,
    matches: Iterable[MatchFound],
    *,
    rules: str,
    closed_because: str | None,
    now: datetime,
) -> None:
    """Write matches, or bring them up to date; what is known of newer snapshots stays."""
    rows = [_row(match, rules, closed_because, now) for match in matches]
    if rows:
        await connection.executemany(_WRITE, rows)


def _row(match: MatchFound, rules: str, closed_because: str | None, now: datetime) -> tuple[Any, ...]:
    status = MatchStatus.CLOSED if closed_because else MatchStatus.OPEN
    terms = [term.model_dump() for term in match.terms]
    documents = (orjson.dumps(value).decode() for value in (match.components, terms, match.shared, match.filters))
    return (
        match.match_id, match.demand_id, match.offer_id, match.demand_version, match.offer_version, match.demand_center,
        match.offer_center, match.offer_kind, match.score, *documents, rules, status, closed_because, now,
    )  # fmt: skip


_WRITE: Final = """
INSERT INTO match AS m (match_id, demand_id, offer_id, demand_version, offer_version, demand_center, offer_center,
                        offer_kind, score, components, terms, shared, filters, rules, status, closed_because,
                        found_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,
        $10::text::jsonb, $11::text::jsonb, $12::text::jsonb, $13::text::jsonb, $14, $15, $16, $17, $17)
ON CONFLICT (match_id) DO UPDATE SET
    demand_version = excluded.demand_version, offer_version = excluded.offer_version, score = excluded.score,
    components = excluded.components, terms = excluded.terms, shared = excluded.shared, filters = excluded.filters,
    rules = excluded.rules, status = excluded.status, closed_because = excluded.closed_because,
    changed_at = excluded.changed_at
WHERE m.demand_version <= excluded.demand_version AND m.offer_version <= excluded.offer_version
"""
