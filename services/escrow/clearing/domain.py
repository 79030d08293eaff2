"""Rules of a payment between centers. Pure.

The payer's center reserves and announces *prepared*; the payee's center writes one decision per transfer, numbered
without gaps per direction; the payer's center posts or voids on that decision only, never on its own clock. A cancel
that finds no decision leaves one, a tombstone: rejected, so that a late prepare is refused.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from shared.errors import Refused
from shared.schemas.escrow import TransferSettled
from shared.schemas.money import Money


class Decision(StrEnum):
    """The payee's center's word about a transfer."""

    FULFILLED = "fulfilled"
    REJECTED = "rejected"


CANCELLED: Final = "cancelled"
"""Rule of a tombstone."""

OUTCOME_OF: Final[dict[str, Literal["posted", "voided"]]] = {
    Decision.FULFILLED.value: "posted",
    Decision.REJECTED.value: "voided",
}
"""What the payer's center does on a decision."""


class AlreadyDecided(Refused):
    """A decision is final."""

    rule = "transfer-decided"
    en = "The transfer {id} is already decided: {decision}."
    zh = "转账 {id} 已有决定：{decision}。"


class ContradictingPeer(Exception):
    """If you hit this, a peer said two different things about one transfer. No refusal: reading its topic halts."""


class HoldLost(Exception):
    """If you hit this, the ledger would not post or void a hold that a decision is about. The topic halts."""


@dataclass(frozen=True, slots=True)
class Payment:
    """What identifies a payment's content; the same transfer always has the same."""

    deal_id: str
    milestone: int
    payee: str
    amount: Money


def check_same(transfer_id: str, known: Payment, again: Payment) -> None:
    """A repeated prepare says what the first said. Raises ContradictingPeer."""
    if known != again:
        raise ContradictingPeer(f"transfer {transfer_id} was prepared as {known}, now as {again}")


def check_settled(deal_id: str, amount: Money | None, told: TransferSettled) -> None:
    """What the payer posted or voided is what we decided on (a tombstone has no amount). Raises ContradictingPeer."""
    if told.deal_id != deal_id or amount not in (None, told.amount):
        raise ContradictingPeer(
            f"transfer {told.transfer_id} of {deal_id} over {amount} was settled as {told.deal_id} over {told.amount}"
        )


def is_repeat(transfer_id: str, known: str | None, number: int | None, again: str, number_again: int) -> bool:
    """Whether a decision was told before. Raises ContradictingPeer where it differs from the one told."""
    if known is None:
        return False
    if (known, number) != (again, number_again):
        raise ContradictingPeer(
            f"transfer {transfer_id} was {known} by decision {number}, now {again} by {number_again}"
        )
    return True
