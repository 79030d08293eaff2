"""Replay and drop on a real database, as `ctta dlq` does them."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from ctta.embedded import EmbeddedBroker
from ctta.held import Bench
from shared.db import Database
from shared.events.runner import Halted
from shared.kafka import producer
from shared.schemas.listing import ListingWithdrawn
from tests.fixtures import Record, center_of, feed, open_database, retry_waiting, signed_record, trust
from tests.runtime.conftest import OpenProbe, Probe, applied, open_probe

__all__ = ["open_database", "open_probe", "trust"]  # fixtures


def withdrawn(db: Database, sequence: int, reason: str = "sold", listing: str = "lst_1") -> Record:
    """A record of south about one listing."""
    event = ListingWithdrawn(listing_id=listing, center="south", kind="technology", reason=reason)
    return signed_record(center_of(db.center.settings.trust, "south", "listing"), event, sequence=sequence)


def id_of(record: Record) -> UUID:
    return UUID(dict(record.headers)["ce_id"].decode())  # type: ignore[union-attr]


async def rows(db: Database, query: str) -> list[dict[str, Any]]:
    async with db.transaction() as session:
        return [dict(row._mapping) for row in await session.execute(text(query))]


def at(db: Database, probe: Probe) -> Bench:
    return Bench(db, probe.service, who="lin", why="corrected in 1.2")


async def test_a_replay_applies_the_queue_in_order_and_is_written_down(open_probe: OpenProbe) -> None:
    probe = Probe()
    probe.broken = {"poison"}
    db = await open_probe(probe)
    bad, behind = withdrawn(db, 1, "poison"), withdrawn(db, 2, "sold")
    await feed(db, probe.service, [bad, behind])
    assert await applied(db) == []
    probe.broken = set()
    (done,) = await at(db, probe).replay(id_of(bad))
    assert (done.action, sorted(done.event_ids), done.left) == (
        "replayed",
        sorted([str(id_of(bad)), str(id_of(behind))]),
        0,
    )
    assert await applied(db) == [("lst_1", "poison"), ("lst_1", "sold")]
    log = await rows(db, "SELECT action, who, why FROM held_log")
    assert log == [{"action": "replayed", "who": "lin", "why": "corrected in 1.2"}] * 2


async def test_a_replay_that_fails_again_leaves_it_held(open_probe: OpenProbe) -> None:
    probe = Probe()
    probe.broken = {"poison"}
    db = await open_probe(probe)
    await feed(db, probe.service, [withdrawn(db, 1, "poison")])
    assert await at(db, probe).replay(None) == []
    assert [row["state"] for row in await rows(db, "SELECT state FROM held")] == ["parked"]


async def test_a_dropped_event_is_never_applied_and_what_waits_behind_it_goes_on(open_probe: OpenProbe) -> None:
    probe = Probe()
    probe.broken = {"poison"}
    db = await open_probe(probe)
    bad = withdrawn(db, 1, "poison")
    await feed(db, probe.service, [bad, withdrawn(db, 2, "sold")])
    (done,) = await at(db, probe).drop(id_of(bad))
    assert done.action == "dropped"
    await retry_waiting(db, probe.service)
    await feed(db, probe.service, [bad])
    assert await applied(db) == [("lst_1", "sold")]
    assert await rows(db, "SELECT outcome FROM inbox ORDER BY outcome") == [
        {"outcome": "applied"},
        {"outcome": "dropped"},
    ]
    assert await rows(db, "SELECT * FROM held_key") == []


async def test_a_halted_topic_is_resumed_by_a_replay(open_probe: OpenProbe) -> None:
    probe = Probe(halts=True)
    probe.broken = {"poison"}
    db = await open_probe(probe)
    with pytest.raises(Halted):
        await feed(db, probe.service, [withdrawn(db, 1, "poison")])
    (done,) = await at(db, probe).replay(None)
    assert done.action == "resumed"
    assert await rows(db, "SELECT * FROM halted") == []


async def test_the_event_that_halted_a_topic_is_found_in_kafka_and_dropped(
    open_probe: OpenProbe, server_folder: Path
) -> None:
    """It is in no table: its key and number come from its record."""
    broker = EmbeddedBroker(server_folder)
    kafka = await asyncio.to_thread(broker.start)
    try:
        probe = Probe(halts=True)
        probe.broken = {"poison"}
        db = await open_probe(probe)
        settings = db.center.settings.model_copy(update={"kafka": kafka, "kafka_idempotent": False})
        db.center = replace(db.center, settings=settings)
        bad, after = withdrawn(db, 1, "poison"), withdrawn(db, 2, "sold")
        await send(db, bad)
        with pytest.raises(Halted):
            await feed(db, probe.service, [bad])
        (done,) = await at(db, probe).drop(id_of(bad))
        assert done.event_ids == [str(id_of(bad))]
        assert await rows(db, "SELECT * FROM halted") == []
        await feed(db, probe.service, [bad, after])
        assert await applied(db) == [("lst_1", "sold")]
    finally:
        await asyncio.to_thread(broker.stop)


async def send(db: Database, record: Record) -> None:
    """Put a record where its center would."""
    sender = producer(db.center.settings)
    await sender.start()
    try:
        await sender.send_and_wait(record.topic, record.value, key=record.key, headers=list(record.headers))
    finally:
        await sender.stop()
