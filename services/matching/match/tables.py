"""Matches: decided here for demands of this center, told here for its offers."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, DateTime, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.matching import Row


class MatchStatus(StrEnum):
    """A match is open while both listings are what they were when it was decided."""

    OPEN = "open"
    CLOSED = "closed"


class Match(Row, table=True):
    """One demand and one offer. `components` sum to `score`; the versions say what was compared, and by which rules."""

    __tablename__ = "match"
    __table_args__ = (
        CheckConstraint("score BETWEEN 0 AND 1", name="match_score"),
        CheckConstraint("status IN ('open', 'closed')", name="match_status"),
        CheckConstraint("(status = 'closed') = (closed_because IS NOT NULL)", name="match_closed_because"),
        Index("match_demand", "demand_id"),
        Index("match_offer", "offer_id"),
    )
    match_id: str = Field(primary_key=True)
    demand_id: str
    offer_id: str
    demand_version: int
    offer_version: int
    demand_center: str
    offer_center: str
    offer_kind: str
    score: float
    components: dict[str, float] = Field(sa_column=Column(JSONB, nullable=False))
    terms: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    shared: dict[str, list[str]] = Field(sa_column=Column(JSONB, nullable=False))
    filters: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    rules: str
    status: str = MatchStatus.OPEN
    closed_because: str | None = None
    found_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    changed_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
