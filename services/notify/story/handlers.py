"""Writing and reading the story."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson
from pydantic import BaseModel

from services.notify.story import domain
from services.notify.subject.handlers import known
from shared.db import Session, driver
from shared.events import Received
from shared.schemas.base import Event, Text

STEPS_MAX: Final = 500
"""Longest answer, in steps."""

_TURN: Final = "SELECT pg_advisory_xact_lock(hashtext('notify.step'))"
_TELL: Final = """
INSERT INTO step (event_id, source, at, center, service, event_type, subject, conversation, is_open, concerns, ids,
    facts, trace_id)
SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (event_id uuid, source text, at timestamptz, center text, service text,
    event_type text, subject text, conversation text, is_open boolean, concerns text[], ids jsonb, facts jsonb,
    trace_id text)
ON CONFLICT (source, event_id) DO NOTHING
"""
_VISIBLE: Final = """
($1 OR s.is_open OR $2::text = ANY(s.concerns)
    OR EXISTS (SELECT FROM subject u WHERE u.id = ANY(s.concerns) AND $2::text = ANY(u.organisations)))
"""
_AFTER: Final = f"""
SELECT * FROM step s WHERE n > $3 AND ($4::text IS NULL OR conversation = $4) AND {_VISIBLE} ORDER BY n LIMIT $5
"""
_NEWEST: Final = f"""
SELECT * FROM (SELECT * FROM step s WHERE ($3::text IS NULL OR conversation = $3) AND {_VISIBLE}
    ORDER BY n DESC LIMIT $4) AS newest ORDER BY n
"""
_LINKS: Final = """
SELECT coalesce(i.links, '{}') || d.links || jsonb_build_object('home', d.center)
FROM subject d LEFT JOIN subject i ON i.id = d.links->>'interest_id'
WHERE d.id = $1 AND d.kind = 'deal' AND ($2 OR $3 = ANY(d.organisations))
"""
_DEAL: Final = """
SELECT * FROM step WHERE (conversation = $1 AND center = ANY($6::text[])) OR subject = ANY($2::text[])
    OR (event_type LIKE 'ctta.matching.match.%' AND conversation = $3 AND ids->>'offer_id' = $4)
ORDER BY at, n LIMIT $5
"""


class Reader(NamedTuple):
    """Who reads: the center's staff all that reached it, others what is open or concerns their organisation."""

    is_staff: bool
    organisation_id: str | None


class StepView(BaseModel):
    """One step of the story. `cursor` goes into `after`; `trace_id` leads to its trace."""

    cursor: str
    event_id: UUID
    at: datetime
    center: str
    service: str
    event_type: str
    subject: str
    conversation: str
    ids: dict[str, str]
    sentence: Text
    trace_id: str


async def tell(session: Session, received: list[Received[Event]]) -> None:
    """Project a batch into the story. Writers take turns until they commit, so `n` grows in commit order.

    Raises SpeaksForAnother.
    """
    for item in received:
        domain.check_speaker(item.event, item.cause)
    rows = [_row(item) for item in received if domain.belongs(item.event)]
    if not rows:
        return
    connection = await driver(session)
    await connection.execute(_TURN)
    await connection.execute(_TELL, orjson.dumps(rows).decode())


def _row(item: Received[Event]) -> dict[str, Any]:
    event, cause = item.event, item.cause
    return {
        "event_id": cause.id,
        "source": cause.source,
        "at": cause.time,
        "center": cause.center,
        "service": cause.service,
        "event_type": cause.type,
        "subject": event.subject,
        "conversation": event.conversation,
        "is_open": domain.is_open(event),
        "concerns": domain.concerned(event),
        "ids": domain.ids(event),
        "facts": domain.facts(event),
        "trace_id": domain.trace_id(cause),
    }


async def after(
    connection: asyncpg.Connection, reader: Reader, n: int, conversation: str | None, limit: int
) -> list[StepView]:
    """Up to `limit` steps that became known after step `n`."""
    return await _views(connection, await connection.fetch(_AFTER, *reader, n, conversation, limit))


async def newest(
    connection: asyncpg.Connection, reader: Reader, conversation: str | None, limit: int
) -> list[StepView]:
    """The newest `limit` steps, oldest first."""
    return await _views(connection, await connection.fetch(_NEWEST, *reader, conversation, limit))


async def of_deal(connection: asyncpg.Connection, reader: Reader, deal_id: str) -> list[StepView] | None:
    """The whole story of a deal by the time things happened: both listings, match, interest, deal, money, notices.

    None: no such deal here, or not theirs to know. At most STEPS_MAX steps.
    """
    found = await connection.fetchval(_LINKS, deal_id, *reader)
    if found is None:
        return None
    links = found
    subjects = [links[name] for name in ("listing_id", "demand_id", "interest_id", "match_id") if links.get(name)]
    pair, parties = (links["demand_id"], links["listing_id"]), [links["home"], links["seller_center"]]
    rows = await connection.fetch(_DEAL, deal_id, subjects, *pair, STEPS_MAX, parties)
    return await _views(connection, rows)


async def _views(connection: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> list[StepView]:
    ids = [row["ids"] for row in rows]
    names = await known(connection, {id for of_row in ids for id in of_row.values()})
    return [
        StepView(
            cursor=str(row["n"]),
            sentence=domain.say(row["event_type"], row["facts"], row["center"], names),
            ids=of_row,
            **{name: row[name] for name in ("event_id", "at", "center", "service", "event_type")},
            **{name: row[name] for name in ("subject", "conversation", "trace_id")},
        )
        for row, of_row in zip(rows, ids, strict=True)
    ]
