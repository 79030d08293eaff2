"""The rows of the story."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Column, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.notify import Row


class Step(Row, table=True):  # type: ignore[call-arg, misc, valid-type]  # a base class made per service
    """One thing that happened. `n` is the order in which it became known here; `facts` is what its sentence says."""

    __tablename__ = "step"

    n: int = Field(primary_key=True)
    event_id: UUID
    source: str
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    center: str
    service: str
    event_type: str
    subject: str
    conversation: str
    is_open: bool
    concerns: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    ids: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    trace_id: str = ""
