"""The rows of deliveries and their attempts."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, DateTime
from sqlmodel import Field

from services.notify import Row


class Delivery(Row, table=True):  # type: ignore[call-arg, misc, valid-type]  # a base class made per service
    """A notice on its way to a webhook.

    `attempts` are all, `tries` those since it was last asked for; `body` is fixed at the first attempt.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'delivered', 'exhausted')"),
        CheckConstraint("attempts >= 0"),
        CheckConstraint("tries BETWEEN 0 AND attempts"),
        CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)"),
    )

    notice_id: str = Field(primary_key=True, foreign_key="notice.id")
    n: int
    subscription_id: str = Field(foreign_key="subscription.id")
    conversation: str
    state: str = "pending"
    attempts: int = 0
    tries: int = 0
    next_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    leased_until: datetime | None = Field(None, sa_column=Column(DateTime(timezone=True)))
    body: str | None = None
    delivered_at: datetime | None = Field(None, sa_column=Column(DateTime(timezone=True)))


class Attempt(Row, table=True):  # type: ignore[call-arg, misc, valid-type]  # a base class made per service
    """One attempt: never changed. `status` is None where no answer came; then `error` says why."""

    __tablename__ = "attempt"
    __table_args__ = (CheckConstraint("duration_ms >= 0"),)

    notice_id: str = Field(primary_key=True, foreign_key="delivery.notice_id")
    number: int = Field(primary_key=True)
    started_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    duration_ms: int
    status: int | None = None
    error: str = ""
