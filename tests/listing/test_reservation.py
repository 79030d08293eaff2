"""A deal holds a listing: one at a time, answered to its home, ended by its home alone."""

import asyncio

import pytest

from services.listing.app import service
from shared.db import Database, driver
from shared.schemas.escrow import DealCompleted, DealOpened
from shared.schemas.listing import (
    ListingReleased,
    ListingReserved,
    ListingState,
    ReservationGranted,
    ReservationRefused,
)
from tests.fixtures import OpenDatabase, center_of, deliver, emitted, feed, signed_record
from tests.listing.market import officer, published, registered, technology

ANSWERS = (ReservationGranted, ReservationRefused)


@pytest.fixture
async def db(open_database: OpenDatabase) -> Database:
    return await open_database(service)


def opened(listing_id: str, seller: str, deal_id: str = "dea_1", home: str = "beijing") -> DealOpened:
    return DealOpened(
        to="east", deal_id=deal_id, home=home, interest_id="int_1", listing_id=listing_id, demand_id="lst_d",
        buyer_organisation_id="org_b", seller_organisation_id=seller,
    )  # fmt: skip


def completed(listing_id: str, deal_id: str = "dea_1", *, transacted: bool) -> DealCompleted:
    return DealCompleted(to="east", deal_id=deal_id, listing_id=listing_id, transacted=transacted)


async def status(db: Database, listing_id: str) -> str:
    async with db.transaction() as session:
        return str(await (await driver(session)).fetchval("SELECT status FROM listing WHERE id = $1", listing_id))


async def inbox(db: Database) -> list[tuple[str, str | None]]:
    async with db.transaction() as session:
        rows = await (await driver(session)).fetch("SELECT outcome, rule FROM inbox ORDER BY at, id")
        return [(row["outcome"], row["rule"]) for row in rows]


async def test_a_published_listing_is_held_and_then_transacted(db: Database) -> None:
    own = await registered(db)
    listing = await published(db, own)
    await deliver(db, service, opened(listing, own), source="beijing")
    assert await status(db, listing) == "reserved"
    async with officer(db) as olga:
        kept = await olga.post(f"/listing/listings/{listing}/withdrawal", json={"reason": "no"})
        edited = await olga.put(f"/listing/listings/{listing}", json=technology(trl=1), headers={"If-Match": "*"})
    assert (kept.json()["title"], edited.json()["title"]) == ("illegal-move", "not-editable")
    await deliver(db, service, completed(listing, transacted=True), source="beijing")
    assert await status(db, listing) == "transacted"
    events = (await emitted(db))[-5:]
    assert [type(event) for event in events] == [
        ListingReserved, ListingState, ReservationGranted, ListingReleased, ListingState,
    ]  # fmt: skip
    granted = events[2]
    assert isinstance(granted, ReservationGranted)
    assert (granted.to, granted.deal_id, granted.listing_id) == ("beijing", "dea_1", listing)
    assert isinstance(events[3], ListingReleased)
    assert events[3].transacted


async def test_a_refunded_deal_gives_the_listing_back_to_the_market(db: Database) -> None:
    own = await registered(db)
    listing = await published(db, own)
    await deliver(db, service, opened(listing, own), completed(listing, transacted=False), source="beijing")
    assert await status(db, listing) == "published"
    await deliver(db, service, opened(listing, own, "dea_2"), source="beijing")
    assert await status(db, listing) == "reserved"
    assert [type(event) for event in await emitted(db, *ANSWERS)] == [ReservationGranted, ReservationGranted]


async def test_of_two_deals_at_once_one_is_granted(db: Database) -> None:
    own = await registered(db)
    listing = await published(db, own)
    deals = [opened(listing, own, f"dea_{n}", home) for n, home in enumerate(["beijing", "south", "beijing", "south"])]
    escrow = {home: center_of(db.center.settings.trust, home, "escrow") for home in ("beijing", "south")}
    await asyncio.gather(*(feed(db, service, [signed_record(escrow[deal.home], deal)]) for deal in deals))
    answers = await emitted(db, *ANSWERS)
    assert sorted(type(answer).__name__ for answer in answers) == ["ReservationGranted"] + ["ReservationRefused"] * 3
    assert {answer.rule for answer in answers if isinstance(answer, ReservationRefused)} == {"held-for-another-deal"}
    assert len(await emitted(db, ListingReserved)) == 1


async def test_the_same_question_gets_the_same_answer(db: Database) -> None:
    own = await registered(db)
    listing = await published(db, own)
    await deliver(db, service, opened(listing, own), opened(listing, own), source="beijing")
    await deliver(db, service, opened("lst_gone", own, "dea_2"), opened("lst_gone", own, "dea_2"), source="beijing")
    answers = await emitted(db, *ANSWERS)
    assert [type(answer) for answer in answers] == [*[ReservationGranted] * 2, *[ReservationRefused] * 2]
    assert len(await emitted(db, ListingReserved)) == 1


async def test_what_can_not_be_held_is_refused_by_name(db: Database) -> None:
    own = await registered(db)
    secret, offered = await published(db, own, tier="center"), await published(db, own)
    async with officer(db) as olga:
        draft = await olga.post("/listing/listings", json=technology() | {"organisation_id": own})
    cases = [secret, "lst_none", draft.json()["listing_id"]]
    for n, listing in enumerate(cases):
        await deliver(db, service, opened(listing, own, f"dea_{n}"), source="beijing")
    await deliver(db, service, opened(offered, "org_other", "dea_9"), source="beijing")
    rules = [answer.rule for answer in await emitted(db, ReservationRefused) if isinstance(answer, ReservationRefused)]
    assert rules == ["unknown-listing", "unknown-listing", "unknown-listing", "wrong-seller"]
    await deliver(db, service, opened(secret, own, "dea_own", "east"), source="east")
    assert await status(db, secret) == "reserved"
    assert secret not in {event.subject for event in await emitted(db, ListingReserved, ListingState)}


async def test_no_center_speaks_for_another(db: Database) -> None:
    own = await registered(db)
    listing = await published(db, own)
    await deliver(db, service, opened(listing, own, home="beijing"), source="south")
    assert await status(db, listing) == "published"
    await deliver(db, service, opened(listing, own), source="beijing")
    await deliver(db, service, completed(listing, transacted=True), source="south")
    await deliver(db, service, completed(listing, "dea_7", transacted=True), source="beijing")
    assert await status(db, listing) == "reserved"
    assert sorted(rule for outcome, rule in await inbox(db) if outcome == "refused" and rule) == [
        "not-held", "not-held", "speaks-for-another",
    ]  # fmt: skip
