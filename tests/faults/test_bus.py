"""What may break between a decision and its effect, on real Kafka and PostgreSQL."""

import asyncio

import asyncpg
import pytest

from tests.faults.conftest import Duo, until

pytestmark = [pytest.mark.real_kafka]


async def test_an_announcement_becomes_an_effect(duo: Duo) -> None:
    sender, _ = await duo.both()
    await duo.say(sender, "a", "b")
    assert sorted(await duo.applied_all(2)) == [("a", "sold"), ("b", "sold")]


async def test_a_broker_replaced_by_an_empty_one_is_filled_again_and_nothing_is_lost(duo: Duo) -> None:
    sender, receiver = await duo.both()
    await duo.say(sender, *(f"before-{n}" for n in range(50)))
    await duo.applied_all(50)
    await asyncio.to_thread(duo.kafka.replace_empty)
    await duo.say(sender, *(f"after-{n}" for n in range(50)))
    done = await duo.applied_all(100)
    assert len(done) == len(set(done)) == 100

    async def refilled() -> bool:
        connection = await asyncpg.connect(sender.database.url)
        try:
            return await connection.fetchval('SELECT count(*) = 0 FROM journal WHERE "offset" IS NULL') is True
        finally:
            await connection.close()

    await until(refilled, "the journal to be sent again")
    assert receiver.is_ready()


async def test_a_database_away_for_a_while_parks_nothing(duo: Duo) -> None:
    sender, _ = await duo.both()
    await duo.say(sender, "a")
    await duo.applied_all(1)
    await duo.say(sender, *(f"more-{n}" for n in range(20)))
    await asyncio.to_thread(duo.postgres.stop)
    await asyncio.sleep(10)  # the outage itself, not a wait for something
    await asyncio.to_thread(duo.postgres.start)
    await duo.applied_all(21)
    connection = await asyncpg.connect(duo.settings("east").database_url("matching"))
    assert await connection.fetchval("SELECT count(*) FROM held") == 0
    await connection.close()
