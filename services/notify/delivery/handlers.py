"""Leasing due deliveries, recording what became of them, and sending again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import asyncpg
import orjson

from services.notify.delivery import domain
from services.notify.delivery.domain import Answer
from services.notify.notice.content import body_of
from services.notify.notice.handlers import tell_owner
from services.notify.subject.handlers import known
from shared import telemetry
from shared.db import Session, driver
from shared.events import emit
from shared.schemas.notify import NoticeDelivered, SubscriptionDisabled

_LEASE: Final = """
WITH picked AS (
    SELECT d.notice_id FROM subscription s
    CROSS JOIN LATERAL (
        SELECT d.notice_id FROM delivery d
        WHERE d.subscription_id = s.id AND d.state = 'pending' AND d.next_at <= $1
            AND NOT (s.in_order AND EXISTS (SELECT FROM delivery e WHERE e.subscription_id = s.id
                AND e.conversation = d.conversation AND e.state = 'pending' AND e.n < d.n))
        ORDER BY d.next_at, d.n
        LIMIT greatest(0, CASE WHEN s.failing_since IS NULL THEN $3::bigint ELSE 1 END
            - (SELECT count(*) FROM delivery b WHERE b.subscription_id = s.id
                AND b.state = 'pending' AND b.leased_until > $1))
        FOR UPDATE SKIP LOCKED
    ) d
    WHERE s.channel = 'webhook' AND s.disabled_at IS NULL AND (s.paused_until IS NULL OR s.paused_until <= $1)
    LIMIT $4
)
UPDATE delivery d SET next_at = $2, leased_until = $2, attempts = d.attempts + 1, tries = d.tries + 1
FROM picked, notice n, subscription s
WHERE d.notice_id = picked.notice_id AND n.id = d.notice_id AND s.id = d.subscription_id
RETURNING d.notice_id, d.subscription_id, d.attempts, d.tries, d.body, s.url, s.secret, n.traceparent, n.event_id,
    n.event_type, n.at, n.center, n.subject, n.conversation, n.ids, n.facts
"""
_FIX_BODIES: Final = """
UPDATE delivery d SET body = r.body FROM unnest($1::text[], $2::text[]) AS r (notice_id, body)
WHERE d.notice_id = r.notice_id
"""
_LOCK: Final = """
SELECT d.notice_id, d.state, d.attempts, n.event_type, n.conversation, n.traceparent
FROM delivery d JOIN notice n ON n.id = d.notice_id WHERE d.notice_id = ANY($1::text[]) ORDER BY d.n FOR UPDATE OF d
"""
_HEALTH: Final = """
SELECT id, failing_since, disabled_rule FROM subscription WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE
"""
_LOG: Final = """
INSERT INTO attempt (notice_id, number, started_at, duration_ms, status, error)
SELECT * FROM jsonb_to_recordset($1::jsonb)
    AS r (notice_id text, number int, started_at timestamptz, duration_ms int, status int, error text)
"""
_SETTLE: Final = """
UPDATE delivery d SET state = r.state, next_at = r.next_at, leased_until = NULL,
    delivered_at = CASE r.state WHEN 'delivered' THEN r.next_at END
FROM jsonb_to_recordset($1::jsonb) AS r (notice_id text, state text, next_at timestamptz)
WHERE d.notice_id = r.notice_id
"""
_STORE_HEALTH: Final = """
UPDATE subscription s SET failing_since = r.failing_since, paused_until = r.paused_until,
    disabled_rule = coalesce(s.disabled_rule, r.disabled_rule),
    disabled_at = CASE WHEN r.disabled_rule IS NULL THEN s.disabled_at ELSE coalesce(s.disabled_at, $2) END
FROM jsonb_to_recordset($1::jsonb)
    AS r (id text, failing_since timestamptz, paused_until timestamptz, disabled_rule text)
