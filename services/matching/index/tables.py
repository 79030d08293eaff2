"""Candidates: the public snapshot of every listing of the alliance that may be matched, with its terms."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, String
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB
from sqlmodel import Field

from services.matching import Row


class Candidate(Row, table=True):
    """One listing as its center last described it; `status` says whether it may be matched.

    `sequence` is the envelope's, so that of two events with one version the later stays. `written_in` is the id of
    the transaction that wrote the row: by it a process finds what others wrote since it last looked.
    """

    __tablename__ = "candidate"
    __table_args__ = (
        CheckConstraint("version > 0", name="candidate_version"),
        Index("candidate_written", "written_in"),
        Index("candidate_organisation", "organisation_id"),
    )
    listing_id: str = Field(primary_key=True)
    version: int
    sequence: int = Field(sa_column=Column(BigInteger, nullable=False))
    center: str
    organisation_id: str
    kind: str
    status: str
    slot: str
    published_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    snapshot: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    terms: dict[str, int] = Field(sa_column=Column(JSON, nullable=False))
    codes: list[str] = Field(sa_column=Column(ARRAY(String), nullable=False))
    text_version: int
    written_in: int = Field(sa_column=Column(BigInteger, nullable=False))
