"""Interests: at the seeker's center as expressed, at the owner's center as received."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, DateTime, Index, text
from sqlmodel import Field

from services.matching import Row
from services.matching.interest.domain import Status


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class Interest(Row, table=True):
    """One wish to talk about an offer. `reason` is a decline's; `expressed_by` and `answered_by` are person ids, each
    known at that person's center only."""

    __tablename__ = "interest"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'accepted', 'declined')", name="interest_status"),
        CheckConstraint("(status = 'open') = (answered_at IS NULL)", name="interest_answered"),
        CheckConstraint("(status = 'declined') = (reason IS NOT NULL)", name="interest_reason"),
        Index("interest_one_open", "demand_id", "offer_id", unique=True, postgresql_where=text("status = 'open'")),
    )
    interest_id: str = Field(primary_key=True)
    match_id: str | None = None
    demand_id: str
    offer_id: str
    seeker_center: str
    seeker_organisation_id: str
    owner_center: str
    owner_organisation_id: str
    message: str = ""
    status: str = Status.OPEN
    reason: str | None = None
    expressed_by: str | None = None
    answered_by: str | None = None
    expressed_at: datetime = Field(sa_column=_moment())
    answer_by: datetime = Field(sa_column=_moment())
    answered_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
