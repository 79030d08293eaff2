"""What is held in the databases of a center's services."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import orjson

from ctta.services import installed
from shared.settings import Settings

_LIST: Final = """
SELECT grp AS "group", topic, key, state, source, id::text, type, sequence, conversation, waits_for, deadline,
       attempts, rule, error, at
FROM held WHERE ($1::text IS NULL OR state = $1) ORDER BY grp, topic, key, sequence, n
"""
_HALTED: Final = """
SELECT grp AS "group", topic, since, id::text, rule, error FROM halted ORDER BY grp, topic
"""
_PARKED: Final = "SELECT (SELECT count(*) FROM held WHERE state = 'parked') + (SELECT count(*) FROM halted)"
_FIND: Final = 'SELECT *, grp AS "group" FROM held WHERE id = $1 ORDER BY grp'
_LOG: Final = 'SELECT at, grp AS "group", action, who, why FROM held_log WHERE id = $1 ORDER BY n'

Row = dict[str, Any]


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def parked(places: Iterable[Settings]) -> int:
    """How many events are parked and topics halted at the centers."""
    urls = [settings.database_url(service) for settings in places for service in installed()]
    return sum(await asyncio.gather(*(_count(url) for url in urls)))


async def _count(url: str) -> int:
    async with _connected(url) as connection:
        return int(await connection.fetchval(_PARKED))


async def listed(settings: Settings, state: str | None = None) -> tuple[list[Row], list[Row]]:
    """Held events (`state`: waiting, parked or both) and halted topics of one center's services."""
    held: list[Row] = []
    halted: list[Row] = []
    for service in installed():
        mark = {"center": settings.center, "service": service}
        async with _connected(settings.database_url(service)) as connection:
            held += [mark | dict(row) for row in await connection.fetch(_LIST, state)]
            halted += [mark | dict(row) for row in await connection.fetch(_HALTED)]
    return held, halted


async def find(settings: Settings, event_id: str) -> list[Row]:
    """Everything that is known of a held event, once per group that holds it: headers, history, never a sealed body."""
    found: list[Row] = []
    for service in installed():
        async with _connected(settings.database_url(service)) as connection:
            for row in await connection.fetch(_FIND, event_id):
                one = {"center": settings.center, "service": service, **dict(row)}
                one["headers"] = orjson.loads(row["headers"])
                one["body"] = _readable(row["body"], one["headers"].get("content-type", ""))
                one["log"] = [dict(entry) for entry in await connection.fetch(_LOG, event_id)]
                del one["grp"], one["n"]
                found.append(one)
    return found


def _readable(body: bytes, content_type: str) -> Any:
    if "jose" in content_type:
        return f"sealed, {len(body)} bytes"
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return f"not JSON, {len(body)} bytes: {body[:80]!r}"
