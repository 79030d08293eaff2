"""Two centers on a private Apache Kafka: `beijing` announces, `east` applies; everything may be broken."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ctta.embedded import EmbeddedPostgres
from shared.db.migrate import migrate
from shared.directory import LiveDirectory
from shared.events import emit
from shared.events.logs import Logs
from shared.process import Running
from shared.schemas.listing import ListingWithdrawn
from shared.service import Service
from shared.settings import Settings
from tests.runtime.conftest import Probe
from tests.servers.kafka import Broker

WAIT_S = 60.0


async def until(condition: Callable[[], Awaitable[Any]], what: str, wait_s: float = WAIT_S) -> Any:
    """Wait for a condition; its last value. Fails with `what` after `wait_s`."""
    async with asyncio.timeout(wait_s + 5):
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            value = await condition()
            if value:
                return value
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"waited {wait_s} s for {what}")
            await asyncio.sleep(0.05)


class Duo:
    """The two services and their servers."""

    def __init__(self, trust: Path, kafka: Broker, postgres: EmbeddedPostgres) -> None:
        self.trust, self.kafka, self.postgres = trust, kafka, postgres
        self.url = postgres.url
        self.probe = Probe()
        self.emitter = Service("listing", package="tests.faults")
        self.running: list[Running] = []

    def settings(self, center: str) -> Settings:
        return Settings(
            center=center, trust_dir=self.trust, kafka=self.kafka.bootstrap, postgres=self.url,
            kafka_idempotent=self.kafka.real, metadata_max_age_ms=500, drain_s=10,
        )  # fmt: skip

    async def run(self, center: str, service: Service) -> Running:
        """Start a service of a center; its database is made when missing."""
        settings = self.settings(center)
        url = settings.database_url(service.name)
        await migrate(url, None)
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE IF NOT EXISTS applied (n serial, id text, reason text, sequence bigint)")
        await connection.close()
        one = Running(service, settings, LiveDirectory(settings), Logs(settings))
        await one.start()
        self.running.append(one)
        return one

    async def both(self) -> tuple[Running, Running]:
        """Emitter at beijing, subscriber at east, ready."""
        sender = await self.run("beijing", self.emitter)
        receiver = await self.run("east", self.probe.service)
        await self.ready(receiver)
        return sender, receiver

    async def ready(self, one: Running) -> None:
        async def is_ready() -> bool:
            return all(one.is_ready().values()) and any(s.assigned for s in one.subscribers)

        await until(is_ready, "readiness")

    async def say(self, sender: Running, *ids: str, reason: str = "sold") -> None:
        """Announce a withdrawal for each id, in one transaction."""
        async with sender.database.transaction() as session:
            for id in ids:
                emit(session, ListingWithdrawn(listing_id=id, center="beijing", kind="technology", reason=reason))

    async def applied(self) -> list[tuple[str, str]]:
        """(id, reason) in the order they were applied at east."""
        connection = await asyncpg.connect(self.settings("east").database_url("matching"))
        try:
            return [tuple(row) for row in await connection.fetch("SELECT id, reason FROM applied ORDER BY n")]
        finally:
            await connection.close()

    async def applied_all(self, count: int, wait_s: float = WAIT_S) -> list[tuple[str, str]]:
        """Wait until exactly `count` effects are there."""

        async def enough() -> bool:
            return len(await self.applied()) >= count

        await until(enough, f"{count} effects", wait_s)
        return await self.applied()

    async def stop(self) -> None:
        for one in self.running:
            await one.stop()


@pytest.fixture
async def duo(
    trust: Path, kafka_factory: Callable[..., Broker], postgres_factory: Callable[..., EmbeddedPostgres]
) -> AsyncIterator[Duo]:
    kafka = await asyncio.to_thread(kafka_factory)
    postgres = await asyncio.to_thread(postgres_factory)
    made = Duo(trust, kafka, postgres)
    yield made
    await made.stop()
