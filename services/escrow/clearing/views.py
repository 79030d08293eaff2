"""Payments between centers as people and systems see them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.escrow.clearing.domain import CANCELLED, OUTCOME_OF
from services.escrow.clearing.tables import Incoming, Outgoing
from shared.schemas.money import Money


class TransferView(BaseModel):
    """A payment to or from a peer. `amount` is absent where it was cancelled before it was prepared."""

    transfer_id: str
    direction: Literal["outgoing", "incoming"]
    peer: str
    deal_id: str
    milestone: int | None
    amount: Money | None
    state: str
    rule: str | None
    decision_number: int | None
    decided_at: datetime | None


def outgoing_view(row: Outgoing) -> TransferView:
    """States: prepared, cancelling, posted, voided."""
    waiting = "cancelling" if row.cancel_asked_by else "prepared"
    return TransferView(
        **row.model_dump(include=set(TransferView.model_fields)), direction="outgoing", amount=row.amount,
        state=OUTCOME_OF[row.decision] if row.decision else waiting,
    )  # fmt: skip


def incoming_view(row: Incoming) -> TransferView:
    """States: fulfilled, rejected, cancelled; then posted or voided once the payer's center says so."""
    return TransferView(
        **row.model_dump(include=set(TransferView.model_fields)), direction="incoming",
        amount=row.amount if row.amount_minor else None,
        state=row.outcome or (CANCELLED if row.rule == CANCELLED else row.decision),
    )  # fmt: skip
