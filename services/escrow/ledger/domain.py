"""What the ledger accounts for, in which accounts, and what it answers. Amounts are integers in minor units (ISO 4217).

Balances are debit-positive: an asset with money in it is positive, a liability is negative. The *natural* balance is
seen from the account's own side, so floors and limits read as one expects. The same rules stand in ledger.sql and
post.sql, which decide; this module names them.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from shared.errors import Refused
from shared.ids import derived_uuid


class Kind(StrEnum):
    """Kind of an account; its side follows (assets and expenses debit, the others credit)."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"
    CLEARING = "clearing"


class Posting(StrEnum):
    """When an account's sequence and balance are assigned: under its lock, or when the entry's block closes."""

    IMMEDIATE = "immediate"
    DEFERRED = "deferred"


class Action(StrEnum):
    """What an instruction asks for."""

    POST = "post"
    RESERVE = "reserve"
    POST_HOLD = "post_hold"
    VOID_HOLD = "void_hold"


class Outcome(StrEnum):
    """What became of an instruction; post.sql explains each."""

    POSTED = "posted"
    RESERVED = "reserved"
    VOIDED = "voided"
    REPLAYED = "replayed"
    CONFLICT = "conflict"
    UNKNOWN_ACCOUNT = "unknown_account"
    CURRENCY_MISMATCH = "currency_mismatch"
    INSUFFICIENT = "insufficient"
    LIMIT = "limit"
    UNKNOWN_HOLD = "unknown_hold"
    RESOLVED = "resolved"
    SAME_ACCOUNT = "same_account"
    BAD_AMOUNT = "bad_amount"
    LINKED = "linked"

    @property
    def in_effect(self) -> bool:
        """Whether the transfer stands, by this call or an earlier one."""
        return self in (Outcome.POSTED, Outcome.RESERVED, Outcome.VOIDED, Outcome.REPLAYED)


@dataclass(frozen=True, slots=True)
class Form:
    """How accounts of one form of code are kept. `floor_minor` and `limit_minor` bound the natural balance."""

    kind: Kind
    posting: Posting
    floor_minor: int | None = None
    limit_minor: int | None = None


CHART: Final[dict[str, Form]] = {
    "bank:*": Form(Kind.ASSET, Posting.DEFERRED),  # mirrors the supervised bank account
    "deal:*:held": Form(Kind.LIABILITY, Posting.IMMEDIATE, 0),  # funded, not yet on a milestone
    "deal:*:ms:*": Form(Kind.LIABILITY, Posting.IMMEDIATE, 0),  # held for one milestone
    "deal:*:disputed": Form(Kind.LIABILITY, Posting.IMMEDIATE, 0),
    "party:*:payable": Form(Kind.LIABILITY, Posting.IMMEDIATE, 0),  # owed to a member here
    "payout:inflight": Form(Kind.LIABILITY, Posting.DEFERRED),  # instructed to the bank, not yet on a statement
    "clr:*": Form(Kind.CLEARING, Posting.DEFERRED),  # credit: owed to the peer; debit: the peer owes
    "stl:*:*": Form(Kind.CLEARING, Posting.DEFERRED),  # a clearing window between gross and paid
    "cover:*": Form(Kind.LIABILITY, Posting.IMMEDIATE, 0),
    "pool:*": Form(Kind.LIABILITY, Posting.IMMEDIATE, 0),  # a fund pool never goes below zero
    "fee": Form(Kind.INCOME, Posting.DEFERRED),
    "tax": Form(Kind.LIABILITY, Posting.DEFERRED),
    "suspense": Form(Kind.LIABILITY, Posting.DEFERRED),
}
"""The chart of accounts: the form of a code decides how the account is kept. `*` stands for one part."""

BANK: Final = "bank:ops"


def held(deal_id: str) -> str:
    """Account of a deal's money that is on no milestone yet."""
    return f"deal:{deal_id}:held"


def milestone(deal_id: str, number: int) -> str:
    """Account of the money held for one milestone."""
    return f"deal:{deal_id}:ms:{number}"


