"""Held events in the databases of a center's services: listed, shown, replayed, dropped."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import asyncpg

from ctta.services import installed
from shared.settings import Settings

_LIST: Final = """
SELECT h.grp, h.topic, h.key, h.state, h.source, h.id, h.type, h.sequence, h.conversation, h.waits_for, h.deadline,
       h.attempts, h.rule, h.error, h.at
FROM held h WHERE ($1::text IS NULL OR h.state = $1) ORDER BY h.grp, h.topic, h.key, h.sequence, h.n
"""
_HALTED: Final = "SELECT grp, topic, since, id, rule, error FROM halted ORDER BY grp, topic"
_PARKED: Final = "SELECT (SELECT count(*) FROM held WHERE state = 'parked') + (SELECT count(*) FROM halted)"


async def parked(places: Iterable[Settings]) -> int:
    """How many events are parked and topics halted at the centers."""
    counts = await asyncio.gather(
        *(_count(settings.database_url(service)) for settings in places for service in installed())
    )
    return sum(counts)


async def _count(url: str) -> int:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return int(await connection.fetchval(_PARKED))
    finally:
        await connection.close()


async def listed(settings: Settings, state: str | None = None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Held events and halted topics of one center's services."""
    held: list[dict[str, Any]] = []
    halted: list[dict[str, Any]] = []
    for service in installed():
        connection = await asyncpg.connect(settings.database_url(service), timeout=10)
        try:
            mark = {"center": settings.center, "service": service}
            held += [mark | dict(row) for row in await connection.fetch(_LIST, state)]
            halted += [mark | dict(row) for row in await connection.fetch(_HALTED)]
        finally:
            await connection.close()
    return held, halted
