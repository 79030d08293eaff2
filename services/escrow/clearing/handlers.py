"""Prepare, decide, post or void. Called by the deal's doors, which hold the deal's lock and know what is due."""

from typing import Final
from uuid import UUID

import asyncpg
from sqlmodel import select

from services.escrow.clearing import domain
from services.escrow.clearing.domain import CANCELLED, OUTCOME_OF, Decision, Payment
from services.escrow.clearing.tables import Incoming, Outgoing
from services.escrow.ledger import domain as ledger
from services.escrow.ledger.domain import Action, Instruction
from services.escrow.ledger.handlers import open_accounts, post, post_all
from shared.db import Session, driver
from shared.errors import NotFound, NotYet
from shared.events import emit
from shared.http import Person
from shared.ids import derived_uuid
from shared.schemas.escrow import (
    TransferCancelled,
    TransferDecided,
    TransferPrepared,
    TransferSettled,
)

_NUMBER: Final = """
INSERT INTO direction AS d (peer, last_number) VALUES ($1, 1)
ON CONFLICT (peer) DO UPDATE SET last_number = d.last_number + 1 RETURNING last_number
"""


def uuid_of(transfer_id: str) -> UUID:
    """The ledger's id of `trf_<hex>`. Raises ValueError for another form."""
    return UUID(hex=transfer_id.removeprefix("trf_"))


def reference(deal_id: str, milestone: int) -> str:
    """How the ledger names the milestone."""
    return f"{deal_id}:{milestone}"


async def prepare(session: Session, event: TransferPrepared, source: str) -> None:
    """At the payer's center: reserve `source -> clr:PEER` and ask the payee's center. Raises LedgerRefused."""
    to, currency = ledger.clearing(event.to), event.amount.currency
    await open_accounts(session, [(to, currency)])
    hold = uuid_of(event.transfer_id)
    about = reference(event.deal_id, event.milestone)
    await post_all(
        session, [Instruction(hold, Action.RESERVE, "release", about, source, to, currency, event.amount.minor)]
    )
    session.add(
        Outgoing(
            transfer_id=event.transfer_id, peer=event.to, deal_id=event.deal_id, milestone=event.milestone,
            payee_organisation_id=event.payee_organisation_id, amount_minor=event.amount.minor, currency=currency,
            hold=hold, prepared_at=session.info["center"].now(),
        )
    )  # fmt: skip
    emit(session, event)


async def was_decided(session: Session, event: TransferPrepared, peer: str) -> bool:
    """Whether this peer's transfer is decided, by a tombstone or before. Raises ContradictingPeer."""
    known = await session.get(Incoming, (peer, event.transfer_id), populate_existing=True)
    if known is None:
        return False
    if known.amount_minor is not None:  # a tombstone knows no payment
        was = Payment(known.deal_id, known.milestone or 0, known.payee_organisation_id or "", known.amount)
        domain.check_same(event.transfer_id, was, _payment(event))
    return True


def _payment(event: TransferPrepared) -> Payment:
    return Payment(event.deal_id, event.milestone, event.payee_organisation_id, event.amount)


async def is_fulfilled(session: Session, peer: str, deal_id: str, milestone: int) -> bool:
    """Whether a payment of this milestone was fulfilled before."""
    query = select(Incoming.transfer_id).where(
        Incoming.peer == peer, Incoming.deal_id == deal_id, Incoming.milestone == milestone,
        Incoming.decision == Decision.FULFILLED.value,
    )  # fmt: skip
    return (await session.exec(query)).first() is not None


async def decide(session: Session, event: TransferPrepared, peer: str, rule: str | None) -> None:
    """At the payee's center: fulfil (rule None) by crediting the payee against `clr:PEER`, or reject. Announces it."""
    if rule is None:
        rule = await _credit(session, event, peer)
    await _write(
        session,
        Incoming(
            peer=peer, transfer_id=event.transfer_id, deal_id=event.deal_id, milestone=event.milestone,
            payee_organisation_id=event.payee_organisation_id, amount_minor=event.amount.minor,
            currency=event.amount.currency, rule=rule, decision_number=0,
            decision=(Decision.REJECTED if rule else Decision.FULFILLED).value, decided_at=session.info["center"].now(),
        ),
    )  # fmt: skip


