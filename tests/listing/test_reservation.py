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
from shared.schemas.matching import InterestAccepted
from tests.fixtures import OpenDatabase, center_of, deliver, emitted, feed, retry_waiting, signed_record
from tests.listing.market import officer, published, registered, technology

ANSWERS = (ReservationGranted, ReservationRefused)


@pytest.fixture
async def db(open_database: OpenDatabase) -> Database:
    return await open_database(service)


def opened(listing_id: str, seller: str, deal_id: str = "dea_1", home: str = "beijing") -> DealOpened:
    return DealOpened(
        to="east", deal_id=deal_id, home=home, interest_id=f"int_{deal_id}", listing_id=listing_id, demand_id="lst_d",
        buyer_organisation_id="org_b", seller_organisation_id=seller,
    )  # fmt: skip


def accepted(deal: DealOpened) -> InterestAccepted:
    """What east's own matching service said before the deal could be opened."""
    return InterestAccepted(
        to=deal.home, interest_id=deal.interest_id, demand_id="lst_d", offer_id=deal.listing_id,
        seeker_center=deal.home, seeker_organisation_id="org_b", owner_center="east", owner_organisation_id="org_s",
    )  # fmt: skip


async def ask(db: Database, *deals: DealOpened) -> None:
    """Each deal's interest was accepted here, then its home asks for the listing."""
    for deal in deals:
        await deliver(db, service, accepted(deal), source="east")
        await deliver(db, service, deal, source=deal.home)


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
    await ask(db, opened(listing, own))
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
    await ask(db, opened(listing, own))
    await deliver(db, service, completed(listing, transacted=False), source="beijing")
    assert await status(db, listing) == "published"
    await ask(db, opened(listing, own, "dea_2"))
    assert await status(db, listing) == "reserved"
    assert [type(event) for event in await emitted(db, *ANSWERS)] == [ReservationGranted, ReservationGranted]


async def test_of_two_deals_at_once_one_is_granted(db: Database) -> None:
    own = await registered(db)
    listing = await published(db, own)
    deals = [opened(listing, own, f"dea_{n}", home) for n, home in enumerate(["beijing", "south", "beijing", "south"])]
    escrow = {home: center_of(db.center.settings.trust, home, "escrow") for home in ("beijing", "south")}
    for deal in deals:
        await deliver(db, service, accepted(deal), source="east")
    await asyncio.gather(*(feed(db, service, [signed_record(escrow[deal.home], deal)]) for deal in deals))
    answers = await emitted(db, *ANSWERS)
    assert sorted(type(answer).__name__ for answer in answers) == ["ReservationGranted"] + ["ReservationRefused"] * 3
    assert {answer.rule for answer in answers if isinstance(answer, ReservationRefused)} == {"held-for-another-deal"}
    assert len(await emitted(db, ListingReserved)) == 1


async def test_the_same_question_gets_the_same_answer(db: Database) -> None:
    own = await registered(db)
    listing = await published(db, own)
    await ask(db, opened(listing, own), opened(listing, own))
    await ask(db, opened("lst_gone", own, "dea_2"), opened("lst_gone", own, "dea_2"))
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
        await ask(db, opened(listing, own, f"dea_{n}"))
    await ask(db, opened(offered, "org_other", "dea_9"))
    rules = [answer.rule for answer in await emitted(db, ReservationRefused) if isinstance(answer, ReservationRefused)]
    assert rules == ["unknown-listing", "unknown-listing", "unknown-listing", "wrong-seller"]
    await ask(db, opened(secret, own, "dea_own", "east"))
    assert await status(db, secret) == "reserved"
    assert secret not in {event.subject for event in await emitted(db, ListingReserved, ListingState)}


async def test_no_center_speaks_for_another(db: Database) -> None:
    own = await registered(db)
    listing = await published(db, own)
    await deliver(db, service, opened(listing, own, home="beijing"), source="south")
    assert await status(db, listing) == "published"
    await ask(db, opened(listing, own))
    await deliver(db, service, completed(listing, transacted=True), source="south")
    await deliver(db, service, completed(listing, "dea_7", transacted=True), source="beijing")
    assert await status(db, listing) == "reserved"
    assert sorted(rule for outcome, rule in await inbox(db) if outcome == "refused" and rule) == [
        "not-held", "not-held", "speaks-for-another",
    ]  # fmt: skip


async def test_nobody_holds_a_listing_without_an_interest_that_was_accepted_here(db: Database) -> None:
    own = await registered(db)
    listing, other = await published(db, own), await published(db, own)
    wanted = opened(listing, own)
    await deliver(db, service, wanted, source="beijing")
    assert await inbox(db) == [("waiting", "not-yet")]
    false_word = accepted(wanted).model_copy(update={"to": "east", "owner_center": "beijing"})
    await deliver(db, service, false_word, source="beijing")
    assert await status(db, listing) == "published"
    await deliver(db, service, accepted(wanted), source="east")
    await retry_waiting(db, service)
    assert await status(db, listing) == "reserved"
    twisted = opened(other, own, "dea_1").model_copy(update={"deal_id": "dea_8"})
    await deliver(db, service, twisted, source="beijing")
    assert await status(db, other) == "published"
