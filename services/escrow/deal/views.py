"""A deal as people and systems see it: milestones, approvals, money by account, and what may be done next."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, field_validator
from sqlmodel import col, select

from services.escrow.clearing.tables import Incoming, Outgoing
from services.escrow.clearing.views import TransferView, incoming_view, outgoing_view
from services.escrow.deal import domain, store
from services.escrow.deal.domain import DealState, Step
from services.escrow.deal.tables import Approval, Deal, Milestone
from services.escrow.ledger.views import AccountView, accounts_of
from shared.db import Session
from shared.schemas.base import Sha256
from shared.schemas.escrow import ContractType, MilestoneTerms
from shared.schemas.money import Money

TITLE_MAX = 200


class TermsBody(BaseModel):
    """The executed contract by its hash, and its milestones, numbered from 1."""

    contract_type: ContractType
    contract_sha256: Sha256
    milestones: Annotated[list[MilestoneTerms], Field(min_length=1, max_length=domain.MILESTONES_MAX)]

    @field_validator("milestones")
    @classmethod
    def _titled(cls, milestones: list[MilestoneTerms]) -> list[MilestoneTerms]:
        if any(not 1 <= len(m.title.strip()) <= TITLE_MAX or not m.title.isprintable() for m in milestones):
            raise ValueError(f"a milestone's title is one printable line of at most {TITLE_MAX} characters")
        return milestones


class AgreementBody(BaseModel):
    """The same contract, by its hash."""

    contract_sha256: Sha256


class FundingBody(BaseModel):
    """The buyer's payment as the bank's statement shows it."""

    amount: Money
    bank_reference: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]


class DeliveryBody(BaseModel):
    """The hash of what was handed over."""

    evidence_sha256: Sha256


class ApprovalView(BaseModel):
    """The approvals of one movement of money; `checker` is the second person."""

    purpose: str
    covers_sha256: str
    maker: str
    made_at: datetime
    checker: str | None
    checked_at: datetime | None
    void: str | None


class MilestoneView(BaseModel):
    """One milestone; `steps` may be taken now on this side."""

    number: int
    title: str
    amount: Money
    state: str
    evidence_sha256: str | None
    transfer_id: str | None
    approvals: list[ApprovalView]
    steps: list[Step]


class DealSummary(BaseModel):
    """A deal in a list."""

    id: str
    side: str
    home: str
    seller_center: str
    state: str
    listing_id: str
    demand_id: str
    interest_id: str
    buyer_organisation_id: str
    seller_organisation_id: str
    contract_type: str | None
    contract_sha256: str | None
    total: Money | None
    version: int
    opened_at: datetime
    updated_at: datetime


class DealView(DealSummary):
    """A deal with all that belongs to it on this side."""

    milestones: list[MilestoneView]
    money: list[AccountView]
    transfers: list[TransferView]
    steps: list[Step]


def summary(deal: Deal) -> DealSummary:
    """A row, as it is listed."""
    return DealSummary(
        **deal.model_dump(exclude={"organisation_id", "currency", "total_minor"}),
        total=deal.total if deal.currency else None,
    )


async def view(session: Session, deal: Deal) -> DealView:
    """A row with everything that belongs to it."""
    await session.flush()
    stones = await store.milestones(session, deal)
    approvals = (
        await session.exec(select(Approval).where(Approval.deal_id == deal.id).order_by(col(Approval.id)))
    ).all()
    mine = approvals if deal.side == domain.Side.HOME else []
    return DealView(
        **summary(deal).model_dump(exclude={"total"}),
        total=deal.total if deal.currency else None,
        milestones=[_milestone(deal, stone, mine) for stone in stones],
        money=await accounts_of(session, f"deal:{deal.id}:%") if deal.side == domain.Side.HOME else [],
        transfers=await _transfers(session, deal),
        steps=domain.possible(domain.DEAL, deal.state, deal.side),
    )


def _milestone(deal: Deal, stone: Milestone, approvals: Sequence[Approval]) -> MilestoneView:
    open_ = deal.state == DealState.FUNDED
    return MilestoneView(
        number=stone.number, title=stone.title, amount=stone.amount, state=stone.state,
        evidence_sha256=stone.evidence_sha256, transfer_id=stone.transfer_id,
        approvals=[
            ApprovalView(**a.model_dump(include=set(ApprovalView.model_fields)), void=a.void_reason)
            for a in approvals if a.number == stone.number
        ],
        steps=domain.possible(domain.MILESTONE, stone.state, deal.side) if open_ else [],
    )  # fmt: skip


async def _transfers(session: Session, deal: Deal) -> list[TransferView]:
    if deal.side == domain.Side.HOME:
        sent = select(Outgoing).where(Outgoing.deal_id == deal.id).order_by(col(Outgoing.prepared_at))
        return [outgoing_view(row) for row in (await session.exec(sent)).all()]
    got = select(Incoming).where(Incoming.deal_id == deal.id, Incoming.peer == deal.home)
    return [incoming_view(row) for row in (await session.exec(got.order_by(col(Incoming.decision_number)))).all()]
