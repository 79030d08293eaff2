"""The inbox: notices by reader, unread first."""

from datetime import datetime
from typing import Final

import asyncpg
from pydantic import BaseModel

from services.notify.notice.content import event_name
from services.notify.story import domain as story
from services.notify.subject.handlers import known
from shared.db import Session, driver
from shared.errors import NotFound
from shared.http import Person
from shared.schemas.base import Text

_READ: Final = """
SELECT theirs.* FROM unnest($1::text[]) AS reader, LATERAL (
    SELECT * FROM notice WHERE owner = reader AND channel = 'inbox'
        AND (read_at IS NOT NULL, -n) > ($2::boolean, -$3::bigint)
    ORDER BY (read_at IS NOT NULL), -n LIMIT $4
) AS theirs
ORDER BY (read_at IS NOT NULL), -n LIMIT $4
"""
_MARK: Final = """
UPDATE notice SET read_at = coalesce(read_at, $3) WHERE id = $1 AND owner = ANY($2::text[]) AND channel = 'inbox'
RETURNING *
"""
FIRST: Final = (False, 2**62)
"""The place before the newest unread notice."""


class NoticeView(BaseModel):
    """One notice of an inbox."""

    id: str
    subscription_id: str
    event: str
    event_type: str
    at: datetime
    center: str
    subject: str
    conversation: str
    ids: dict[str, str]
    sentence: Text
    read_at: datetime | None


async def read(
    session: Session, who: Person, place: tuple[bool, int], limit: int
) -> tuple[list[NoticeView], tuple[bool, int] | None]:
    """Up to `limit` notices behind `place` (whether read, `n`), and the place of the last one if more may follow."""
    connection = await driver(session)
    rows = await connection.fetch(_READ, _owners(who), *place, limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    place_of_last = (last["read_at"] is not None, last["n"]) if last is not None else None
    return await _views(connection, rows[:limit]), place_of_last


async def mark_read(session: Session, who: Person, notice_id: str) -> NoticeView:
    """Mark a notice as read; once read it stays so. Raises NotFound."""
    connection = await driver(session)
    row = await connection.fetchrow(_MARK, notice_id, _owners(who), session.info["center"].now())
    if row is None:
        raise NotFound(what="notice", id=notice_id)
    return (await _views(connection, [row]))[0]


def _owners(who: Person) -> list[str]:
    return [who.id] if who.organisation_id is None else [who.id, who.organisation_id]


async def _views(connection: asyncpg.Connection, rows: list[asyncpg.Record]) -> list[NoticeView]:
    names = await known(connection, {id for row in rows for id in row["ids"].values()})
    same = ("id", "subscription_id", "event_type", "at", "center", "subject", "conversation", "read_at")
    return [
        NoticeView(
            event=event_name(row["event_type"]),
            ids=row["ids"],
            sentence=story.say(row["event_type"], row["facts"], row["center"], names),
            **{name: row[name] for name in same},
        )
        for row in rows
    ]
