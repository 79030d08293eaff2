"""The live directory: what the trust folder holds, and every newer entry from the hubs' directory topics."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer

from shared import metrics, telemetry
from shared.db.database import Database, driver
from shared.events.outbox import emit
from shared.kafka import consumer
from shared.schemas.directory import CenterListed
from shared.settings import Settings
from shared.trust import CenterEntry, Directory, DirectoryRefused, TrustError, load_directory, load_entries, read_entry

PATTERN: Final = r"^ctta\.[a-z][a-z0-9-]*\.directory$"
PUBLISHER: Final = "listing"
"""The service of a hub whose relay carries the hub's directory topic."""

_SAID: Final = """
SELECT key, max((convert_from(body, 'UTF8')::json ->> 'version')::bigint) AS version FROM journal
WHERE topic = $1 GROUP BY key
"""

log = telemetry.logger(__name__)


class LiveDirectory:
    """A directory provider that learns. Call it for the snapshot of now."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.current = load_directory(settings.trust)

    def __call__(self) -> Directory:
        """The snapshot of now."""
        return self.current

    def merge(self, entry: CenterEntry) -> None:
        """Take a newer entry; a refused one is logged and shown, the last good snapshot stays."""
        try:
            merged = self.current.merge(entry)
        except DirectoryRefused as refusal:
            metrics.count("ctta.directory.refused", rule=refusal.rule)
            log.error("directory.refused", rule=refusal.rule, why=str(refusal), do="ctta doctor")
            return
        self.current = merged

    def reread(self) -> None:
        """Take what was added to the trust folder."""
        with suppress(TrustError):
            for entry in load_entries(self.settings.trust):
                self.merge(entry)

    async def follow(self) -> None:
        """Read the hubs' directory topics from the start, until cancelled."""
        while True:
            reader: AIOKafkaConsumer = consumer(self.settings)
            try:
                await reader.start()
                reader.subscribe(pattern=PATTERN)
                async for record in reader:
                    self._take(record)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("directory.reader", error=repr(error)[:200])
                await asyncio.sleep(1)
            finally:
                with suppress(Exception):
                    await reader.stop()

    def _take(self, record: Any) -> None:
        try:
            self.merge(read_entry(orjson.loads(record.value)["entry"]))
        except Exception as error:  # whatever one record holds: the next ones are read
            metrics.count("ctta.directory.refused", rule="unreadable")
            log.warning("directory.unreadable", topic=record.topic, error=repr(error)[:200])


def publishes(center: str, service: str, directory: Directory) -> bool:
    """Whether this service carries the directory topic."""
    return service == PUBLISHER and center in directory.hubs


async def publish(database: Database, provider: Callable[[], Directory]) -> int:
    """Announce the entries that this hub has not announced yet. Returns how many."""
    async with database.transaction() as session:
        connection = await driver(session)
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('directory_publish'))")
        rows = await connection.fetch(_SAID, f"ctta.{database.center.id}.directory")
        said = {row["key"]: row["version"] for row in rows}
        new = [entry for entry in provider().centers.values() if entry.version > said.get(entry.center, 0)]
        for entry in new:
            emit(session, CenterListed(center=entry.center, version=entry.version, entry=entry.to_json()))
    return len(new)
