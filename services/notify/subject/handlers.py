"""Keeping and finding what ids stand for."""

from collections.abc import Iterable
from typing import Any, Final

import asyncpg
import orjson

from services.notify.story.wording import Known
from services.notify.subject.domain import learn
from shared.db import Session, driver
from shared.events import Received
from shared.schemas.base import Event, Text

_LEARN: Final = """
INSERT INTO subject AS s (id, center, kind, title_zh, title_en, organisations, links)
SELECT id, center, kind, title_zh, title_en, organisations, links
FROM jsonb_to_recordset($1::jsonb)
    AS r (id text, center text, kind text, title_zh text, title_en text, organisations text[], links jsonb)
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, title_zh = excluded.title_zh, title_en = excluded.title_en,
    organisations = excluded.organisations, links = excluded.links
WHERE $2 AND s.center = excluded.center
"""
_KNOWN: Final = """
WITH named AS (SELECT id, title_zh, title_en, links FROM subject WHERE id = ANY($1::text[]))
SELECT * FROM named
UNION SELECT id, title_zh, title_en, links FROM subject
WHERE id IN (SELECT link.value FROM named, jsonb_each_text(named.links) AS link)
"""


async def learn_all(session: Session, received: list[Received[Event]]) -> None:
    """Project a batch of one event type: the last word on each id counts. Raises SpeaksForAnother."""
    learnt = [learn(item.event, item.cause) for item in received]
    for whole in (True, False):
        rows = {item.id: item.row() for item in learnt if item.whole is whole}
        if rows:
            await (await driver(session)).execute(_LEARN, orjson.dumps(list(rows.values())).decode(), whole)


async def known(connection: asyncpg.Connection, ids: Iterable[Any]) -> dict[str, Known]:
    """What these ids, and those they lead to, stand for. What nobody told us is missing."""
    rows = await connection.fetch(_KNOWN, sorted({str(id) for id in ids}))
    return {row["id"]: Known(Text(zh=row["title_zh"], en=row["title_en"]), row["links"]) for row in rows}
