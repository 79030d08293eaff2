"""Databases of a center brought to the newest version, and how far behind they are."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from alembic.config import Config
from alembic.script import ScriptDirectory

from shared.db.migrate import RUNTIME, migrate
from shared.service import Service
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one service's database stands; a version is "" where there is none."""

    service: str
    database: str
    found: dict[str, str]
    wanted: dict[str, str]

    @property
    def behind(self) -> bool:
        """Whether a migration is missing."""
        return self.found != self.wanted


def migrate_all(
    settings: Settings, services: Iterable[Service], done: Callable[[str], None] = lambda name: None
) -> list[str]:
    """Migrate what is behind, one database after the other (Alembic's context is one per process).

    Returns the names of the services whose database changed; `done` is called after each. A second process that does
    the same at the same time waits for the first.
    """
    changed = []
    for service in services:
        if asyncio.run(standing(settings, service)).behind:
            asyncio.run(migrate(settings.database_url(service.name), service.migrations))
            changed.append(service.name)
        done(service.name)
    return changed


async def standing(settings: Settings, service: Service) -> Standing:
    """The versions that are there and those that should be. Raises what asyncpg says when no server answers."""
    url = settings.database_url(service.name)
    wanted = {"runtime": _head(RUNTIME)}
    if service.migrations is not None:
        wanted["service"] = _head(service.migrations)
    return Standing(service.name, url.rsplit("/", 1)[1], await _found(url), wanted)


def _head(folder: Path) -> str:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return ",".join(sorted(ScriptDirectory.from_config(config).get_heads()))


async def _found(url: str) -> dict[str, str]:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except asyncpg.InvalidCatalogNameError:
        return {}
    try:
        found = {}
        for part, table in (("runtime", "alembic_version_runtime"), ("service", "alembic_version")):
            if await connection.fetchval("SELECT to_regclass($1)", table):
                rows = await connection.fetch(f"SELECT version_num FROM {table}")
                if rows:
                    found[part] = ",".join(sorted(row["version_num"] for row in rows))
        return found
    finally:
        await connection.close()
