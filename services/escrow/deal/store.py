"""Loading deals under lock and moving them along.

The deal's row is locked first in every door, then payments, then accounts: one order, so doors queue.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select

from services.escrow.deal import domain
from services.escrow.deal.domain import DealState, Side, Step
from services.escrow.deal.refusals import DealNotFunded, NotParty
from services.escrow.deal.tables import Approval, Deal, Milestone
from shared.db import Session
from shared.errors import NotFound, NotYet
from shared.http import Person
from shared.schemas.base import Envelope
from shared.schemas.escrow import DealCompleted, MilestoneTerms

STAFF = ("officer", "technology_manager", "operator", "auditor")
"""Roles that see every deal of their center; others see those of their organisation."""


ACTING = ("officer", "technology_manager")
"""Roles that act on every deal of their center; an auditor or operator only looks."""


def acts(who: Person, deal: Deal) -> bool:
    """Whether a person may take steps on this side of the deal."""
    return who.may(*ACTING) or (who.organisation_id is not None and who.organisation_id == deal.organisation_id)


async def locked(session: Session, deal_id: str, side: Side) -> Deal | None:
    """One side's row, locked to the end of the transaction."""
    return await session.get(Deal, (deal_id, side.value), with_for_update=True, populate_existing=True)


async def asked(session: Session, deal_id: str, side: Side, who: Person) -> Deal:
    """The row a person's step is about, locked. Raises NotFound where there is none, or none for this person."""
    deal = await locked(session, deal_id, side)
    if deal is None or not acts(who, deal):
        raise NotFound(what="deal", id=deal_id)
    return deal


async def told(session: Session, deal_id: str, side: Side, cause: Envelope) -> Deal:
    """The row that another center's fact is about, locked. Raises NotYet before the deal is known, NotParty."""
    deal = await locked(session, deal_id, side)
    if deal is None:
        raise NotYet(deal_id)
    if cause.center != deal.peer:
        raise NotParty(center=cause.center, id=deal_id)
    return deal


async def milestone(session: Session, deal: Deal, number: int) -> Milestone:
    """A milestone of the (locked) deal. Raises NotFound."""
    found = await session.get(Milestone, (deal.id, deal.side, number), populate_existing=True)
    if found is None:
        raise NotFound(what="milestone", id=f"{deal.id}:{number}")
    return found


async def funded(session: Session, deal: Deal, number: int) -> Milestone:
    """A milestone of a funded deal. Raises NotFound, DealNotFunded."""
    found = await milestone(session, deal, number)
    if deal.state != DealState.FUNDED:
        raise DealNotFunded(state=deal.state)
    return found


async def milestones(session: Session, deal: Deal) -> Sequence[Milestone]:
    """All milestones of one side, by number."""
    query = select(Milestone).where(Milestone.deal_id == deal.id, Milestone.side == deal.side)
    return (await session.exec(query.order_by(col(Milestone.number)))).all()


async def terms_sha256(session: Session, deal: Deal) -> str:
    """The hash of the terms as this side has them."""
    stones = [MilestoneTerms(number=m.number, title=m.title, amount=m.amount) for m in await milestones(session, deal)]
    return domain.terms_sha256(deal.contract_type or "", deal.contract_sha256 or "", stones)


async def live_approval(session: Session, deal_id: str, number: int) -> Approval | None:
    """The one approval of a milestone that is not void."""
    query = select(Approval).where(
        Approval.deal_id == deal_id, Approval.number == number, col(Approval.voided_at).is_(None)
    )
    return (await session.exec(query)).one_or_none()


def advance(deal: Deal, step: Step, now: datetime) -> None:
    """Take a step. Raises StepNotPossible."""
    deal.state = domain.take(domain.DEAL, step, deal.state)
    touch(deal, now)


def touch(deal: Deal, now: datetime) -> None:
    """A new version of what is shown of the deal."""
    deal.version += 1
    deal.updated_at = now


def move(deal: Deal, stone: Milestone, step: Step, now: datetime) -> None:
    """Take a milestone's step. Raises StepNotPossible."""
    stone.state = domain.take(domain.MILESTONE, step, stone.state)
    stone.updated_at = now
    touch(deal, now)


async def completed(session: Session, deal: Deal, now: datetime) -> DealCompleted | None:
    """Complete the (home's) deal when its last milestone is settled; what is to be announced then."""
    states = {stone.state for stone in await milestones(session, deal)}
    if not states <= domain.SETTLED:
        return None
    advance(deal, Step.COMPLETION, now)
    paid = domain.MilestoneState.PAID in states
    return DealCompleted(to=deal.peer, deal_id=deal.id, listing_id=deal.listing_id, transacted=paid)
