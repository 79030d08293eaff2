"""Rows of payments between centers: what we sent, what we decided, and how many decisions each peer had from us."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from services.escrow import Moment, Row
from shared.schemas.money import Money


class Outgoing(Row, table=True):
    """A payment we prepared. `decision` is the peer's; the hold is posted or voided on it and on nothing else."""

    __tablename__ = "outgoing"
    __table_args__ = (
        CheckConstraint("decision IN ('fulfilled', 'rejected')", name="decision_known"),
        CheckConstraint("(decision IS NULL) = (decision_number IS NULL)", name="decision_numbered"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decision_dated"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        UniqueConstraint("peer", "decision_number"),
        Index("outgoing_deal", "deal_id"),
    )
    transfer_id: str = Field(primary_key=True)
    peer: str
    deal_id: str
    milestone: int
    payee_organisation_id: str
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str
    hold: UUID = Field(unique=True)
    prepared_at: datetime = Field(sa_type=Moment)
    cancel_asked_by: str | None = None
    decision: str | None = None
    rule: str | None = None
    decision_number: int | None = Field(default=None, sa_type=BigInteger)
    decided_at: datetime | None = Field(default=None, sa_type=Moment)

    @property
    def amount(self) -> Money:
        """What is to be paid."""
        return Money(minor=self.amount_minor, currency=self.currency)


class Incoming(Row, table=True):
    """Our one decision about a peer's transfer. A tombstone (cancelled before it was prepared) has no payment."""

    __tablename__ = "incoming"
    __table_args__ = (
        CheckConstraint("decision IN ('fulfilled', 'rejected')", name="decision_known"),
        CheckConstraint("outcome IN ('posted', 'voided')", name="outcome_known"),
        CheckConstraint("(decision = 'rejected') = (rule IS NOT NULL)", name="rejected_why"),
        CheckConstraint("decision = 'rejected' OR amount_minor > 0", name="amount_positive"),
        CheckConstraint("decision_number > 0", name="number_positive"),
        UniqueConstraint("peer", "decision_number"),
        Index("incoming_deal", "deal_id", "milestone"),
    )
    peer: str = Field(primary_key=True)
    transfer_id: str = Field(primary_key=True)
    deal_id: str
    milestone: int | None = None
    payee_organisation_id: str | None = None
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = None
    decision: str
    rule: str | None = None
    decision_number: int = Field(sa_type=BigInteger)
    decided_at: datetime = Field(sa_type=Moment)
    outcome: str | None = None

    @property
    def amount(self) -> Money:
        """What was to be paid; only of a decision that is no tombstone."""
        return Money(minor=self.amount_minor or 0, currency=self.currency or "")


class Direction(Row, table=True):
    """The last decision number given to a peer; its row lock makes the numbers gapless."""

    __tablename__ = "direction"
    __table_args__ = (CheckConstraint("last_number > 0", name="number_positive"),)
    peer: str = Field(primary_key=True)
    last_number: int = Field(sa_type=BigInteger)
