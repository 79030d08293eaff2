"""Interests: expressed at the demand's center, answered at the offer's, each center writes down what the other said."""

from typing import Final

from sqlmodel import select

from services.matching.index.tables import Candidate
from services.matching.interest import domain
from services.matching.interest.domain import Status
from services.matching.interest.tables import Interest
from services.matching.match.tables import Match
from shared.db import Session
from shared.errors import NotFound, NotYet, Refused
from shared.events import emit
from shared.http import Person
from shared.ids import new_id
from shared.schemas.base import Envelope
from shared.schemas.matching import InterestAccepted, InterestDeclined, InterestExpressed

RULE: Final = "rule"
"""Who answered, where a rule did."""


class NotTheParty(Refused):
    """A center spoke about an interest that is not its own to speak about."""

    rule = "not-the-party"
    status = 403
    en = "Center {speaker} is not the {role} of interest {interest}."
    zh = "中心 {speaker} 不是合作意向 {interest} 的{role}。"


async def express(
    session: Session, demand_id: str, offer_id: str, message: str, person: Person, match_id: str | None = None
) -> Interest:
    """The demand's side wants to talk. Raises NotFound, NotHere, NotYours, NotOffered, NotAPair, AlreadyOpen."""
    center = session.info["center"]
    demand = await _candidate(session, demand_id, lock=True)
    offer = await _candidate(session, offer_id)
    domain.decided_at(demand.center, center.id)
    domain.may_act(demand_id, demand.organisation_id, person.roles, person.organisation_id)
    domain.pair((demand_id, demand.kind, demand.organisation_id), (offer_id, offer.kind, offer.organisation_id))
    domain.offered(demand_id, demand.status)
    domain.offered(offer_id, offer.status)
    if standing := await _open(session, demand_id, offer_id):
        raise domain.AlreadyOpen(interest=standing.interest_id)
    now = center.now()
    interest = Interest(
        interest_id=new_id("int"),
        match_id=match_id,
        demand_id=demand_id,
        offer_id=offer_id,
        seeker_center=center.id,
        seeker_organisation_id=demand.organisation_id,
        owner_center=offer.center,
        owner_organisation_id=offer.organisation_id,
        message=message,
        expressed_by=person.id,
        expressed_at=now,
        answer_by=domain.answer_by(now),
    )
    session.add(interest)
    emit(session, _expressed(interest))
    return interest


async def pair_of(session: Session, match_id: str) -> tuple[str, str]:
    """Demand and offer of a match. Raises NotFound."""
    match = await session.get(Match, match_id)
    if match is None:
        raise NotFound(what="match", id=match_id)
    return match.demand_id, match.offer_id


async def receive(session: Session, event: InterestExpressed, cause: Envelope) -> None:
    """At the owner's center: an interest in one of our listings has come. Raises NotTheParty, NotYet."""
    center = session.info["center"]
    if cause.center != event.seeker_center:
        raise NotTheParty(speaker=cause.center, role="seeker", interest=event.interest_id)
    if await session.get(Interest, event.interest_id):
        return  # both sides are this center: expressed here
    offer = await session.get(Candidate, event.offer_id)
    if offer is None:
        raise NotYet(event.offer_id)
    if offer.center != center.id:
        raise NotTheParty(speaker=center.id, role="owner", interest=event.interest_id)
    demand = await session.get(Candidate, event.demand_id)
    if demand is not None and demand.center != cause.center:
        raise NotTheParty(speaker=cause.center, role="seeker", interest=event.interest_id)
    interest = Interest(
        **event.model_dump(include=set(_CARRIED)),
        owner_center=center.id,
        owner_organisation_id=offer.organisation_id,
        expressed_at=cause.time,
    )
    session.add(interest)
    if offer.status != "published":
        _decline(session, interest, domain.NO_LONGER_OFFERED, RULE)


_CARRIED: Final = (
    "interest_id", "match_id", "demand_id", "offer_id", "seeker_center", "seeker_organisation_id", "message",
    "answer_by",
)  # fmt: skip


