"""The rows of the code and the tables of the migrations are the same; the database holds the last line by itself."""

import asyncpg
import pytest

from services.listing import Row
from services.listing.app import service
from shared.db import Database, driver
from tests.fixtures import OpenDatabase
from tests.listing.market import published, registered


@pytest.fixture
async def db(open_database: OpenDatabase) -> Database:
    return await open_database(service)


async def test_columns_and_their_nullability_agree(db: Database) -> None:
    async with db.transaction() as session:
        rows = await (await driver(session)).fetch(
            "SELECT table_name, column_name, is_nullable = 'YES' AS empty FROM information_schema.columns"
            " WHERE table_name = ANY($1::text[])",
            sorted(Row.metadata.tables),
        )
    there = {(row["table_name"], row["column_name"], row["empty"]) for row in rows}
    declared = {(t.name, c.name, bool(c.nullable)) for t in Row.metadata.tables.values() for c in t.columns}
    assert declared == there
    assert len(Row.metadata.tables) == 7


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE listing SET tier = 'secret'",
        "UPDATE listing SET version = 0",
        "UPDATE listing SET published_at = NULL",
        "UPDATE organisation SET name_zh = '', name_en = ''",
        "INSERT INTO reservation SELECT n, id, 'south', 'held', NULL, now() FROM listing, (VALUES ('1'), ('2')) v (n)",
    ],
)
async def test_the_database_refuses_what_no_rule_allows(db: Database, statement: str) -> None:
    await published(db, await registered(db))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with db.transaction() as session:
            await (await driver(session)).execute(statement)
