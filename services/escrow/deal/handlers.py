"""What people do to a deal: terms, agreement, funding, delivery, acceptance, release, refund."""

from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

import asyncpg
from sqlmodel import col, delete

from services.escrow.deal import domain, store
from services.escrow.deal.domain import Purpose, Side, Step
from services.escrow.deal.payments import pay_out, refund_to_buyer
from services.escrow.deal.refusals import ApprovalVoid, BankReferenceUsed
from services.escrow.deal.tables import Approval, Deal, Deposit, Milestone
from services.escrow.ledger import domain as ledger
from services.escrow.ledger.domain import BANK, Action, Instruction
from services.escrow.ledger.handlers import open_accounts, post_all
from shared.db import Session, driver
from shared.events import emit
from shared.http import Person
from shared.ids import new_id
from shared.schemas.escrow import (
    DealFunded,
    MilestoneAccepted,
    MilestoneDelivered,
    MilestoneRefunded,
    MilestoneReleased,
    MilestoneTerms,
    TermsAgreed,
    TermsProposed,
)
from shared.schemas.money import Money

_REFERENCE: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 485123))"


def _now(session: Session) -> datetime:
    now: datetime = session.info["center"].now()
    return now


async def propose_terms(
    session: Session, deal_id: str, who: Person, contract_type: str, contract_sha256: str, terms: list[MilestoneTerms]
) -> Deal:
    """The home proposes (or proposes anew, while nothing is agreed) the contract and its milestones."""
    deal, now = await store.asked(session, deal_id, Side.HOME, who), _now(session)
    total = domain.check_terms(terms)
    store.advance(deal, Step.TERMS, now)
    await write_terms(session, deal, contract_type, contract_sha256, terms, total, now)
    emit(
        session,
        TermsProposed(
            to=deal.peer,
            deal_id=deal.id,
            contract_type=contract_type,
            contract_sha256=contract_sha256,
            milestones=terms,
        ),
    )
    return deal


async def write_terms(
    session: Session, deal: Deal, contract_type: str, contract_sha256: str, terms: list[MilestoneTerms], total: Money,
    now: datetime,
) -> None:  # fmt: skip
    """Replace the terms of one side's row."""
    deal.contract_type, deal.contract_sha256 = contract_type, contract_sha256
    deal.currency, deal.total_minor = total.currency, total.minor
    await session.exec(delete(Milestone).where(col(Milestone.deal_id) == deal.id, col(Milestone.side) == deal.side))
    for m in terms:
        session.add(
            Milestone(
                deal_id=deal.id, side=deal.side, number=m.number, title=m.title, amount_minor=m.amount.minor,
                currency=m.amount.currency, updated_at=now,
            )
        )  # fmt: skip


async def agree(session: Session, deal_id: str, who: Person, contract_sha256: str) -> Deal:
    """The seller's side confirms the same contract."""
    deal = await store.asked(session, deal_id, Side.SELLER, who)
    domain.take(domain.DEAL, Step.AGREEMENT, deal.state)
    domain.check_contract(contract_sha256, deal.contract_sha256)
    store.advance(deal, Step.AGREEMENT, _now(session))
    terms = await store.terms_sha256(session, deal)
    emit(session, TermsAgreed(to=deal.peer, deal_id=deal.id, contract_sha256=contract_sha256, terms_sha256=terms))
    return deal


async def fund(session: Session, deal_id: str, who: Person, amount: Money, bank_reference: str) -> Deal:
    """An officer records the buyer's payment from the bank's statement; it is held, milestone by milestone."""
    deal, now = await store.asked(session, deal_id, Side.HOME, who), _now(session)
    domain.take(domain.DEAL, Step.FUNDING, deal.state)
    domain.check_funding(amount, deal.total)
    connection: asyncpg.Connection = await driver(session)
    await connection.execute(_REFERENCE, bank_reference)
    if await session.get(Deposit, bank_reference) is not None:
        raise BankReferenceUsed(reference=bank_reference)
    stones = list(await store.milestones(session, deal))
    await _book_funding(session, deal, stones, bank_reference)
    session.add(
        Deposit(
            bank_reference=bank_reference, deal_id=deal.id, amount_minor=amount.minor, currency=amount.currency,
            recorded_by=who.id, recorded_at=now,
        )
    )  # fmt: skip
    store.advance(deal, Step.FUNDING, now)
    emit(session, DealFunded(to=deal.peer, deal_id=deal.id, amount=amount))
    return deal


async def _book_funding(session: Session, deal: Deal, stones: list[Milestone], bank_reference: str) -> None:
    """Bank to the deal, and on to each milestone: one link, all or nothing. Ids follow from the bank's reference."""
    held, total = ledger.held(deal.id), deal.total

    def id_of(part: str) -> UUID:
        return UUID(bytes=sha256(f"funding/{bank_reference}/{part}".encode()).digest()[:16])

    link = id_of("link")
    batch = [
        Instruction(
            id_of("deposit"), Action.POST, "deposit", deal.id, BANK, held, total.currency, total.minor, link=link
        )
    ]
    for stone in stones:
        account = ledger.milestone(deal.id, stone.number)
        batch.append(
            Instruction(
                id_of(f"ms/{stone.number}"), Action.POST, "allocation", stone.reference, held, account, stone.currency,
                stone.amount_minor, link=link,
            )
        )  # fmt: skip
    accounts = [code for i in batch for code in (i.debit, i.credit) if code]
    await open_accounts(session, [(code, total.currency) for code in accounts])
    await post_all(session, batch)


