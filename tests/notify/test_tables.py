"""The rows that the code declares are the tables that the migrations make; every event that is told has its doors."""

from services.notify import Row
from services.notify.app import service
from services.notify.story.sentences import SENTENCES
from shared.db import Database, driver

COLUMNS = "SELECT column_name, is_nullable = 'YES' AS nullable FROM information_schema.columns WHERE table_name = $1"


async def test_rows_and_tables_agree(db: Database) -> None:
    table = Row.metadata.tables["subscription"]
    async with db.transaction() as session:
        rows = await (await driver(session)).fetch(COLUMNS, "subscription")
    assert {row["column_name"]: row["nullable"] for row in rows} == {c.name: bool(c.nullable) for c in table.columns}


def test_every_told_event_has_its_doors() -> None:
    told = {sentence.event.type for sentence in SENTENCES}
    noticed = {sentence.event.type for sentence in SENTENCES if sentence.notice}
    assert set(service.nouns["story"].reactions) == told
    assert set(service.nouns["notice"].reactions) == noticed
    assert service.nouns["story"].projects
    assert service.nouns["subject"].projects
    assert not service.nouns["notice"].projects
