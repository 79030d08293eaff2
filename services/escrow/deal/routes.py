"""HTTP of deals. Members act for their organisation on their side; staff of the center for all of its deals."""

from typing import Annotated, Any

from fastapi import Path, Query, Response
from sqlalchemy import and_, or_, tuple_
from sqlmodel import col, select

from services.escrow.deal import handlers, store
from services.escrow.deal.domain import MILESTONES_MAX, DealState, Side
from services.escrow.deal.tables import Deal
from services.escrow.deal.views import (
    AgreementBody,
    DealSummary,
    DealView,
    DeliveryBody,
    FundingBody,
    TermsBody,
    summary,
    view,
)
from shared.center import Center
from shared.db import Session
from shared.errors import NotFound
from shared.http import Caller, Moves, Page, Person, Router, Tx, cursor, etag, require, uncursor

router = Router(prefix="/escrow/deals", tags=["deals"])
PARTY: Any = [Moves, require("member", "technology_manager", "officer")]
OFFICER: Any = [Moves, require("officer")]
PAGE_MAX = 200
DealId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Number = Annotated[int, Path(ge=1, le=MILESTONES_MAX)]


def _visible(session: Session, who: Person) -> Any:
    """Rows a person may see. Where the center is on both sides, its staff sees the home's row of the two."""
    if who.may(*store.STAFF):
        me: Center = session.info["center"]
        return or_(col(Deal.side) == Side.HOME.value, col(Deal.home) != me.id)
    return and_(col(Deal.organisation_id) == who.organisation_id, col(Deal.organisation_id).is_not(None))


@router.get("")
async def list_deals(
    tx: Tx,
    who: Caller,
    after: str | None = None,
    state: DealState | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
) -> Page[DealSummary]:
    """Deals by id; ids begin with the time."""
    query = select(Deal).where(_visible(tx, who))
    if state:
        query = query.where(Deal.state == state.value)
    if after:
        query = query.where(tuple_(col(Deal.id), col(Deal.side)) > tuple_(*uncursor(after, str, str)))
    rows = (await tx.exec(query.order_by(col(Deal.id), col(Deal.side)).limit(limit + 1))).all()
    more = len(rows) > limit
    return Page(
        items=[summary(row) for row in rows[:limit]],
        next=cursor(rows[limit - 1].id, rows[limit - 1].side) if more else None,
    )


@router.get("/{deal_id}")
async def read_deal(tx: Tx, who: Caller, response: Response, deal_id: DealId) -> DealView:
    """One deal, with milestones, approvals, money by account and the next possible steps."""
    query = select(Deal).where(Deal.id == deal_id, _visible(tx, who)).order_by(col(Deal.side))
    deal = (await tx.exec(query)).first()
    if deal is None:
        raise NotFound(what="deal", id=deal_id)
    etag(response, deal.version)
    return await view(tx, deal)


@router.post("/{deal_id}/terms", dependencies=PARTY)
async def propose_terms(tx: Tx, who: Caller, deal_id: DealId, body: TermsBody) -> DealView:
    """Propose the contract; again while it is not agreed, which replaces it."""
    deal = await handlers.propose_terms(
        tx, deal_id, who, body.contract_type.value, body.contract_sha256, body.milestones
    )
    return await view(tx, deal)


@router.post("/{deal_id}/agreement", dependencies=PARTY)
async def agree(tx: Tx, who: Caller, deal_id: DealId, body: AgreementBody) -> DealView:
    """The seller's side confirms the contract by the same hash."""
    return await view(tx, await handlers.agree(tx, deal_id, who, body.contract_sha256))


@router.post("/{deal_id}/funding", dependencies=OFFICER)
async def fund(tx: Tx, who: Caller, deal_id: DealId, body: FundingBody) -> DealView:
    """Record the buyer's payment, whole and in the contract's currency."""
    return await view(tx, await handlers.fund(tx, deal_id, who, body.amount, body.bank_reference))


@router.post("/{deal_id}/milestones/{number}/delivery", dependencies=PARTY)
async def deliver(tx: Tx, who: Caller, deal_id: DealId, number: Number, body: DeliveryBody) -> DealView:
    """The seller's side hands over."""
    return await view(tx, await handlers.deliver(tx, deal_id, number, who, body.evidence_sha256))


@router.post("/{deal_id}/milestones/{number}/acceptance", dependencies=PARTY)
async def accept(tx: Tx, who: Caller, deal_id: DealId, number: Number) -> DealView:
    """The buyer's side accepts: the first approval of the release."""
    return await view(tx, await handlers.accept(tx, deal_id, number, who))


@router.post("/{deal_id}/milestones/{number}/release", dependencies=OFFICER)
async def release(tx: Tx, who: Caller, deal_id: DealId, number: Number) -> DealView:
    """The second approval, by another person: the money goes."""
    return await view(tx, await handlers.release(tx, deal_id, number, who))


@router.post("/{deal_id}/milestones/{number}/refund-request", dependencies=PARTY)
async def request_refund(tx: Tx, who: Caller, deal_id: DealId, number: Number) -> DealView:
    """The first approval of a refund."""
    return await view(tx, await handlers.request_refund(tx, deal_id, number, who))


@router.post("/{deal_id}/milestones/{number}/refund", dependencies=OFFICER)
async def refund(tx: Tx, who: Caller, deal_id: DealId, number: Number) -> DealView:
    """The second approval, by another person: the money is the buyer's again."""
    return await view(tx, await handlers.refund(tx, deal_id, number, who))
