"""Migrations: the runtime's tables first, then the service's own, in the service's database."""

import asyncio
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

RUNTIME: Final = Path(__file__).parent / "migrations"
LOCK: Final = 7_201_943
"""Advisory lock: two migrations of one database never run side by side."""


async def ensure_database(url: str) -> bool:
    """Create the database of `url` when it is missing. Returns whether it was made."""
    server, name = url.rsplit("/", 1)
    connection = await asyncpg.connect(f"{server}/postgres", timeout=10)
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return False
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            return False
        return True
    finally:
        await connection.close()


async def migrate(url: str, service_migrations: Path | None) -> None:
    """Bring one service's database to the newest version; makes it when missing."""
    await ensure_database(url)
    await asyncio.to_thread(_upgrade, url, RUNTIME, "alembic_version_runtime")
    if service_migrations is not None:
        await asyncio.to_thread(_upgrade, url, service_migrations, "alembic_version")


def _upgrade(url: str, location: Path, version_table: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(location))
    config.set_main_option("path_separator", "os")
    config.attributes.update(url=url, version_table=version_table)
    command.upgrade(config, "head")


def script(sql: str) -> None:
    """Run a whole SQL script in the migration's transaction (asyncpg prepares, and takes one statement only, else)."""
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    connection.run_async(lambda driver: driver.execute(sql))


def run() -> None:
    """What every `migrations/env.py` calls."""
    asyncio.run(_run(context.config.attributes["url"], context.config.attributes["version_table"]))


async def _run(url: str, version_table: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_steps, version_table)
            await connection.commit()
    finally:
        await engine.dispose()


def _steps(connection: Connection, version_table: str) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    context.configure(connection=connection, version_table=version_table, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
