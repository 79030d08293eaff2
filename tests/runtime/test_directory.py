"""A hub announces each version of the directory's entries once, however many of its processes look at once."""

import asyncio

from shared.directory import publish
from shared.service import Service
from tests.fixtures import CENTERS, OpenDatabase, emitted


async def test_entries_are_announced_once(open_database: OpenDatabase) -> None:
    db = await open_database(Service("listing", package="tests.runtime"), center="beijing")
    provider = db.center.keyring.directory
    assert sum(await asyncio.gather(*(publish(db, provider) for _ in range(4)))) == len(CENTERS)
    assert await publish(db, provider) == 0
    assert len(await emitted(db)) == len(CENTERS)
