"""What may break between a decision and its effect, on real Kafka and PostgreSQL."""

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from shared.db.database import driver
from shared.events.relay import Relay
from shared.kafka import producer
from shared.schemas.listing import ListingWithdrawn
from tests.faults.conftest import Duo, until
from tests.fixtures import center_of, signed_record

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


async def test_a_database_away_for_a_minute_parks_nothing(duo: Duo) -> None:
    sender, _ = await duo.both()
    await duo.say(sender, "a")
    await duo.applied_all(1)
    await duo.say(sender, *(f"more-{n}" for n in range(20)))
    await asyncio.to_thread(duo.postgres.stop)
    await asyncio.sleep(60)  # the outage itself, not a wait for something
    await asyncio.to_thread(duo.postgres.start)
    await duo.applied_all(21)
    connection = await asyncpg.connect(duo.settings("east").database_url("matching"))
    assert await connection.fetchval("SELECT count(*) FROM held") == 0
    await connection.close()


class KilledBeforeMark(Relay):
    """Dies when the broker has the records and the journal does not know it yet."""

    async def _mark(self, connection: Any, acknowledged: list[Any]) -> None:
        raise asyncio.CancelledError


async def test_a_relay_killed_between_publish_and_mark_sends_again_and_nothing_is_applied_twice(duo: Duo) -> None:
    sender, receiver = await duo.both()
    relay_task = next(task for task in sender._tasks if task.get_name() == "relay")
    relay_task.cancel()
    await asyncio.gather(relay_task, return_exceptions=True)
    await duo.say(sender, "a", "b", "c")
    doomed = KilledBeforeMark(sender.center, sender.database, sender.logs)
    with pytest.raises(asyncio.CancelledError):
        await doomed.run_once()
    await doomed.close()
    await duo.applied_all(3)
    successor = Relay(sender.center, sender.database, sender.logs)

    async def all_sent() -> bool:
        return await successor.run_once() == 0 and successor.sent == 3

    await until(all_sent, "the successor to send again")
    await duo.say(sender, "d")
    await successor.run_once()
    await successor.close()
    done = [id for id, _ in await duo.applied_all(4)]
    assert sorted(done[:3]) == ["a", "b", "c"]
    assert done[3:] == ["d"]
    assert receiver.is_ready()


async def test_a_consumer_killed_between_effect_and_offset_goes_on_where_its_database_says(duo: Duo) -> None:
    sender, receiver = await duo.both()
    receiver.subscribers[0]._committed = float("inf")  # it never gets to commit its offset to Kafka
    await duo.say(sender, *(f"first-{n}" for n in range(30)))
    await duo.applied_all(30)
    duo.running.remove(receiver)
    await receiver.stop()
    await duo.say(sender, *(f"second-{n}" for n in range(30)))
    await duo.run("east", duo.probe.service)
    done = await duo.applied_all(60)
    assert len(done) == len(set(done)) == 60


async def test_a_consumer_restored_to_an_older_database_applies_what_is_missing_once(duo: Duo) -> None:
    sender, receiver = await duo.both()
    await duo.say(sender, *(f"old-{n}" for n in range(20)))
    await duo.applied_all(20)
    duo.running.remove(receiver)
    await receiver.stop()
    server = await asyncpg.connect(f"{duo.url}/postgres")
    name = receiver.database.url.rsplit("/", 1)[1]
    await server.execute(f'CREATE DATABASE backup TEMPLATE "{name}"')
    receiver = await duo.run("east", duo.probe.service)
    await duo.say(sender, *(f"new-{n}" for n in range(20)))
    await duo.applied_all(40)
    duo.running.remove(receiver)
    await receiver.stop()
    await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await server.execute(f'ALTER DATABASE backup RENAME TO "{name}"')
    await server.close()
    assert len(await duo.applied()) == 20
    await duo.run("east", duo.probe.service)
    done = await duo.applied_all(40)
    assert len(done) == len(set(done)) == 40


async def test_a_rebalance_in_mid_batch_applies_each_event_once_and_in_order(duo: Duo) -> None:
    sender, _ = await duo.both()
    keys = [f"key-{n}" for n in range(40)]

    async def flood() -> None:
        for step in range(25):
            await duo.say(sender, *keys, reason=str(step))

    work = asyncio.create_task(flood())
    await duo.applied_all(100)
    second = await duo.run("east", duo.probe.service)
    await work
    third = await duo.run("east", duo.probe.service)
    duo.running.remove(second)
    await second.stop()
    done = await duo.applied_all(1000)
    assert len(done) == len(set(done)) == 1000
    for key in keys:
        assert [reason for id, reason in done if id == key] == [str(step) for step in range(25)]
    assert third.is_ready()


async def test_a_topic_that_is_missing_holds_up_no_other(duo: Duo) -> None:
    sender, _ = await duo.both()
    async with sender.database.transaction() as session:
        await (await driver(session)).execute(
            "INSERT INTO journal (lane, id, type, topic, key, sequence, headers, body) SELECT lane,"
            " gen_random_uuid(), 'none', 'ctta.beijing.nowhere', 'k', 1,"
            """ '{"ce_source": "/centers/beijing/listing", "ce_type": "none", "ce_id": "1","""
            """ "ce_conversation": "k"}', ''"""
            " FROM generate_series(0, 7) lane"
        )
    await duo.say(sender, "a", "b", "c")
    assert len(await duo.applied_all(3, wait_s=10)) == 3
    assert list(sender.relay._resting) == ["ctta.beijing.nowhere"]


async def test_a_process_that_ends_sends_what_it_announced(duo: Duo) -> None:
    sender, _ = await duo.both()
    await duo.say(sender, *(f"last-{n}" for n in range(2000)))
    duo.running.remove(sender)
    await sender.stop()
    connection = await asyncpg.connect(duo.settings("beijing").database_url("listing"))
    assert await connection.fetchval('SELECT count(*) FROM journal WHERE "offset" IS NULL') == 0
    await connection.close()


async def test_a_record_whose_key_is_unlisted_holds_up_its_partition_and_not_for_ever(duo: Duo) -> None:
    sender, receiver = await duo.both()
    receiver.subscribers[0].runner.key_patience_s = 2
    listed = center_of(duo.trust, "beijing", "listing")
    key = replace(listed.keyring.signing_key, kid="beijing/listing/99")
    event = ListingWithdrawn(listing_id="forged", center="beijing", kind="technology", reason="sold")
    record = signed_record(replace(listed, keyring=replace(listed.keyring, signing_key=key)), event)
    kafka = producer(sender.center.settings)
    await kafka.start()
    await kafka.send_and_wait(record.topic, record.value, key=record.key, headers=list(record.headers))
    await kafka.stop()
    await duo.say(sender, *(f"after-{n}" for n in range(40)))
    done = await duo.applied_all(40)
    assert len(done) == len(set(done)) == 40
    assert "beijing/listing/99" in receiver.subscribers[0].runner.unlisted
