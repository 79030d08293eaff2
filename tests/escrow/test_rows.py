"""The program's tables are those of the migrations, column by column."""

from typing import Any

from sqlalchemy import Connection, inspect

from services.escrow import Row
from services.escrow.app import service
from tests.fixtures import OpenDatabase

TABLES = {"deal", "milestone", "approval", "deposit", "interest", "outgoing", "incoming", "direction"}


def found(connection: Connection) -> dict[str, Any]:
    """Columns, checks and unique keys as the database has them."""
    inspector = inspect(connection)
    return {
        name: (
            {(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)},
            {c["name"] for c in inspector.get_check_constraints(name)},
            {tuple(u["column_names"]) for u in inspector.get_unique_constraints(name)},
            {i["name"] for i in inspector.get_indexes(name) if not i.get("duplicates_constraint")},
        )
        for name in TABLES
    }


def declared(connection: Connection) -> dict[str, Any]:
    """The same of a schema made from the program's tables."""
    connection.exec_driver_sql("CREATE SCHEMA declared")
    connection.exec_driver_sql("SET LOCAL search_path TO declared")
    Row.metadata.create_all(connection)
    return found(connection)


async def test_tables_and_migrations_agree(open_database: OpenDatabase) -> None:
    db = await open_database(service)
    assert set(Row.metadata.tables) == TABLES
    async with db.engine.begin() as connection:
        migrated = await connection.run_sync(found)
    async with db.engine.connect() as connection:
        assert await connection.run_sync(declared) == migrated
        await connection.rollback()
