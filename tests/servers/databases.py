"""Fresh databases cloned from templates that are built once per run."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import asyncpg

Build = Callable[[str], Awaitable[None]]
CLONE_TRIES_MAX = 50
CLONE_PAUSE_S = 0.1


class Databases:
    """Makes databases for one test and drops them at its end. `run` sets this run's names apart from others'."""

    def __init__(self, server_url: str, run: str) -> None:
        self.server_url = server_url
        self.run = run.replace("-", "_")
        self._made: list[str] = []

    async def __call__(self, template: str, build: Build) -> str:
        """The URL of a new database that is a copy of `template`.

        `build(url)` fills the template: awaited once per run, by the first that asks for this name; it must close its
        connections. The name therefore has to say what `build` does (`listing`, `escrow_with_deal`).
        """
        source = f"{self.run}_t_{template}"
        name = f"{self.run}_{template[:20]}_{secrets.token_hex(4)}"
        server = await asyncpg.connect(f"{self.server_url}/postgres")
        try:
            await self._ensure_template(server, source, build)
            await _clone(server, source, name)
        finally:
            await server.close()
        self._made.append(name)
        return f"{self.server_url}/{name}"

    async def drop(self) -> None:
        """Drop what this test got, whoever is still connected."""
        if not self._made:
            return
        server = await asyncpg.connect(f"{self.server_url}/postgres")
        try:
            while self._made:
                await server.execute(f'DROP DATABASE IF EXISTS "{self._made.pop()}" WITH (FORCE)')
        finally:
            await server.close()

    async def _ensure_template(self, server: asyncpg.Connection, source: str, build: Build) -> None:
        """Under an advisory lock, so that parallel workers build it once; it gets its name only when complete."""
        await server.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", source)
        try:
            if await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", source):
                return
            await server.execute(f'DROP DATABASE IF EXISTS "{source}_new" WITH (FORCE)')
            await server.execute(f'CREATE DATABASE "{source}_new"')
            await build(f"{self.server_url}/{source}_new")
            await server.execute(f'ALTER DATABASE "{source}_new" WITH ALLOW_CONNECTIONS false')
            await server.execute(f'ALTER DATABASE "{source}_new" RENAME TO "{source}"')
        finally:
            await server.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", source)


async def _clone(server: asyncpg.Connection, source: str, name: str) -> None:
    """A connection to the template that is just closing makes it busy for a moment."""
    for attempt in range(1, CLONE_TRIES_MAX + 1):
        try:
            await server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
            return
        except asyncpg.ObjectInUseError:
            if attempt == CLONE_TRIES_MAX:
                raise
            await asyncio.sleep(CLONE_PAUSE_S)


async def drop_databases(server_url: str, run: str) -> None:
    """Drop all databases of a run, templates too: for a server that outlives the run."""
    server = await asyncpg.connect(f"{server_url}/postgres")
    try:
        names = await server.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", run.replace("-", "_") + "_"
        )
        for row in names:
            await server.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}" WITH (FORCE)')
    finally:
        await server.close()