def payable(organisation_id: str) -> str:
    """Account of what the center owes one of its members."""
    return f"party:{organisation_id}:payable"


def clearing(peer: str) -> str:
    """Account of what the center owes a peer center (credit) or is owed by it (debit)."""
    return f"clr:{peer}"


def form_of(code: str) -> Form:
    """The chart's form for a code. Raises ValueError where the chart has none."""
    parts = code.split(":")
    for pattern, form in CHART.items():
        wanted = pattern.split(":")
        if len(wanted) == len(parts) and all(w in ("*", p) for w, p in zip(wanted, parts, strict=True)):
            return form
    raise ValueError(f"the chart of accounts has no form for {code!r}")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One transfer of a batch. `id` is the caller's: the same id with the same content takes effect once.

    `post` and `reserve` name accounts, currency and amount; `post_hold` and `void_hold` name the hold by `resolves`
    and take everything from it. Instructions of one `link` take effect together or not at all.
    """

    id: UUID
    action: Action
    purpose: str
    reference: str
    debit: str | None = None
    credit: str | None = None
    currency: str | None = None
    amount_minor: int | None = None
    resolves: UUID | None = None
    link: UUID | None = None

    def __post_init__(self) -> None:
        moves = all(v is not None for v in (self.debit, self.credit, self.currency, self.amount_minor))
        bare = all(v is None for v in (self.debit, self.credit, self.currency, self.amount_minor))
        resolving = self.action in (Action.POST_HOLD, Action.VOID_HOLD)
        if (resolving and not (bare and self.resolves)) or (not resolving and not (moves and self.resolves is None)):
            raise ValueError(f"{self.action}: name accounts, currency and amount, or the hold it resolves")

    def as_json(self) -> dict[str, Any]:
        """The item of the batch as post.sql reads it."""
        item = asdict(self)
        return {name: str(value) if isinstance(value, UUID) else value for name, value in item.items()}


def resolve(hold: UUID, action: Action, *, purpose: str, reference: str) -> Instruction:
    """Post or void a hold; the id derives from the hold, so a repeat is a replay."""
    return Instruction(derived_uuid(hold, action), action, purpose, reference, resolves=hold)


class LedgerRefused(Refused):
    """The ledger did not let a transfer take effect."""

    status: ClassVar[int] = 422
    rule = "ledger-refused"
    en = "The ledger refuses the transfer for {purpose} of {reference}: {outcome}."
    zh = "账本拒绝了 {reference} 的 {purpose} 转账：{outcome}。"


class Insufficient(LedgerRefused):
    """An account would fall below its floor."""

    rule = "insufficient-funds"
    en = "There is not enough money for {purpose} of {reference}."
    zh = "{reference} 的 {purpose} 资金不足。"


class OverLimit(LedgerRefused):
    """An account would rise above its limit."""

    rule = "account-limit"
    en = "The transfer for {purpose} of {reference} exceeds the limit of an account."
    zh = "{reference} 的 {purpose} 转账超过账户上限。"


class TransferConflict(LedgerRefused):
    """The id was used for another transfer."""

    rule = "transfer-conflict"
    status = 409
    en = "The transfer's id was used before with another content ({purpose} of {reference})."
    zh = "该转账编号已用于其他内容（{reference} 的 {purpose}）。"


class HoldResolved(LedgerRefused):
    """A hold is posted or voided once."""

    rule = "hold-resolved"
    status = 409
    en = "The hold for {purpose} of {reference} was already posted or voided."
    zh = "{reference} 的 {purpose} 预留款已入账或已撤销。"


REFUSALS: Final[dict[Outcome, type[LedgerRefused]]] = {
    Outcome.INSUFFICIENT: Insufficient,
    Outcome.LIMIT: OverLimit,
    Outcome.CONFLICT: TransferConflict,
    Outcome.RESOLVED: HoldResolved,
}


def refusal(instruction: Instruction, outcome: Outcome) -> LedgerRefused:
    """The refusal that says why an instruction did not take effect."""
    kind = REFUSALS.get(outcome, LedgerRefused)
    return kind(purpose=instruction.purpose, reference=instruction.reference, outcome=outcome.value)
