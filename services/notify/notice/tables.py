"""The rows of notices."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.notify import Row


class Notice(Row, table=True):  # type: ignore[call-arg, misc, valid-type]  # a base class made per service
    """One event told to one subscriber. `n` is the order of the inbox; `facts` is what its sentence says."""

    __tablename__ = "notice"
    __table_args__ = (CheckConstraint("read_at IS NULL OR channel = 'inbox'"),)

    id: str = Field(primary_key=True)
    n: int
    subscription_id: str = Field(foreign_key="subscription.id")
    owner: str
    channel: str
    event_id: UUID
    event_type: str
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    center: str
    subject: str
    conversation: str
    ids: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    traceparent: str | None = None
    read_at: datetime | None = Field(None, sa_column=Column(DateTime(timezone=True)))
