"""The rows of subscriptions."""

from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, Column, DateTime, Text
from sqlmodel import Field

from services.notify import Row


class Subscription(Row, table=True):
    """Who hears of what. Empty lists mean: all. Of a webhook also address, secret and state of health.

    `owner` is a person's id, or the organisation's where everybody in it reads the notices.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        CheckConstraint("channel IN ('inbox', 'webhook')"),
        CheckConstraint("(channel = 'webhook') = (url IS NOT NULL)"),
        CheckConstraint("(url IS NULL) = (secret IS NULL)"),
        CheckConstraint("(disabled_at IS NULL) = (disabled_rule IS NULL)"),
        CheckConstraint("NOT is_staff OR owner IS DISTINCT FROM organisation_id"),
    )

    id: str = Field(primary_key=True)
    owner: str
    organisation_id: str | None = None
    is_staff: bool
    channel: str
    events: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    kinds: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    centers: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    deal_id: str | None = None
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    url: str | None = None
    secret: bytes | None = None
    in_order: bool = False
    failing_since: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    paused_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    disabled_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    disabled_rule: str | None = None