async def _credit(session: Session, event: TransferPrepared, peer: str) -> str | None:
    """Book the incoming payment. Returns the rule by which the ledger refuses it, or None."""
    owed, payee, currency = ledger.clearing(peer), ledger.payable(event.payee_organisation_id), event.amount.currency
    await open_accounts(session, [(owed, currency), (payee, currency)])
    id = derived_uuid(uuid_of(event.transfer_id), f"incoming/{peer}")
    about = reference(event.deal_id, event.milestone)
    batch = [Instruction(id, Action.POST, "incoming", about, owed, payee, currency, event.amount.minor)]
    outcome = (await post(session, batch))[0]
    return None if outcome.in_effect else outcome.value.replace("_", "-")


async def bury(session: Session, event: TransferCancelled, peer: str) -> None:
    """At the payee's center: reject what is not decided yet, known or not. What is decided was told already."""
    if await session.get(Incoming, (peer, event.transfer_id), populate_existing=True) is not None:
        return
    await _write(
        session,
        Incoming(
            peer=peer, transfer_id=event.transfer_id, deal_id=event.deal_id, decision=Decision.REJECTED.value,
            rule=CANCELLED, decision_number=0, decided_at=session.info["center"].now(),
        ),
    )  # fmt: skip


async def _write(session: Session, incoming: Incoming) -> None:
    """Number the decision and announce it, in one transaction: numbers have no gaps, and every one is told."""
    connection: asyncpg.Connection = await driver(session)
    incoming.decision_number = await connection.fetchval(_NUMBER, incoming.peer)
    session.add(incoming)
    decision = Decision(incoming.decision)
    emit(
        session,
        TransferDecided(
            to=incoming.peer, transfer_id=incoming.transfer_id, deal_id=incoming.deal_id, decision=decision.value,
            rule=incoming.rule, decision_number=incoming.decision_number,
        ),
    )  # fmt: skip


async def settle(session: Session, payment: Outgoing, event: TransferDecided) -> bool:
    """At the payer's center: post or void the hold. False: it was settled before. Raises ContradictingPeer."""
    if domain.is_repeat(
        payment.transfer_id, payment.decision, payment.decision_number, event.decision, event.decision_number
    ):
        return False
    fulfilled = event.decision == Decision.FULFILLED.value
    action = Action.POST_HOLD if fulfilled else Action.VOID_HOLD
    about = reference(payment.deal_id, payment.milestone)
    outcome = (await post(session, [ledger.resolve(payment.hold, action, purpose="settlement", reference=about)]))[0]
    if not outcome.in_effect:
        raise domain.HoldLost(f"{payment.transfer_id} was {event.decision}, but its hold is {outcome}")
    payment.decision, payment.rule = event.decision, event.rule
    payment.decision_number, payment.decided_at = event.decision_number, session.info["center"].now()
    emit(
        session,
        TransferSettled(
            to=payment.peer, transfer_id=payment.transfer_id, deal_id=payment.deal_id, amount=payment.amount,
            outcome=OUTCOME_OF[event.decision],
        ),
    )  # fmt: skip
    return True


async def learn(session: Session, event: TransferSettled, peer: str) -> None:
    """At the payee's center: what the payer made of our decision. Raises NotYet, ContradictingPeer."""
    known = await session.get(Incoming, (peer, event.transfer_id), with_for_update=True, populate_existing=True)
    if known is None:
        raise NotYet(event.transfer_id)
    if OUTCOME_OF[known.decision] != event.outcome:
        raise domain.ContradictingPeer(f"{event.transfer_id} was {known.decision} here, {event.outcome} at {peer}")
    domain.check_settled(known.deal_id, known.amount if known.amount_minor else None, event)
    known.outcome = event.outcome


async def cancel(session: Session, transfer_id: str, who: Person) -> Outgoing:
    """An officer asks the payee's center to reject what it has not decided. The hold stays until it answers."""
    payment = await session.get(Outgoing, transfer_id, with_for_update=True, populate_existing=True)
    if payment is None:
        raise NotFound(what="transfer", id=transfer_id)
    if payment.decision is not None:
        raise domain.AlreadyDecided(id=transfer_id, decision=payment.decision)
    if payment.cancel_asked_by is None:
        payment.cancel_asked_by = who.id
        emit(session, TransferCancelled(to=payment.peer, transfer_id=transfer_id, deal_id=payment.deal_id))
    return payment