async def deliver(session: Session, deal_id: str, number: int, who: Person, evidence_sha256: str) -> Deal:
    """The seller's side hands over a milestone's work, named by the hash of its evidence."""
    deal = await store.asked(session, deal_id, Side.SELLER, who)
    stone = await store.funded(session, deal, number)
    store.move(deal, stone, Step.DELIVERY, _now(session))
    stone.evidence_sha256 = evidence_sha256
    emit(session, MilestoneDelivered(to=deal.peer, deal_id=deal.id, number=number, evidence_sha256=evidence_sha256))
    return deal


async def accept(session: Session, deal_id: str, number: int, who: Person) -> Deal:
    """The buyer's side accepts the delivery: the first of the two approvals of its release."""
    deal, now = await store.asked(session, deal_id, Side.HOME, who), _now(session)
    stone = await store.funded(session, deal, number)
    store.move(deal, stone, Step.ACCEPTANCE, now)
    session.add(_approval(deal, stone, Purpose.RELEASE, who, now))
    emit(session, MilestoneAccepted(to=deal.peer, deal_id=deal.id, number=number))
    return deal


async def release(session: Session, deal_id: str, number: int, who: Person) -> Deal:
    """A second person approves: the money goes to the payee, or is reserved for the payee's center to decide."""
    deal, now = await store.asked(session, deal_id, Side.HOME, who), _now(session)
    stone = await store.funded(session, deal, number)
    local = deal.seller_center == deal.home
    step = Step.PAYMENT if local else Step.RELEASE
    domain.take(domain.MILESTONE, step, stone.state)
    approval = await _second(session, deal, stone, Purpose.RELEASE, who)
    transfer_id = new_id("trf")
    await pay_out(session, deal, stone, transfer_id)
    _check(approval, who, transfer_id, now)
    stone.transfer_id = transfer_id
    store.move(deal, stone, step, now)
    emit(
        session,
        MilestoneReleased(to=deal.peer, deal_id=deal.id, number=number, transfer_id=transfer_id, amount=stone.amount),
    )
    if local and (done := await store.completed(session, deal, now)):
        emit(session, done)
    return deal


async def request_refund(session: Session, deal_id: str, number: int, who: Person) -> Deal:
    """The first of the two approvals of a refund; an acceptance given before is void."""
    deal, now = await store.asked(session, deal_id, Side.HOME, who), _now(session)
    stone = await store.funded(session, deal, number)
    domain.take(domain.MILESTONE, Step.REFUND_REQUEST, stone.state)
    earlier = await store.live_approval(session, deal.id, number)
    if earlier is not None:
        earlier.voided_at, earlier.void_reason = now, "refund requested"
        await session.flush()
    store.move(deal, stone, Step.REFUND_REQUEST, now)
    session.add(_approval(deal, stone, Purpose.REFUND, who, now))
    return deal


async def refund(session: Session, deal_id: str, number: int, who: Person) -> Deal:
    """A second person approves the refund: the money is the buyer's again."""
    deal, now = await store.asked(session, deal_id, Side.HOME, who), _now(session)
    stone = await store.funded(session, deal, number)
    domain.take(domain.MILESTONE, Step.REFUND, stone.state)
    approval = await _second(session, deal, stone, Purpose.REFUND, who)
    transfer_id = new_id("trf")
    await refund_to_buyer(session, deal, stone, transfer_id)
    _check(approval, who, transfer_id, now)
    stone.transfer_id = transfer_id
    store.move(deal, stone, Step.REFUND, now)
    emit(session, MilestoneRefunded(to=deal.peer, deal_id=deal.id, number=number, amount=stone.amount))
    if done := await store.completed(session, deal, now):
        emit(session, done)
    return deal


def _covers(deal: Deal, stone: Milestone, purpose: Purpose) -> str:
    payee = deal.seller_organisation_id if purpose is Purpose.RELEASE else deal.buyer_organisation_id
    return domain.approval_sha256(deal.id, stone.number, purpose.value, payee, stone.amount)


def _approval(deal: Deal, stone: Milestone, purpose: Purpose, maker: Person, now: datetime) -> Approval:
    covers = _covers(deal, stone, purpose)
    return Approval(
        deal_id=deal.id, number=stone.number, purpose=purpose.value, covers_sha256=covers, maker=maker.id, made_at=now
    )


async def _second(session: Session, deal: Deal, stone: Milestone, purpose: Purpose, checker: Person) -> Approval:
    """The approval that waits for its second person. Raises MakerIsChecker, ApprovalVoid."""
    approval = await store.live_approval(session, deal.id, stone.number)
    if approval is None or approval.purpose != purpose or approval.checker is not None:
        raise ApprovalVoid()
    domain.check_approval(approval.covers_sha256, _covers(deal, stone, purpose), approval.maker, checker.id)
    return approval


def _check(approval: Approval, checker: Person, transfer_id: str, now: datetime) -> None:
    approval.checker, approval.checked_at, approval.transfer_id = checker.id, now, transfer_id
