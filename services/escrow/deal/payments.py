"""Where a deal's money goes: to a payable account here, or through clearing to the payee's center."""

from sqlmodel import select

from services.escrow.clearing import handlers as clearing
from services.escrow.clearing.tables import Outgoing
from services.escrow.deal import domain, store
from services.escrow.deal.domain import Claim, Side, Step
from services.escrow.deal.refusals import NotParty
from services.escrow.deal.tables import Deal, Milestone
from services.escrow.ledger import domain as ledger
from services.escrow.ledger.domain import Action, Instruction
from services.escrow.ledger.handlers import open_accounts, post_all
from shared.db import Session
from shared.errors import NotYet
from shared.events import emit
from shared.schemas.base import Envelope
from shared.schemas.escrow import TransferCancelled, TransferDecided, TransferPrepared, TransferSettled


async def pay_out(session: Session, deal: Deal, stone: Milestone, transfer_id: str) -> None:
    """Pay the seller: at once where it is a member here, else reserved until its center decides."""
    if deal.seller_center != deal.home:
        payment = TransferPrepared(
            to=deal.seller_center, transfer_id=transfer_id, deal_id=deal.id, milestone=stone.number,
            payee_organisation_id=deal.seller_organisation_id, amount=stone.amount,
        )  # fmt: skip
        await clearing.prepare(session, payment, ledger.milestone(deal.id, stone.number))
        return
    await _move(session, deal, stone, transfer_id, "release", ledger.payable(deal.seller_organisation_id))


async def refund_to_buyer(session: Session, deal: Deal, stone: Milestone, transfer_id: str) -> None:
    """The milestone's money becomes the buyer's, payable by the home."""
    await _move(session, deal, stone, transfer_id, "refund", ledger.payable(deal.buyer_organisation_id))


async def _move(session: Session, deal: Deal, stone: Milestone, transfer_id: str, purpose: str, to: str) -> None:
    await open_accounts(session, [(to, stone.currency)])
    source = ledger.milestone(deal.id, stone.number)
    id = clearing.uuid_of(transfer_id)
    batch = [Instruction(id, Action.POST, purpose, stone.reference, source, to, stone.currency, stone.amount_minor)]
    await post_all(session, batch)


async def decide_prepared(session: Session, event: TransferPrepared, cause: Envelope) -> None:
    """At the payee's center: the one decision about a prepared transfer. A repeat changes nothing."""
    if await clearing.was_decided(session, event, cause.center):
        return
    deal = await store.told(session, event.deal_id, Side.SELLER, cause)
    if deal.total_minor is None:
        raise NotYet(event.deal_id)
    if await clearing.was_decided(session, event, cause.center):  # while we waited for the deal's lock
        return
    stone = await session.get(Milestone, (deal.id, deal.side, event.milestone), populate_existing=True)
    rule = domain.verdict(
        Claim(event.payee_organisation_id, event.amount),
        deal.seller_organisation_id,
        stone.amount if stone else None,
        stone.state if stone else "",
        paid_already=await clearing.is_fulfilled(session, cause.center, event.deal_id, event.milestone),
    )
    await clearing.decide(session, event, cause.center, rule)


async def decide_cancelled(session: Session, event: TransferCancelled, cause: Envelope) -> None:
    """At the payee's center: what is decided stays; what is not leaves a tombstone that refuses a late prepare."""
    if (deal := await store.locked(session, event.deal_id, Side.SELLER)) and deal.peer != cause.center:
        raise NotParty(center=cause.center, id=event.transfer_id)
    await clearing.bury(session, event, cause.center)


async def settle_decided(session: Session, event: TransferDecided, cause: Envelope) -> None:
    """At the payer's center: post or void the hold, on the peer's decision only, and move the milestone."""
    deal = await store.locked(session, event.deal_id, Side.HOME)
    payment = await session.get(Outgoing, event.transfer_id, with_for_update=True, populate_existing=True)
    if deal is None or payment is None:
        raise NotYet(event.transfer_id)
    if cause.center != payment.peer or event.deal_id != payment.deal_id:
        raise NotParty(center=cause.center, id=event.transfer_id)
    if not await clearing.settle(session, payment, event):
        return
    now = session.info["center"].now()
    stone = await store.milestone(session, deal, payment.milestone)
    if event.decision == "fulfilled":
        store.move(deal, stone, Step.SETTLEMENT, now)
        if done := await store.completed(session, deal, now):
            emit(session, done)
        return
    approval = await store.live_approval(session, deal.id, stone.number)
    if approval is not None:
        approval.voided_at, approval.void_reason = now, f"rejected by {payment.peer}: {event.rule}"
    store.move(deal, stone, Step.REJECTION, now)
    stone.transfer_id = None


async def learn_settled(session: Session, event: TransferSettled, cause: Envelope) -> None:
    """At the payee's center: the payer posted or voided. The milestone follows, once its release is known here."""
    deal = await store.told(session, event.deal_id, Side.SELLER, cause)
    await clearing.learn(session, event, cause.center)
    query = select(Milestone).where(
        Milestone.deal_id == deal.id, Milestone.side == deal.side, Milestone.transfer_id == event.transfer_id
    )
    if stone := (await session.exec(query)).one_or_none():
        follow_outcome(session, deal, stone, event.outcome)


def follow_outcome(session: Session, deal: Deal, stone: Milestone, outcome: str) -> None:
    """The seller's copy of a released milestone, once the payment's outcome is known."""
    if stone.state == domain.MilestoneState.RELEASING:
        posted = outcome == "posted"
        store.move(deal, stone, Step.SETTLEMENT if posted else Step.REJECTION, session.info["center"].now())
        if not posted:
            stone.transfer_id = None
