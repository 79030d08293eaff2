"""What the escrow service publishes: deals, payments between centers, and the ledger's own blocks."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.schemas.base import CenterId, Event, Scope, Sha256
from shared.schemas.money import Money


class ContractType(StrEnum):
    """The five technical contract types of the Civil Code, part three, chapter 20."""

    DEVELOPMENT = "development"
    TRANSFER = "transfer"
    LICENCE = "licence"
    CONSULTING = "consulting"
    SERVICE = "service"


class MilestoneTerms(BaseModel):
    """One milestone of a contract: what is due when it is accepted."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    number: int
    title: str
    amount: Money


class DealOpened(Event, service="escrow", name="deal.opened", scope=Scope.BILATERAL, subject="deal_id"):
    """The home (the buyer's center) opened a deal and asks the listing's center (`to`) to reserve the listing."""

    to: CenterId
    deal_id: str
    home: CenterId
    interest_id: str
    listing_id: str
    demand_id: str
    buyer_organisation_id: str
    seller_organisation_id: str


class TermsProposed(Event, service="escrow", name="terms.proposed", scope=Scope.BILATERAL, subject="deal_id"):
    """The home proposes terms: the contract by hash and its milestones."""

    to: CenterId
    deal_id: str
    contract_type: str
    contract_sha256: Sha256
    milestones: list[MilestoneTerms]


class TermsAgreed(Event, service="escrow", name="terms.agreed", scope=Scope.BILATERAL, subject="deal_id"):
    """The seller's center confirms the same contract by its hash; `terms_sha256` covers the milestones as well."""

    to: CenterId
    deal_id: str
    contract_sha256: Sha256
    terms_sha256: Sha256 | None = None


class DealFunded(Event, service="escrow", name="deal.funded", scope=Scope.BILATERAL, subject="deal_id"):
    """The buyer's money for the whole contract is held at the home."""

    to: CenterId
    deal_id: str
    amount: Money


class MilestoneDelivered(Event, service="escrow", name="milestone.delivered", scope=Scope.BILATERAL, subject="deal_id"):
    """Decided at the seller's center: the work of a milestone was handed over; `evidence_sha256` names what."""

    to: CenterId
    deal_id: str
    number: int
    evidence_sha256: Sha256


class MilestoneAccepted(Event, service="escrow", name="milestone.accepted", scope=Scope.BILATERAL, subject="deal_id"):
    """Decided at the home: the buyer's officer accepted the delivery; the release still needs a second person."""

    to: CenterId
    deal_id: str
    number: int


class MilestoneReleased(Event, service="escrow", name="milestone.released", scope=Scope.BILATERAL, subject="deal_id"):
    """A second person approved the release; the payment is `transfer_id`."""

    to: CenterId
    deal_id: str
    number: int
    transfer_id: str
    amount: Money


class MilestoneRefunded(Event, service="escrow", name="milestone.refunded", scope=Scope.BILATERAL, subject="deal_id"):
    """The money of a milestone went back to the buyer."""

    to: CenterId
    deal_id: str
    number: int
    amount: Money


class DealCompleted(Event, service="escrow", name="deal.completed", scope=Scope.BILATERAL, subject="deal_id"):
    """Every milestone is paid or refunded; `transacted` says whether anything was paid."""

    to: CenterId
    deal_id: str
    listing_id: str
    transacted: bool


class TransferPrepared(
    Event,
    service="escrow",
    name="transfer.prepared",
    scope=Scope.BILATERAL,
    subject="transfer_id",
    conversation="deal_id",
):
    """The payer's center has reserved the amount and asks the payee's center (`to`) to decide."""

    to: CenterId
    transfer_id: str
    deal_id: str
    milestone: int
    payee_organisation_id: str
    amount: Money


class TransferDecided(
    Event,
    service="escrow",
    name="transfer.decided",
    scope=Scope.BILATERAL,
    subject="transfer_id",
    conversation="deal_id",
):
    """The payee's center's one and final decision; `decision_number` is gapless per direction."""

    to: CenterId
    transfer_id: str
    deal_id: str
    decision: Literal["fulfilled", "rejected"]
    rule: str | None = None
    decision_number: int


class TransferCancelled(
    Event,
    service="escrow",
    name="transfer.cancelled",
    scope=Scope.BILATERAL,
    subject="transfer_id",
    conversation="deal_id",
):
    """The payer's center asks to cancel; at the payee's it leaves a tombstone that refuses a late prepare."""

    to: CenterId
    transfer_id: str
    deal_id: str


class TransferSettled(
    Event,
    service="escrow",
    name="transfer.settled",
    scope=Scope.BILATERAL,
    subject="transfer_id",
    conversation="deal_id",
):
    """The payer's center posted (or voided) its reservation on the payee's decision."""

    to: CenterId
    transfer_id: str
    deal_id: str
    outcome: Literal["posted", "voided"]
    amount: Money


class LedgerEntry(BaseModel):
    """One side of a posted transfer; `minor` is signed (debit positive, credit negative)."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    entry: int
    transfer_id: str
    account: str
    currency: str
    minor: int
    balance_minor: int


class LedgerBlockClosed(Event, service="escrow", name="ledger.block.closed", scope=Scope.OWN, subject="ledger"):
    """A block of immutable entries, chained by hash: what an auditor replays without touching the database."""

    ledger: str = "ledger"
    block: int
    previous_sha256: Sha256
    sha256: Sha256
    closed_at: datetime
    entries: list[LedgerEntry]
