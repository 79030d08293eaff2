"""The rows that the code declares are the tables that the migrations make."""

from services.notify import Row
from services.notify.app import service
from services.notify.story.sentences import SENTENCES
from shared.db import Database, driver

COLUMNS = "SELECT column_name, is_nullable = 'YES' AS nullable FROM information_schema.columns WHERE table_name = $1"


async def test_rows_and_tables_agree(db: Database) -> None:
    tables = Row.metadata.tables
    assert set(tables) == {"subject", "step", "subscription", "notice", "delivery", "attempt"}
    async with db.transaction() as session:
        connection = await driver(session)
        for name, table in tables.items():
            made = {row["column_name"]: row["nullable"] for row in await connection.fetch(COLUMNS, name)}
            assert made == {column.name: bool(column.nullable) for column in table.columns}, name


def test_every_told_event_has_its_doors() -> None:
    told = {sentence.event.type for sentence in SENTENCES}
    noticed = {sentence.event.type for sentence in SENTENCES if sentence.notice}
    assert set(service.nouns["story"].reactions) == told
    assert set(service.nouns["notice"].reactions) == noticed
    assert service.nouns["story"].projects
    assert service.nouns["subject"].projects
    assert not service.nouns["notice"].projects
