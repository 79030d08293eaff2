"""The change feed: what this service told the alliance, in commit order, for systems that don't speak Kafka."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel

from shared.db.database import driver
from shared.http.door import Router, Tx
from shared.http.paging import cursor, uncursor
from shared.http.people import Caller

LIMIT_MAX: Final = 500
_START: Final = ("0", 0)

_CHANGES: Final = """
SELECT tx::text AS tx, n, topic, headers, body FROM journal
WHERE topic = ANY($1::text[]) AND tx < pg_snapshot_xmin(pg_current_snapshot())
  AND (tx, n) > ($2::text::xid8, $3::bigint)
ORDER BY journal.tx, n LIMIT $4
"""
"""A row is given once every transaction that could still commit before it has ended: no late commit is skipped."""


class Change(BaseModel):
    """One CloudEvent in JSON form; `topic` is where Kafka subscribers find it."""

    topic: str
    event: dict[str, Any]


class Feed(BaseModel):
    """Changes after a cursor. `next` is always given: ask with it again, now or later."""

    items: list[Change]
    next: str


def feed(service: str) -> APIRouter:
    """`GET /<service>/changes?after=<cursor>&limit=`: alliance events and states of this center's service."""
    router = Router(prefix=f"/{service}", tags=["changes"])

    @router.get("/changes")
    async def changes(
        tx: Tx, who: Caller, after: str | None = None, limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100
    ) -> Feed:
        """What changed after the cursor, oldest first. Without a cursor: from the beginning."""
        transaction, n = uncursor(after, str, int) if after else _START
        topic = f"ctta.{tx.info['center'].id}.{service}"
        rows = await (await driver(tx)).fetch(_CHANGES, [topic, f"{topic}.state"], transaction, n, limit)
        last = (rows[-1]["tx"], rows[-1]["n"]) if rows else (transaction, n)
        return Feed(items=[_change(row) for row in rows], next=cursor(*last))

    return router


def _change(row: Any) -> Change:
    headers = orjson.loads(row["headers"])
    event = {name.removeprefix("ce_"): value for name, value in headers.items() if name.startswith("ce_")}
    event |= {"datacontenttype": headers["content-type"], "data": orjson.loads(row["body"])}
    return Change(topic=row["topic"], event=event)
