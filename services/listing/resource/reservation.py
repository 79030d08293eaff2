"""A deal holds a listing: granted or refused here, at the listing's center, and ended by the deal's home alone."""

from sqlmodel import select

from services.listing.resource import domain, handlers
from services.listing.resource.handlers import Change
from services.listing.resource.refusals import NotHeld, SpeaksForAnother, UnknownListing
from services.listing.resource.tables import AcceptedInterest, Listing, Reservation
from shared.center import Center
from shared.db import Session
from shared.errors import NotYet, Refused
from shared.events import emit
from shared.schemas.base import Envelope
from shared.schemas.escrow import DealCompleted, DealOpened
from shared.schemas.listing import ReservationGranted, ReservationRefused, Status, Tier
from shared.schemas.matching import InterestAccepted
from shared.telemetry import tell

HELD, REFUSED, RETURNED, TRANSACTED = "held", "refused", "returned", "transacted"


async def note_accepted(session: Session, event: InterestAccepted, cause: Envelope) -> None:
    """What this center's own matching service accepted. What other centers accept is about their listings."""
    me: Center = session.info["center"]
    if not cause.center == event.owner_center == me.id:
        return
    if await session.get(AcceptedInterest, event.interest_id) is None:
        session.add(
            AcceptedInterest(
                id=event.interest_id, listing_id=event.offer_id, seeker_center=event.seeker_center, at=me.now()
            )
        )


async def hold_for_deal(session: Session, event: DealOpened, cause: Envelope) -> None:
    """Reserve the listing for the deal, or say which rule is against it. A repeat gets the first answer again.

    Raises SpeaksForAnother when the deal's home is not the center that speaks, or not the one whose interest in this
    listing was accepted here; NotYet before that is known.
    """
    if event.home != cause.center:
        raise SpeaksForAnother(speaker=cause.center, center=event.home)
    interest = await session.get(AcceptedInterest, event.interest_id)
    if interest is None:
        raise NotYet(event.interest_id)
    if (interest.seeker_center, interest.listing_id) != (event.home, event.listing_id):
        raise SpeaksForAnother(speaker=cause.center, center=interest.seeker_center)
    tell(event.deal_id, listing_id=event.listing_id)
    listing = await session.get(Listing, event.listing_id, with_for_update=True)
    earlier = await session.get(Reservation, event.deal_id)
    if earlier is not None:
        if earlier.home != event.home or earlier.listing_id != event.listing_id:
            raise SpeaksForAnother(speaker=cause.center, center=earlier.home)
        return _answer(session, event, earlier.rule)
    rule = await _obstacle(session, event, listing)
    answer = Reservation(
        deal_id=event.deal_id, listing_id=event.listing_id, home=event.home,
        outcome=REFUSED if rule else HELD, rule=rule, at=session.info["center"].now(),
    )  # fmt: skip
    session.add(answer)
    if listing is not None and rule is None:
        await handlers.advance(session, listing, Status.RESERVED, Change(event.deal_id))
    _answer(session, event, rule)


async def _obstacle(session: Session, event: DealOpened, listing: Listing | None) -> str | None:
    """The rule that is against the reservation, if any."""
    try:
        if listing is None:
            raise UnknownListing()
        holding = select(Reservation.deal_id).where(Reservation.listing_id == listing.id, Reservation.outcome == HELD)
        domain.check_reservable(
            Status(listing.status),
            known=domain.alliance_knows(Tier(listing.tier), listing.published_at),
            held=(await session.exec(holding)).first() is not None,
            own_deal=event.home == session.info["center"].id,
            is_sellers=event.seller_organisation_id == listing.organisation_id,
        )
    except Refused as refusal:
        return refusal.rule
    return None


def _answer(session: Session, event: DealOpened, rule: str | None) -> None:
    if rule is None:
        emit(session, ReservationGranted(to=event.home, listing_id=event.listing_id, deal_id=event.deal_id))
    else:
        emit(session, ReservationRefused(to=event.home, listing_id=event.listing_id, deal_id=event.deal_id, rule=rule))


async def end_with_deal(session: Session, event: DealCompleted, cause: Envelope) -> None:
    """The deal is over: the listing is transacted, or offered again where nothing was paid.

    Raises NotHeld when this deal of that center holds no listing here.
    """
    tell(event.deal_id, listing_id=event.listing_id)
    held = await session.get(Reservation, event.deal_id, with_for_update=True)
    if held is None or held.outcome != HELD or held.home != cause.center or held.listing_id != event.listing_id:
        raise NotHeld(deal=event.deal_id)
    listing = await session.get_one(Listing, held.listing_id, with_for_update=True)
    held.outcome = TRANSACTED if event.transacted else RETURNED
    held.ended_at = session.info["center"].now()
    target = Status.TRANSACTED if event.transacted else Status.PUBLISHED
    await handlers.advance(session, listing, target, Change(event.deal_id))