WHERE s.id = r.id
"""


class Leased(NamedTuple):
    """A delivery that this process alone may attempt until its lease ends."""

    notice_id: str
    subscription_id: str
    attempt: int
    tries: int
    body: str
    url: str
    secret: bytes
    traceparent: str | None
    conversation: str


class Attempted(NamedTuple):
    """What came of it. `chance` is the random number its next pause is drawn with."""

    leased: Leased
    started_at: datetime
    duration_ms: int
    answer: Answer
    chance: float


async def lease(session: Session, room: int) -> list[Leased]:
    """Take up to `room` due deliveries, a few of each endpoint; fixes the bodies of those that are sent first."""
    now: datetime = session.info["center"].now()
    connection = await driver(session)
    rows = await connection.fetch(_LEASE, now, now + domain.LEASE, domain.PER_ENDPOINT, room)
    bodies = await _bodies(session, connection, [row for row in rows if row["body"] is None])
    return [
        Leased(
            row["notice_id"],
            row["subscription_id"],
            row["attempts"],
            row["tries"],
            row["body"] or bodies[row["notice_id"]],
            row["url"],
            row["secret"],
            row["traceparent"],
            row["conversation"],
        )
        for row in rows
    ]


async def _bodies(session: Session, connection: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> dict[str, str]:
    if not rows:
        return {}
    names = await known(connection, {id for row in rows for id in row["ids"].values()})
    receiver = session.info["center"].id
    bodies = {row["notice_id"]: body_of(row, receiver, names) for row in rows}
    await connection.execute(_FIX_BODIES, list(bodies), list(bodies.values()))
    return bodies


async def record(session: Session, attempts: list[Attempted]) -> None:
    """Log attempts, decide what follows for each delivery and endpoint, and announce what arrived, once."""
    now: datetime = session.info["center"].now()
    connection = await driver(session)
    held = {row["notice_id"]: row for row in await connection.fetch(_LOCK, [one.leased.notice_id for one in attempts])}
    ours = [one for one in attempts if one.leased.notice_id in held]
    health = await _health(connection, {one.leased.subscription_id for one in ours})
    pending = {id for id, row in held.items() if row["state"] == "pending"}
    settled: list[dict[str, Any]] = []
    for one in ours:
        row, state = held[one.leased.notice_id], health[one.leased.subscription_id]
        verdict = domain.judge(one.answer, one.leased.tries, state["failing_since"], now, one.chance)
        failing_since = None if one.answer.is_good else state["failing_since"] or now
        state.update(failing_since=failing_since, paused_until=verdict.paused_until)
        if verdict.disabled_rule and state["disabled_rule"] is None:
            state["disabled_rule"] = verdict.disabled_rule
            await tell_owner(
                session, SubscriptionDisabled(subscription_id=one.leased.subscription_id, rule=verdict.disabled_rule)
            )
        if one.leased.notice_id in pending and (one.answer.is_good or row["attempts"] == one.leased.attempt):
            pending.discard(one.leased.notice_id)
            settled.append({"notice_id": one.leased.notice_id, "state": verdict.state, "next_at": verdict.next_at})
            if one.answer.is_good:
                _announce(session, one, row)
    await connection.execute(_LOG, orjson.dumps([_log_row(one) for one in ours]).decode())
    await connection.execute(_SETTLE, orjson.dumps(settled).decode())
    await connection.execute(_STORE_HEALTH, orjson.dumps(list(health.values())).decode(), now)


async def _health(connection: asyncpg.Connection, ids: set[str]) -> dict[str, dict[str, Any]]:
    rows = await connection.fetch(_HEALTH, sorted(ids))
    return {row["id"]: {**row, "paused_until": None} for row in rows}


def _announce(session: Session, one: Attempted, row: asyncpg.Record) -> None:
    delivered = NoticeDelivered(
        notice_id=one.leased.notice_id,
        subscription_id=one.leased.subscription_id,
        channel="webhook",
        about=row["conversation"],
        event_type=row["event_type"],
        attempts=one.leased.attempt,
    )
    with telemetry.continuing(row["traceparent"]):
        emit(session, delivered)


def _log_row(one: Attempted) -> dict[str, Any]:
    return {
        "notice_id": one.leased.notice_id,
        "number": one.leased.attempt,
        "started_at": one.started_at,
        "duration_ms": one.duration_ms,
        "status": one.answer.status,
        "error": one.answer.error,
    }
