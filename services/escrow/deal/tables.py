"""Rows of deals. Money in minor units; states as text with a CHECK."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from services.escrow import Moment, Row
from services.escrow.deal.domain import DealState, MilestoneState, Purpose, Side
from shared.schemas.money import Money


def _one_of(column: str, states: type[DealState | MilestoneState | Purpose | Side]) -> CheckConstraint:
    names = ", ".join(f"'{state.value}'" for state in states)
    return CheckConstraint(f"{column} IN ({names})", name=f"{column}_known")


class Deal(Row, table=True):
    """One side's row of a deal. `organisation_id` is that side's party: members see the deals of theirs."""

    __tablename__ = "deal"
    __table_args__ = (
        _one_of("side", Side),
        _one_of("state", DealState),
        UniqueConstraint("interest_id", "side"),
        CheckConstraint("(currency IS NULL) = (total_minor IS NULL)", name="total_has_currency"),
        CheckConstraint("total_minor > 0", name="total_positive"),
        Index("deal_organisation", "organisation_id"),
    )
    id: str = Field(primary_key=True)
    side: str = Field(primary_key=True)
    home: str
    seller_center: str
    interest_id: str
    listing_id: str
    demand_id: str
    buyer_organisation_id: str
    seller_organisation_id: str
    organisation_id: str
    state: str = DealState.OPENED.value
    contract_type: str | None = None
    contract_sha256: str | None = None
    currency: str | None = None
    total_minor: int | None = Field(default=None, sa_type=BigInteger)
    version: int = 1
    opened_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)

    @property
    def peer(self) -> str:
        """The other side's center."""
        return self.seller_center if self.side == Side.HOME else self.home

    @property
    def total(self) -> Money:
        """The contract's amount; only where terms are known."""
        return Money(minor=self.total_minor or 0, currency=self.currency or "")


class Interest(Row, table=True):
    """An interest as this center's own matching service said it: expressed here (home) or accepted here (seller)."""

    __tablename__ = "interest"
    __table_args__ = (_one_of("side", Side),)
    id: str = Field(primary_key=True)
    side: str = Field(primary_key=True)
    peer: str
    demand_id: str
    offer_id: str
    buyer_organisation_id: str
    seller_organisation_id: str | None = None


class Milestone(Row, table=True):
    """One milestone as one side knows it."""

    __tablename__ = "milestone"
    __table_args__ = (
        ForeignKeyConstraint(["deal_id", "side"], ["deal.id", "deal.side"]),
        _one_of("state", MilestoneState),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("number > 0", name="number_positive"),
        UniqueConstraint("deal_id", "side", "transfer_id"),
    )
    deal_id: str = Field(primary_key=True)
    side: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    title: str
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str
    state: str = MilestoneState.PENDING.value
    evidence_sha256: str | None = None
    transfer_id: str | None = None
    updated_at: datetime = Field(sa_type=Moment)

    @property
    def amount(self) -> Money:
        """What is due when it is accepted."""
        return Money(minor=self.amount_minor, currency=self.currency)

    @property
    def reference(self) -> str:
        """How the ledger names it."""
        return f"{self.deal_id}:{self.number}"


class Approval(Row, table=True):
    """The two approvals of one movement of money. At most one of a milestone is not void."""

    __tablename__ = "approval"
    __table_args__ = (
        _one_of("purpose", Purpose),
        CheckConstraint("checker <> maker", name="two_people"),
        CheckConstraint("(checker IS NULL) = (checked_at IS NULL)", name="checked_when"),
        CheckConstraint("(voided_at IS NULL) = (void_reason IS NULL)", name="voided_why"),
        Index("approval_live", "deal_id", "number", unique=True, postgresql_where=text("voided_at IS NULL")),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    deal_id: str
    number: int
    purpose: str
    covers_sha256: str
    maker: str
    made_at: datetime = Field(sa_type=Moment)
    checker: str | None = None
    checked_at: datetime | None = Field(default=None, sa_type=Moment)
    transfer_id: str | None = Field(default=None, unique=True)
    voided_at: datetime | None = Field(default=None, sa_type=Moment)
    void_reason: str | None = None


class Deposit(Row, table=True):
    """A buyer's payment into the center's bank account, as its officer read it from the bank's statement."""

    __tablename__ = "deposit"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_positive"),)
    bank_reference: str = Field(primary_key=True)
    deal_id: str = Field(unique=True)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str
    recorded_by: str
    recorded_at: datetime = Field(sa_type=Moment)
