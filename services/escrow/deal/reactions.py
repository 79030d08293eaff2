"""What other centers, and the center's other services, tell about a deal.

A repeat changes nothing; what comes too early waits; a center that is no party is refused.
"""

from datetime import datetime

from services.escrow.clearing import handlers as clearing
from services.escrow.clearing.domain import ContradictingPeer
from services.escrow.clearing.tables import Incoming
from services.escrow.deal import domain, store
from services.escrow.deal.domain import DealState, MilestoneState, Side, Step
from services.escrow.deal.handlers import write_terms
from services.escrow.deal.payments import follow_outcome
from services.escrow.deal.refusals import NotParty
from shared.center import Center
from shared.db import Session
from shared.errors import NotYet
from shared.schemas.base import Envelope
from shared.schemas.escrow import (
    DealCompleted,
    DealFunded,
    MilestoneAccepted,
    MilestoneDelivered,
    MilestoneRefunded,
    MilestoneReleased,
    TermsAgreed,
    TermsProposed,
)
from shared.schemas.listing import ReservationGranted, ReservationRefused


def _now(session: Session) -> datetime:
    now: datetime = session.info["center"].now()
    return now


async def note_granted(session: Session, event: ReservationGranted, cause: Envelope) -> None:
    """Both sides read it: the home, to whom it is said, and the seller's center, whose listing service says it."""
    await _reserve(session, event, cause, Step.RESERVATION)


async def note_refused(session: Session, event: ReservationRefused, cause: Envelope) -> None:
    """The listing can't be held: the deal is cancelled on both sides."""
    await _reserve(session, event, cause, Step.REFUSAL)


async def _reserve(
    session: Session, event: ReservationGranted | ReservationRefused, cause: Envelope, step: Step
) -> None:
    me: Center = session.info["center"]
    sides = [side for side, center in ((Side.HOME, event.to), (Side.SELLER, cause.center)) if center == me.id]
    deals = [await store.locked(session, event.deal_id, side) for side in sides]
    for deal in deals:
        if deal is None:
            raise NotYet(event.deal_id)
        if cause.center != deal.seller_center or event.listing_id != deal.listing_id:
            raise NotParty(center=cause.center, id=event.deal_id)
    for deal in deals:
        if deal is not None and deal.state == DealState.OPENED:
            store.advance(deal, step, me.now())


async def follow_terms(session: Session, event: TermsProposed, cause: Envelope) -> None:
    """At the seller's center. Terms may overtake the reservation's echo, and cross an agreement to earlier ones."""
    deal = await store.told(session, event.deal_id, Side.SELLER, cause)
    total = domain.check_terms(event.milestones)
    if deal.state not in (DealState.OPENED, DealState.RESERVED, DealState.PROPOSED, DealState.AGREED):
        domain.take(domain.DEAL, Step.TERMS, deal.state)
    now = _now(session)
    deal.state = DealState.PROPOSED.value
    store.touch(deal, now)
    await write_terms(session, deal, event.contract_type, event.contract_sha256, event.milestones, total, now)


async def follow_agreement(session: Session, event: TermsAgreed, cause: Envelope) -> None:
    """At the home. An agreement to terms that were replaced meanwhile is refused; the seller is asked anew already."""
    deal = await store.told(session, event.deal_id, Side.HOME, cause)
    domain.check_contract(event.contract_sha256, deal.contract_sha256)
    if event.terms_sha256 is not None:  # the same contract may have been proposed anew with other amounts
        domain.check_contract(event.terms_sha256, await store.terms_sha256(session, deal))
    store.advance(deal, Step.AGREEMENT, _now(session))


async def follow_funding(session: Session, event: DealFunded, cause: Envelope) -> None:
    """At the seller's center: the money is held."""
    deal = await store.told(session, event.deal_id, Side.SELLER, cause)
    domain.check_funding(event.amount, deal.total)
    store.advance(deal, Step.FUNDING, _now(session))


async def follow_delivery(session: Session, event: MilestoneDelivered, cause: Envelope) -> None:
    """At the home: the work was handed over."""
    deal = await store.told(session, event.deal_id, Side.HOME, cause)
    stone = await store.funded(session, deal, event.number)
    store.move(deal, stone, Step.DELIVERY, _now(session))
    stone.evidence_sha256 = event.evidence_sha256


async def follow_acceptance(session: Session, event: MilestoneAccepted, cause: Envelope) -> None:
    """At the seller's center. After a rejected payment it may overtake the news that the payment is void."""
    deal = await store.told(session, event.deal_id, Side.SELLER, cause)
    stone = await store.milestone(session, deal, event.number)
    if stone.state == MilestoneState.RELEASING and stone.transfer_id:
        raise NotYet(stone.transfer_id)
    store.move(deal, stone, Step.ACCEPTANCE, _now(session))


async def follow_release(session: Session, event: MilestoneReleased, cause: Envelope) -> None:
    """At the seller's center. The payment's outcome may be known already; with both parties here it is paid."""
    deal = await store.told(session, event.deal_id, Side.SELLER, cause)
    stone = await store.milestone(session, deal, event.number)
    local = deal.home == deal.seller_center
    store.move(deal, stone, Step.PAYMENT if local else Step.RELEASE, _now(session))
    stone.transfer_id = event.transfer_id
    known = await session.get(Incoming, (deal.home, event.transfer_id))
    if known is not None and known.outcome is not None:
        follow_outcome(session, deal, stone, known.outcome)


async def follow_refund(session: Session, event: MilestoneRefunded, cause: Envelope) -> None:
    """At the seller's center: the home decided on a refund. The request before it was not announced."""
    deal = await store.told(session, event.deal_id, Side.SELLER, cause)
    stone = await store.milestone(session, deal, event.number)
    if await clearing.is_fulfilled(session, cause.center, deal.id, event.number):
        raise ContradictingPeer(f"{stone.reference} was paid to us by {cause.center}, which now says it was refunded")
    if stone.state == MilestoneState.RELEASING and stone.transfer_id:
        raise NotYet(stone.transfer_id)
    domain.take(domain.MILESTONE, Step.REFUND_REQUEST, stone.state)
    stone.state = MilestoneState.REFUNDED.value
    stone.updated_at = _now(session)
    store.touch(deal, stone.updated_at)


async def follow_completion(session: Session, event: DealCompleted, cause: Envelope) -> None:
    """At the seller's center: everything is paid or refunded; the last payment's news may still be on its way."""
    deal = await store.told(session, event.deal_id, Side.SELLER, cause)
    store.advance(deal, Step.COMPLETION, _now(session))