async def accept(session: Session, interest_id: str, person: Person) -> Interest:
    """The owner's side accepts. Raises NotFound, NotHere, NotYours, AlreadyAnswered, NotOffered."""
    interest = await _to_answer(session, interest_id, Status.ACCEPTED, person)
    offer = await _candidate(session, interest.offer_id)
    domain.offered(interest.offer_id, offer.status)
    interest.status = Status.ACCEPTED
    interest.answered_at, interest.answered_by = session.info["center"].now(), person.id
    emit(session, _accepted(interest))
    return interest


async def decline(session: Session, interest_id: str, reason: str, person: Person) -> Interest:
    """The owner's side declines. Raises NotFound, NotHere, NotYours, AlreadyAnswered, ReasonMissing."""
    reason = domain.reason(reason)
    interest = await _to_answer(session, interest_id, Status.DECLINED, person)
    _decline(session, interest, reason, person.id)
    return interest


async def record_acceptance(session: Session, event: InterestAccepted, cause: Envelope) -> None:
    """At the seeker's center: the owner accepted. Raises NotTheParty, NotYet, AlreadyAnswered."""
    await _record(session, event, cause, Status.ACCEPTED, None)


async def record_decline(session: Session, event: InterestDeclined, cause: Envelope) -> None:
    """At the seeker's center: the owner declined. Raises NotTheParty, NotYet, AlreadyAnswered."""
    await _record(session, event, cause, Status.DECLINED, event.reason)


async def _record(
    session: Session, event: InterestAccepted | InterestDeclined, cause: Envelope, to: Status, reason: str | None
) -> None:
    interest = await session.get(Interest, event.interest_id, with_for_update=True)
    if interest is None:
        raise NotYet(event.interest_id)
    if cause.center != interest.owner_center:
        raise NotTheParty(speaker=cause.center, role="owner", interest=event.interest_id)
    if interest.status == to:
        return  # both sides are this center: answered here
    interest.status = domain.move(interest.interest_id, Status(interest.status), to)
    interest.reason, interest.answered_at = reason, cause.time


async def _to_answer(session: Session, interest_id: str, to: Status, person: Person) -> Interest:
    """The interest, locked, for an answer by this person. Raises NotFound, NotHere, NotYours, AlreadyAnswered."""
    interest = await session.get(Interest, interest_id, with_for_update=True)
    if interest is None:
        raise NotFound(what="interest", id=interest_id)
    domain.decided_at(interest.owner_center, session.info["center"].id)
    domain.may_act(interest.offer_id, interest.owner_organisation_id, person.roles, person.organisation_id)
    domain.move(interest_id, Status(interest.status), to)
    return interest


def _decline(session: Session, interest: Interest, reason: str, by: str) -> None:
    interest.status, interest.reason = Status.DECLINED, reason
    interest.answered_at, interest.answered_by = session.info["center"].now(), by
    emit(session, _declined(interest))


async def _candidate(session: Session, listing_id: str, *, lock: bool = False) -> Candidate:
    candidate = await session.get(Candidate, listing_id, with_for_update=lock or None)
    if candidate is None:
        raise NotFound(what="listing", id=listing_id)
    return candidate


async def _open(session: Session, demand_id: str, offer_id: str) -> Interest | None:
    found = select(Interest).where(
        Interest.demand_id == demand_id, Interest.offer_id == offer_id, Interest.status == Status.OPEN
    )
    return (await session.exec(found)).first()


def _expressed(interest: Interest) -> InterestExpressed:
    return InterestExpressed(to=interest.owner_center, **interest.model_dump(include=set(_CARRIED)))


def _accepted(interest: Interest) -> InterestAccepted:
    return InterestAccepted(
        to=interest.seeker_center,
        interest_id=interest.interest_id,
        demand_id=interest.demand_id,
        offer_id=interest.offer_id,
        seeker_center=interest.seeker_center,
        seeker_organisation_id=interest.seeker_organisation_id,
        owner_center=interest.owner_center,
        owner_organisation_id=interest.owner_organisation_id,
    )


def _declined(interest: Interest) -> InterestDeclined:
    return InterestDeclined(
        to=interest.seeker_center,
        interest_id=interest.interest_id,
        offer_id=interest.offer_id,
        owner_center=interest.owner_center,
        reason=interest.reason or "",
    )
