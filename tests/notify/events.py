"""One story between east, where the demand and the buyer are, and beijing, where the offer and the seller are."""

from datetime import UTC, datetime
from typing import Any

from shared.schemas.base import Event, Text
from shared.schemas.escrow import (
    DealCompleted,
    DealFunded,
    DealOpened,
    MilestoneAccepted,
    MilestoneDelivered,
    MilestoneReleased,
    MilestoneTerms,
    TermsAgreed,
    TermsProposed,
    TransferDecided,
    TransferPrepared,
    TransferSettled,
)
from shared.schemas.listing import (
    ListingPublished,
    ListingReleased,
    ListingReserved,
    ListingState,
    OrganisationState,
    ReservationGranted,
)
from shared.schemas.matching import InterestAccepted, InterestExpressed, MatchFound
from shared.schemas.money import Money

BUYER, SELLER, OTHER = "org_b" + "0" * 31, "org_a" + "0" * 31, "org_c" + "0" * 31
DEMAND, OFFER = "lst_d" + "0" * 31, "lst_f" + "0" * 31
MATCH, INTEREST, DEAL, TRANSFER = (f"{name}_{1:032x}" for name in ("mat", "int", "dea", "trf"))
PRICE = Money(minor=12_000_000)
TITLES = {
    DEMAND: Text(zh="印染废水回用", en="Reuse of dyeing brine"),
    OFFER: Text(zh="高盐废水分盐", en="Salt separation"),
}
NAMES = {
    BUYER: Text(zh="东岸印染园", en="East Bank Dyeing Park"),
    SELLER: Text(zh="朔屿理工大学", en="Shuoyu University"),
}


def organisation(id: str, center: str, name: Text | None = None) -> OrganisationState:
    return OrganisationState(
        organisation_id=id, center=center, kind="company", name=name or NAMES.get(id, Text(en="Other"))
    )


def state(id: str, center: str, owner: str, kind: str = "technology", **said: Any) -> ListingState:
    facts: dict[str, Any] = {
        "listing_id": id, "center": center, "organisation_id": owner, "organisation_name": Text(en="Owner"),
        "kind": kind, "status": "published", "listing_version": 1, "title": TITLES.get(id, Text(en=f"Listing {id}")),
    }  # fmt: skip
    return ListingState(**facts | said)


def published(id: str, center: str, owner: str, kind: str = "technology") -> ListingPublished:
    return ListingPublished(
        listing_id=id, center=center, organisation_id=owner, kind=kind, listing_version=1,
        title=TITLES.get(id, Text(en=f"Listing {id}")),
    )  # fmt: skip


def match(id: str = MATCH, offer_id: str = OFFER, to: str = "beijing") -> MatchFound:
    return MatchFound(
        to=to, match_id=id, demand_id=DEMAND, demand_version=1, offer_id=offer_id, offer_version=1,
        demand_center="east", offer_center="beijing", offer_kind="technology", score=0.73, components={"lexical": 0.73},
    )  # fmt: skip


def opened(to: str = "beijing") -> DealOpened:
    return DealOpened(
        to=to, deal_id=DEAL, home="east", interest_id=INTEREST, listing_id=OFFER, demand_id=DEMAND,
        buyer_organisation_id=BUYER, seller_organisation_id=SELLER,
    )  # fmt: skip


def known() -> list[tuple[str, Event]]:
    """What ids stand for: (speaking center, event)."""
    return [
        ("east", organisation(BUYER, "east")),
        ("beijing", organisation(SELLER, "beijing")),
        ("east", state(DEMAND, "east", BUYER, "demand")),
        ("beijing", state(OFFER, "beijing", SELLER)),
    ]


def listed() -> list[tuple[str, Event]]:
    """Both listings are published and meet."""
    return [
        ("east", published(DEMAND, "east", BUYER, "demand")),
        ("beijing", published(OFFER, "beijing", SELLER)),
        ("east", match()),
    ]


def agreed() -> list[tuple[str, Event]]:
    """From interest to contract."""
    interest = {"interest_id": INTEREST, "demand_id": DEMAND, "offer_id": OFFER, "seeker_center": "east"}
    terms = [MilestoneTerms(number=1, title="Pilot plant", amount=PRICE)]
    return [
        ("east", InterestExpressed(to="beijing", match_id=MATCH, seeker_organisation_id=BUYER, **interest,
                                   answer_by=datetime(2026, 4, 1, tzinfo=UTC))),
        ("beijing", InterestAccepted(to="east", owner_center="beijing", owner_organisation_id=SELLER,
                                     seeker_organisation_id=BUYER, **interest)),
        ("east", opened()),
        ("beijing", ReservationGranted(to="east", listing_id=OFFER, deal_id=DEAL)),
        ("beijing", ListingReserved(listing_id=OFFER, center="beijing", kind="technology")),
        ("east", TermsProposed(to="beijing", deal_id=DEAL, contract_type="licence", contract_sha256="a" * 64,
                               milestones=terms)),
        ("beijing", TermsAgreed(to="east", deal_id=DEAL, contract_sha256="a" * 64)),
    ]  # fmt: skip


def paid() -> list[tuple[str, Event]]:
    """From money to the end."""
    transfer = {"transfer_id": TRANSFER, "deal_id": DEAL}
    return [
        ("east", DealFunded(to="beijing", deal_id=DEAL, amount=PRICE)),
        ("beijing", MilestoneDelivered(to="east", deal_id=DEAL, number=1, evidence_sha256="b" * 64)),
        ("east", MilestoneAccepted(to="beijing", deal_id=DEAL, number=1)),
        ("east", MilestoneReleased(to="beijing", number=1, amount=PRICE, **transfer)),
        ("east", TransferPrepared(to="beijing", milestone=1, payee_organisation_id=SELLER, amount=PRICE, **transfer)),
        ("beijing", TransferDecided(to="east", decision="fulfilled", decision_number=1, **transfer)),
        ("east", TransferSettled(to="beijing", outcome="posted", amount=PRICE, **transfer)),
        ("east", DealCompleted(to="beijing", deal_id=DEAL, listing_id=OFFER, transacted=True)),
        ("beijing", ListingReleased(listing_id=OFFER, center="beijing", kind="technology", transacted=True)),
    ]  # fmt: skip


def all_of_it() -> list[tuple[str, Event]]:
    return [*known(), *listed(), *agreed(), *paid()]
