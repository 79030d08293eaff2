"""Whether everything that was announced has been dealt with: read from the databases of an embedded alliance.

The journals say where every record ended up, the stored positions say how far each consumer group has come.
"""

import asyncio
import re
from collections.abc import Iterable
from typing import Final

import asyncpg

from ctta.services import ALL, load
from shared.settings import Settings

Place = tuple[str, int]
"""Topic and partition."""

_UNSENT: Final = 'SELECT count(*) FROM journal WHERE "offset" IS NULL'
_ENDS: Final = """
SELECT topic, partition, max("offset") + 1 AS "end" FROM
    (SELECT DISTINCT ON (topic, key) topic, partition, "offset" FROM journal ORDER BY topic, key, n DESC) last
WHERE "offset" IS NOT NULL GROUP BY topic, partition
"""
_POSITIONS: Final = "SELECT grp, topic, partition, log, next_offset FROM position"


class Backlog:
    """What the centers still have to do. Settings: one per center, all on the same servers."""

    def __init__(self, centers: Iterable[Settings]) -> None:
        self._services = load([ALL])
        self._places = [(settings, service) for settings in centers for service in self._services]

    async def rest(self) -> dict[str, int]:
        """How much is left by name: records a relay has to send, records a consumer group has to read. Empty: quiet."""
        looked = await asyncio.gather(*(self._look(s.database_url(service.name)) for s, service in self._places))
        ends: dict[Place, int] = {}
        logs: dict[str, str] = {}
        left: dict[str, int] = {}
        for (settings, service), (unsent, own_ends, own_logs, _) in zip(self._places, looked, strict=True):
            ends |= own_ends
            logs |= own_logs
            if unsent:
                left[f"{settings.center}.{service.name} (to send)"] = unsent
        for (settings, service), (_, _, _, positions) in zip(self._places, looked, strict=True):
            for noun in service.nouns.values():
                pattern, group = re.compile(noun.pattern(settings.center)), noun.group(settings.center)
                behind = sum(
                    end - positions.get((group, *place, logs.get(place[0], "")), 0)
                    for place, end in ends.items()
                    if pattern.match(place[0]) and positions.get((group, *place, logs.get(place[0], "")), 0) < end
                )
                if behind:
                    left[group] = behind
        return left

    async def _look(
        self, url: str
    ) -> tuple[int, dict[Place, int], dict[str, str], dict[tuple[str, str, int, str], int]]:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            unsent = await connection.fetchval(_UNSENT)
            ends = {(row["topic"], row["partition"]): row["end"] for row in await connection.fetch(_ENDS)}
            logs = dict(await connection.fetch("SELECT topic, log FROM relay_log"))
            positions = {
                (row["grp"], row["topic"], row["partition"], row["log"]): row["next_offset"]
                for row in await connection.fetch(_POSITIONS)
            }
        finally:
            await connection.close()
        return unsent, ends, logs, positions
