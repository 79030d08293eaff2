"""The runner on a real database, without Kafka: duplicates, order, waiting, parking, halting."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from shared.center import Center
from shared.db import Database, Session, driver
from shared.errors import NotYet
from shared.events import Received
from shared.events.runner import Halted, Runner
from shared.schemas.base import Envelope
from shared.schemas.listing import ListingReserved, ListingWithdrawn
from shared.schemas.matching import InterestDeclined
from shared.schemas.runtime import EventParked
from shared.service import Service
from shared.trust import sign
from tests.fixtures import OpenDatabase, Record, center_of, emitted, feed, retry_waiting, signed_record
from tests.runtime.conftest import Applied, NotWelcome, OpenProbe, Probe, applied


def withdrawn(id: str, reason: str = "sold") -> ListingWithdrawn:
    return ListingWithdrawn(listing_id=id, center="beijing", kind="technology", reason=reason)


def record(db: Database, id: str, reason: str = "sold", sequence: int = 1, source: str = "beijing") -> Record:
    speaker = center_of(db.center.settings.trust, source, "listing")
    return signed_record(speaker, withdrawn(id, reason), sequence=sequence)


async def outcomes(db: Database) -> dict[str, int]:
    async with db.transaction() as session:
        rows = await session.execute(text("SELECT outcome, count(*) FROM inbox GROUP BY 1"))
        return {outcome: count for outcome, count in rows}


async def test_a_duplicate_is_applied_once(open_probe: OpenProbe) -> None:
    probe = Probe()
    db = await open_probe(probe)
    one = record(db, "a")
    await feed(db, probe.service, [one, one])
    await feed(db, probe.service, [one])
    assert await applied(db) == [("a", "sold")]


async def test_a_refusal_is_recorded_and_the_others_go_on(open_probe: OpenProbe) -> None:
    probe = Probe()
    db = await open_probe(probe)
    await feed(db, probe.service, [record(db, "a"), record(db, "b", "refuse"), record(db, "c")])
    assert [id for id, _ in await applied(db)] == ["a", "c"]
    assert await outcomes(db) == {"applied": 2, "refused": 1}


async def test_a_refusal_after_a_write_is_a_bug_and_leaves_nothing_behind(open_probe: OpenProbe) -> None:
    probe = Probe()
    db = await open_probe(probe)
    await feed(db, probe.service, [record(db, "a"), record(db, "b", "write-then-refuse"), record(db, "c")])
    assert [id for id, _ in await applied(db)] == ["a", "c"]
    assert await outcomes(db) == {"applied": 2, "parked": 1}


async def test_a_poison_event_parks_its_key_others_go_on_and_a_replay_keeps_order(open_probe: OpenProbe) -> None:
    probe = Probe()
    probe.broken = {"poison"}
    db = await open_probe(probe)
    batch = [record(db, "a", "poison", 1), record(db, "b"), record(db, "a", "second", 2), record(db, "a", "third", 3)]
    await feed(db, probe.service, batch)
    assert await applied(db) == [("b", "sold")]
    runner = Runner(db.center, db, probe.service.nouns["probe"])
    slot = ("ctta.beijing.listing", "a")
    assert await runner.drain(slot, replay=True) == 0  # still broken: nothing overtakes it
    probe.broken = set()
    assert await runner.drain(slot, replay=True) == 3
    assert await applied(db) == [("b", "sold"), ("a", "poison"), ("a", "second"), ("a", "third")]
    await feed(db, probe.service, [record(db, "a", "fourth", 4)])
    assert (await applied(db))[-1] == ("a", "fourth")


async def test_an_event_waits_for_its_predecessor_only(open_probe: OpenProbe) -> None:
    probe = Probe()
    db = await open_probe(probe)
    await feed(db, probe.service, [record(db, "late", "needs x"), record(db, "other")])
    assert await applied(db) == [("other", "sold")]
    await feed(db, probe.service, [record(db, "x")])
    assert await retry_waiting(db, probe.service) == 1
    assert await applied(db) == [("other", "sold"), ("x", "sold"), ("late", "needs x")]
    assert await outcomes(db) == {"applied": 3}


async def test_waiting_ends_at_its_deadline_by_parking(open_probe: OpenProbe) -> None:
    probe = Probe()
    db = await open_probe(probe)
    await feed(db, probe.service, [record(db, "late", "needs nobody")])
    later = db.center.now() + timedelta(days=1)
    object.__setattr__(db.center, "now", lambda: later)
    await retry_waiting(db, probe.service)
    assert await outcomes(db) == {"parked": 1}


async def test_a_gap_waits_for_the_missing_number_and_order_is_kept(open_probe: OpenProbe) -> None:
    probe = Probe()
    db = await open_probe(probe)
    await feed(db, probe.service, [record(db, "a", "1", 1)])
    await feed(db, probe.service, [record(db, "a", "3", 3)])
    await feed(db, probe.service, [record(db, "a", "4", 4)])
    assert [reason for _, reason in await applied(db)] == ["1"]
    await feed(db, probe.service, [record(db, "a", "2", 2)])
    await retry_waiting(db, probe.service)
    assert [reason for _, reason in await applied(db)] == ["1", "2", "3", "4"]


async def test_a_gap_that_nobody_fills_is_stepped_over_in_time(open_probe: OpenProbe) -> None:
    probe = Probe()
    db = await open_probe(probe)
    await feed(db, probe.service, [record(db, "a", "1", 1), record(db, "a", "3", 3)])
    later = db.center.now() + timedelta(minutes=1)
    object.__setattr__(db.center, "now", lambda: later)
    await retry_waiting(db, probe.service)
    assert [reason for _, reason in await applied(db)] == ["1", "3"]


async def test_money_halts_its_topic_instead_of_parking(open_probe: OpenProbe) -> None:
    probe = Probe(halts=True)
    probe.broken = {"poison"}
    db = await open_probe(probe)
    with pytest.raises(Halted):
        await feed(db, probe.service, [record(db, "a"), record(db, "b", "poison"), record(db, "c")])
    assert [id for id, _ in await applied(db)] == ["a"]
    async with db.transaction() as session:
        halted = (await session.execute(text("SELECT topic, rule FROM halted"))).all()
        position = (await session.execute(text("SELECT count(*) FROM position"))).scalar_one()
    assert [tuple(row) for row in halted] == [("ctta.beijing.listing", "bug.ValueError")]
    assert position == 1


FORGERIES = {
    "record.unsigned": lambda r, _: swap(r, ce_signature=None),
    "record.bad_signature": lambda r, _: Record(r.topic, 0, r.offset, r.key, (r.value or b"") + b" ", r.headers),
    "record.foreign_center": lambda r, _: Record("ctta.south.listing", 0, r.offset, r.key, r.value, r.headers),
    "record.oversized": lambda r, _: Record(r.topic, 0, r.offset, r.key, b"x" * 1_000_001, r.headers),
    "record.malformed": lambda r, _: Record(r.topic, 0, r.offset, r.key, r.value, (*r.headers, ("ce_extra", None))),
}


def swap(r: Record, **headers: bytes | None) -> Record:
    kept = tuple((name, value) for name, value in r.headers if name not in headers)
    added = tuple((name, value) for name, value in headers.items() if value is not None)
    return Record(r.topic, r.partition, r.offset, r.key, r.value, kept + added)


@pytest.mark.parametrize("rule", sorted(FORGERIES))
async def test_what_is_not_authentic_is_refused_at_the_door_and_parks_nothing(open_probe: OpenProbe, rule: str) -> None:
    probe = Probe()
    db = await open_probe(probe)
    forged = FORGERIES[rule](record(db, "a"), uuid4())
    await feed(db, probe.service, [forged, record(db, "b")])
    assert await applied(db) == [("b", "sold")]
    assert await outcomes(db) == {"applied": 1}


async def test_a_replayed_record_on_another_topic_and_an_unknown_type_are_left_alone(open_probe: OpenProbe) -> None:
    probe = Probe()
    db = await open_probe(probe)
    one = record(db, "a")
    unknown = swap(one, ce_type=b"ctta.listing.listing.invented.v9")
    await feed(db, probe.service, [unknown, one, one])
    assert await applied(db) == [("a", "sold")]


async def test_a_sealed_body_signed_again_by_another_center_is_refused(open_database: OpenDatabase) -> None:
    """South takes the body that Beijing sealed for East and announces it under its own name."""
    seen: list[str] = []

    async def note(session: Session, event: InterestDeclined, cause: Envelope) -> None:
        seen.append(cause.center)

    service = Service("escrow", package="tests.runtime")
    service.react(InterestDeclined, note, noun="deal")
    db = await open_database(service)
    event = InterestDeclined(to="east", interest_id="int_1", offer_id="lst_1", owner_center="beijing", reason="sold")
    genuine = signed_record(center_of(db.center.settings.trust, "beijing", "matching"), event)
    south = center_of(db.center.settings.trust, "south", "matching")
    stolen = dict(signed_record(south, event).headers) | {"ce_id": dict(genuine.headers)["ce_id"]}
    headers = {name: (value or b"").decode() for name, value in stolen.items()}
    topic, key, body = "ctta.south.matching.to.east", b"int_1", genuine.value or b""
    headers["ce_signature"] = sign(south.keyring.signing_key, topic=topic, key=key, headers=headers, body=body)
    forged = Record(topic, 0, 1, key, body, tuple((name, value.encode()) for name, value in headers.items()))
    await feed(db, service, [forged, genuine])
    assert seen == ["beijing"]
    assert await outcomes(db) == {"applied": 1}


async def test_an_unknown_enum_value_and_an_unknown_field_are_kept_or_ignored(open_probe: OpenProbe) -> None:
    probe = Probe()
    db = await open_probe(probe)
    speaker = center_of(db.center.settings.trust, "beijing", "listing")
    newer = ListingWithdrawn.model_construct(
        listing_id="a", center="beijing", kind="quantum-annealer-time-share", reason="sold", colour="blue"
    )
    await feed(db, probe.service, [signed_record(speaker, newer)])
    assert await applied(db) == [("a", "sold")]


async def test_types_that_a_noun_does_not_read_leave_no_gap_behind(open_probe: OpenProbe) -> None:
    probe = Probe()
    db = await open_probe(probe)
    speaker = center_of(db.center.settings.trust, "beijing", "listing")
    other = ListingReserved(listing_id="a", center="beijing", kind="technology")
    first, third = record(db, "a", "1", 1), record(db, "a", "3", 3)
    await feed(db, probe.service, [first, signed_record(speaker, other, sequence=2), third])
    assert [reason for _, reason in await applied(db)] == ["1", "3"]
    await feed(db, probe.service, [signed_record(speaker, other, sequence=4)])
    await feed(db, probe.service, [record(db, "a", "5", 5)])
    assert [reason for _, reason in await applied(db)] == ["1", "3", "5"]


async def held_rows(db: Database) -> list[tuple[str, str]]:
    async with db.transaction() as session:
        rows = await session.execute(text("SELECT state, rule FROM held ORDER BY n"))
        return [(state, rule) for state, rule in rows]


@pytest.mark.parametrize("number", [b"9" * 30, b"-1", b"1_0"])
async def test_a_sequence_that_no_column_takes_is_refused_at_the_door(open_probe: OpenProbe, number: bytes) -> None:
    probe = Probe()
    db = await open_probe(probe)
    speaker = center_of(db.center.settings.trust, "beijing", "listing")
    one = signed_again(speaker, record(db, "a"), ce_sequence=number.decode())
    await feed(db, probe.service, [one, record(db, "b")])
    assert await applied(db) == [("b", "sold")]


@pytest.mark.parametrize("key", [b"a\0b", b"k" * 3000])
async def test_a_key_that_no_column_takes_stops_nobody(open_probe: OpenProbe, key: bytes) -> None:
    probe = Probe()
    db = await open_probe(probe)
    one = record(db, "a")
    speaker = center_of(db.center.settings.trust, "beijing", "listing")
    authentic = signed_again(speaker, Record(one.topic, 0, 1, key, one.value, one.headers))
    passing = swap(authentic, ce_type=b"ctta.listing.listing.invented.v9")
    await feed(db, probe.service, [authentic, passing, record(db, "b")])
    assert await applied(db) == [("b", "sold")]


def signed_again(speaker: Center, r: Record, **changed: str) -> Record:
    """The record with other headers, signed by the speaker as they are now."""
    headers = {name: (value or b"").decode() for name, value in r.headers} | changed
    headers["ce_signature"] = sign(
        speaker.keyring.signing_key, topic=r.topic, key=r.key or b"", headers=headers, body=r.value or b""
    )
    return Record(r.topic, 0, r.offset, r.key, r.value, tuple((k, v.encode()) for k, v in headers.items()))


async def test_a_value_that_no_column_takes_is_a_bug_and_not_tried_for_ever(open_probe: OpenProbe) -> None:
    async def overflow(session: Session, event: ListingWithdrawn, cause: Envelope) -> None:
        await (await driver(session)).execute("SELECT $1::bigint", 10**30)

    probe = Probe()
    probe.service = Service("matching", package="tests.runtime")
    probe.service.react(ListingWithdrawn, overflow, noun="probe")
    db = await open_probe(probe)
    await feed(db, probe.service, [record(db, "a")])
    assert await outcomes(db) == {"parked": 1}


async def test_a_row_that_was_only_added_counts_as_a_write_before_a_refusal(open_probe: OpenProbe) -> None:
    probe = Probe()

    async def add_then_refuse(session: Session, event: ListingWithdrawn, cause: Envelope) -> None:
        if event.reason == "refuse":
            session.add(Applied(id=event.listing_id, reason="never"))
            raise NotWelcome(id=event.listing_id)
        await probe.on_withdrawn(session, event, cause)

    probe.service = Service("matching", package="tests.runtime")
    probe.service.react(ListingWithdrawn, add_then_refuse, noun="probe")
    db = await open_probe(probe)
    await feed(db, probe.service, [record(db, "a"), record(db, "b", "refuse"), record(db, "c")])
    assert await applied(db) == [("a", "sold"), ("c", "sold")]
    assert await held_rows(db) == [("parked", "bug.RefusedAfterWriting")]


async def test_an_event_of_another_center_with_the_id_of_a_duplicate_does_not_revive_it(open_probe: OpenProbe) -> None:
    probe = Probe()
    db = await open_probe(probe)
    one = record(db, "a")
    await feed(db, probe.service, [one])
    south = center_of(db.center.settings.trust, "south", "listing")
    same_id = UUID((dict(one.headers)["ce_id"] or b"").decode())
    await feed(db, probe.service, [signed_record(south, withdrawn("b"), id=same_id), one])
    assert await applied(db) == [("a", "sold"), ("b", "sold")]


async def test_a_duplicate_whose_inbox_row_was_pruned_does_not_queue_behind_its_key(open_probe: OpenProbe) -> None:
    probe = Probe()
    probe.broken = {"poison"}
    db = await open_probe(probe)
    first = record(db, "a", "1", 1)
    await feed(db, probe.service, [first])
    later = db.center.now() + timedelta(days=40)
    object.__setattr__(db.center, "now", lambda: later)
    async with db.transaction() as session:
        await session.execute(text("DELETE FROM inbox"))
    await feed(db, probe.service, [record(db, "a", "poison", 2), first])
    assert await held_rows(db) == [("parked", "bug.ValueError")]


async def test_an_event_that_is_made_to_wait_in_bulk_holds_its_key_for_other_types(open_probe: OpenProbe) -> None:
    seen: list[str] = []

    async def wait(session: Session, received: list[Received[ListingReserved]]) -> None:
        raise NotYet("something")

    async def note(session: Session, event: ListingWithdrawn, cause: Envelope) -> None:
        seen.append(event.listing_id)

    probe = Probe()
    probe.service = Service("matching", package="tests.runtime")
    probe.service.react_many(ListingReserved, wait, noun="probe")
    probe.service.react(ListingWithdrawn, note, noun="probe")
    db = await open_probe(probe)
    speaker = center_of(db.center.settings.trust, "beijing", "listing")
    reserved = signed_record(speaker, ListingReserved(listing_id="a", center="beijing", kind="technology"))
    await feed(db, probe.service, [reserved, record(db, "a", sequence=2), record(db, "b")])
    assert seen == ["b"]
    assert await held_rows(db) == [("waiting", "not-yet"), ("waiting", "behind-its-key")]


async def test_a_record_whose_key_is_not_listed_yet_holds_only_its_partition_and_is_refused_in_time(
    open_probe: OpenProbe,
) -> None:
    probe = Probe()
    db = await open_probe(probe)
    beijing = center_of(db.center.settings.trust, "beijing", "listing")
    key = replace(beijing.keyring.signing_key, kid="beijing/listing/99")
    new = replace(beijing, keyring=replace(beijing.keyring, signing_key=key))
    early = signed_record(new, withdrawn("a"), offset=7)
    south = signed_record(center_of(db.center.settings.trust, "south", "listing"), withdrawn("b"))
    runner = Runner(db.center, db, probe.service.nouns["probe"], key_patience_s=60)
    logs = {early.topic: "log", south.topic: "log"}
    assert await runner.run_batch([early, record(db, "c"), south], logs) == {(early.topic, 0): 7}
    assert await applied(db) == [("b", "sold")]
    runner.key_patience_s = 0
    assert await runner.run_batch([early, record(db, "c"), south], logs) == {}
    assert await applied(db) == [("b", "sold"), ("c", "sold")]


async def test_what_waited_too_long_is_announced_and_halts_where_money_is_concerned(open_probe: OpenProbe) -> None:
    probe = Probe(halts=True)
    db = await open_probe(probe)
    await feed(db, probe.service, [record(db, "late", "needs nobody")])
    later = db.center.now() + timedelta(days=1)
    object.__setattr__(db.center, "now", lambda: later)
    await retry_waiting(db, probe.service)
    (told,) = await emitted(db, EventParked)
    assert isinstance(told, EventParked)
    assert (told.rule, told.halted) == ("waited-too-long", True)


async def test_too_many_parked_means_in_a_row(open_probe: OpenProbe) -> None:
    probe = Probe()
    probe.broken = {"poison"}
    db = await open_probe(probe)
    runner = Runner(db.center, db, probe.service.nouns["probe"])
    for n in range(3):
        await runner.run_batch([record(db, f"bad-{n}", "poison")], {})
        assert runner.parked_in_row == 1
        await runner.run_batch([record(db, f"good-{n}")], {})
        assert runner.parked_in_row == 0
