"""What another center can make this one do by what it says: nothing that is not its own to decide."""

from typing import Any

import pytest

from services.escrow.app import service
from services.escrow.deal.opening import deal_id_of
from shared.db import Database
from shared.ids import new_id
from shared.schemas import escrow, matching
from shared.schemas.listing import ReservationGranted
from shared.schemas.money import Money
from tests.escrow.play import BUYER, CONTRACT, EVIDENCE, SELLER, Play, sql
from tests.fixtures import OpenDatabase, deliver, emitted, retry_waiting


async def refused(db: Database) -> list[str]:
    """Rules by which events were refused here."""
    return [row["rule"] for row in await sql(db, "SELECT rule FROM inbox WHERE outcome = 'refused'")]


async def waiting(db: Database) -> list[str]:
    """What events wait for here."""
    return [row["waits_for"] for row in await sql(db, "SELECT waits_for FROM held WHERE state = 'waiting'")]


async def deals(db: Database) -> int:
    """How many deals this center knows."""
    return int((await sql(db, "SELECT count(*) AS n FROM deal"))[0]["n"])


async def test_an_answer_to_an_interest_nobody_expressed_here_opens_nothing(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await deliver(play.home, service, play.accepted_interest(), source="east")
    assert await deals(play.home) == 0
    assert await waiting(play.home) == [play.interest_id]
    await deliver(play.home, service, play.expressed_interest(), source="beijing")  # it was only ahead of it
    assert await retry_waiting(play.home, service) == 1
    assert await deals(play.home) == 1


@pytest.mark.parametrize(
    "change", [{"seeker_organisation_id": "org_accomplice"}, {"demand_id": "lst_other"}, {"offer_id": "lst_other"}]
)
async def test_the_owners_center_does_not_say_who_seeks_what(
    open_database: OpenDatabase, change: dict[str, Any]
) -> None:
    play = await Play.start(open_database)
    await deliver(play.home, service, play.expressed_interest(), source="beijing")
    await deliver(play.home, service, play.accepted_interest().model_copy(update=change), source="east")
    assert (await deals(play.home), await refused(play.home)) == (0, ["not-a-party"])


async def test_a_third_center_answers_no_interest(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await deliver(play.home, service, play.expressed_interest(), source="beijing")
    stolen = play.accepted_interest().model_copy(update={"owner_center": "south"})
    await deliver(play.home, service, play.accepted_interest(), stolen, source="south")
    assert (await deals(play.home), await refused(play.home)) == (0, ["not-a-party"] * 2)


async def test_what_others_express_is_not_kept_as_ours(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    forged = play.expressed_interest().model_copy(update={"to": "beijing"})
    await deliver(play.home, service, forged, source="east")
    assert await sql(play.home, "SELECT id FROM interest") == []


def opened(play: Play, **change: Any) -> escrow.DealOpened:
    """What the home says, with something changed."""
    said: dict[str, Any] = {
        "to": "east", "deal_id": deal_id_of(play.interest_id, "beijing"), "home": "beijing",
        "interest_id": play.interest_id, "listing_id": play.listing_id, "demand_id": "lst_demand",
        "buyer_organisation_id": BUYER, "seller_organisation_id": SELLER,
    }  # fmt: skip
    return escrow.DealOpened(**said | change)


@pytest.mark.parametrize(
    "change",
    [
        {"seller_organisation_id": "org_other"},
        {"buyer_organisation_id": "org_other"},
        {"listing_id": "lst_other"},
        {"deal_id": new_id("dea")},  # another home's deal, whose id it has seen
        {"home": "south"},
    ],
)
async def test_a_deal_is_copied_for_an_interest_accepted_here_only(
    open_database: OpenDatabase, change: dict[str, Any]
) -> None:
    play = await Play.start(open_database)
    await deliver(play.seller, service, play.accepted_interest(), source="east")
    await deliver(play.seller, service, opened(play, **change), source="beijing")
    assert (await deals(play.seller), await refused(play.seller)) == (0, ["not-a-party"])


async def test_a_deal_about_an_interest_unknown_here_waits(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await deliver(play.seller, service, opened(play), source="beijing")
    assert (await deals(play.seller), await waiting(play.seller)) == (0, [play.interest_id])
    taken = opened(play, home="south", deal_id=deal_id_of(play.interest_id, "south"))
    await deliver(play.seller, service, play.accepted_interest(), source="east")
    await deliver(play.seller, service, taken, source="south")  # accepted for beijing, not for it
    assert await refused(play.seller) == ["not-a-party"]
    await retry_waiting(play.seller, service)
    assert await deals(play.seller) == 1


async def test_a_home_that_names_anothers_payment_moves_nothing_of_it(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    await play.deliver(1)
    await play.accept(1)
    path = f"/deals/{play.deal_id}/milestones/1/release"
    assert (await play.post(play.home, path, subject="bob")).status_code == 200
    payment = (await emitted(play.home, escrow.TransferPrepared))[-1]
    assert isinstance(payment, escrow.TransferPrepared)
    liar = await funded_by_south(play)
    named = escrow.MilestoneReleased(
        to="east", deal_id=liar, number=1, transfer_id=payment.transfer_id, amount=Money(minor=5)
    )
    await deliver(play.seller, service, named, source="south")
    await play.wire.carry()
    assert (await play.states(play.seller))[1] == ["paid", "pending"]
    theirs = await sql(play.seller, "SELECT state FROM milestone WHERE deal_id = $1", liar)
    assert [row["state"] for row in theirs] == ["releasing"]


async def funded_by_south(play: Play) -> str:
    """A deal of one milestone at the seller's center whose home is south, delivered; its id."""
    interest, listing = new_id("int"), new_id("lst")
    deal = deal_id_of(interest, "south")

    async def say(event: Any, source: str) -> None:
        await deliver(play.seller, service, event, source=source)

    parties: dict[str, Any] = {"interest_id": interest, "demand_id": "lst_demand"}
    await say(
        matching.InterestAccepted(
            to="south", offer_id=listing, seeker_center="south", seeker_organisation_id="org_south",
            owner_center="east", owner_organisation_id=SELLER, **parties,
        ), "east")  # fmt: skip
    await say(
        escrow.DealOpened(
            to="east", deal_id=deal, home="south", listing_id=listing, buyer_organisation_id="org_south",
            seller_organisation_id=SELLER, **parties,
        ), "south")  # fmt: skip
    await say(ReservationGranted(to="south", listing_id=listing, deal_id=deal), "east")
    terms = [escrow.MilestoneTerms(number=1, title="all", amount=Money(minor=5))]
    await say(
        escrow.TermsProposed(
            to="east", deal_id=deal, contract_type="licence", contract_sha256=CONTRACT, milestones=terms
        ), "south")  # fmt: skip
    agreed = await play.post(play.seller, f"/deals/{deal}/agreement", {"contract_sha256": CONTRACT})
    await say(escrow.DealFunded(to="east", deal_id=deal, amount=Money(minor=5)), "south")
    path = f"/deals/{deal}/milestones/1/delivery"
    delivered = await play.post(play.seller, path, {"evidence_sha256": EVIDENCE})
    assert agreed.status_code == delivered.status_code == 200
    await say(escrow.MilestoneAccepted(to="east", deal_id=deal, number=1), "south")
    return deal
