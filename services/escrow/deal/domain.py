"""Rules of a deal: its states, who decides which step, what terms and approvals must be. Pure.

The home (the buyer's center) decides reservation's effect, terms, funding, acceptance, release and refund; the seller's
center decides agreement and delivery (docs/architecture.md). Each side keeps a row and follows the other's word.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final, TypeVar

from services.escrow.deal.refusals import (
    ApprovalVoid,
    ContractDiffers,
    MakerIsChecker,
    MixedCurrencies,
    StepNotPossible,
    UnknownCurrency,
    WrongAmount,
    WrongCurrency,
    WrongNumbers,
)
from shared.schemas.escrow import MilestoneTerms
from shared.schemas.money import EXPONENTS, MINOR_MAX, Money


class Side(StrEnum):
    """Whose row it is: the buyer's center (home) or the seller's. Where both are one center, it keeps two rows."""

    HOME = "home"
    SELLER = "seller"


class DealState(StrEnum):
    """States of a deal."""

    OPENED = "opened"
    RESERVED = "reserved"
    PROPOSED = "proposed"
    AGREED = "agreed"
    FUNDED = "funded"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class MilestoneState(StrEnum):
    """States of a milestone."""

    PENDING = "pending"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    RELEASING = "releasing"
    PAID = "paid"
    REFUND_REQUESTED = "refund_requested"
    REFUNDED = "refunded"


class Step(StrEnum):
    """What may happen to a deal or a milestone; named like the route or the fact."""

    RESERVATION = "reservation"
    REFUSAL = "refusal"
    TERMS = "terms"
    AGREEMENT = "agreement"
    FUNDING = "funding"
    COMPLETION = "completion"
    DELIVERY = "delivery"
    ACCEPTANCE = "acceptance"
    RELEASE = "release"
    PAYMENT = "payment"  # released and paid at once: both parties are at one center
    SETTLEMENT = "settlement"
    REJECTION = "rejection"
    REFUND_REQUEST = "refund-request"
    REFUND = "refund"


S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Move:
    """A legal step: from where, to where, and for people's steps on which side it is taken (None: a fact's effect)."""

    sources: frozenset[StrEnum]
    target: StrEnum
    side: Side | None = None


def _move(sources: Iterable[StrEnum], target: StrEnum, side: Side | None = None) -> Move:
    return Move(frozenset(sources), target, side)


_D, _M = DealState, MilestoneState

DEAL: Final[Mapping[Step, Move]] = {
    Step.RESERVATION: _move([_D.OPENED], _D.RESERVED),
    Step.REFUSAL: _move([_D.OPENED], _D.CANCELLED),
    Step.TERMS: _move([_D.RESERVED, _D.PROPOSED], _D.PROPOSED, Side.HOME),
    Step.AGREEMENT: _move([_D.PROPOSED], _D.AGREED, Side.SELLER),
    Step.FUNDING: _move([_D.AGREED], _D.FUNDED, Side.HOME),
    Step.COMPLETION: _move([_D.FUNDED], _D.COMPLETED),
}
MILESTONE: Final[Mapping[Step, Move]] = {
    Step.DELIVERY: _move([_M.PENDING], _M.DELIVERED, Side.SELLER),
    Step.ACCEPTANCE: _move([_M.DELIVERED], _M.ACCEPTED, Side.HOME),
    Step.RELEASE: _move([_M.ACCEPTED], _M.RELEASING, Side.HOME),
    Step.PAYMENT: _move([_M.ACCEPTED], _M.PAID),
    Step.SETTLEMENT: _move([_M.RELEASING], _M.PAID),
    Step.REJECTION: _move([_M.RELEASING], _M.DELIVERED),  # the payee's center said no: both approvals are void
    Step.REFUND_REQUEST: _move([_M.PENDING, _M.DELIVERED, _M.ACCEPTED], _M.REFUND_REQUESTED, Side.HOME),
    Step.REFUND: _move([_M.REFUND_REQUESTED], _M.REFUNDED, Side.HOME),
}
SETTLED: Final = frozenset({_M.PAID, _M.REFUNDED})
"""A milestone in one of these is done."""


def check_graph(moves: Mapping[Step, Move], states: type[S], start: S, ends: Iterable[S]) -> None:
    """Raises ValueError unless every state is reached from `start`, and exactly `ends` have no way out."""
    reached: set[StrEnum] = {start}
    while more := {m.target for m in moves.values() if m.sources & reached} - reached:
        reached |= more
    sources = {source for move in moves.values() for source in move.sources}
    if reached != set(states):
        raise ValueError(f"unreachable: {sorted(set(states) - reached)}; foreign: {sorted(reached - set(states))}")
    if set(states) - sources != set(ends):
        raise ValueError(f"ends are {sorted(set(states) - sources)}, not {sorted(ends)}")


check_graph(DEAL, DealState, _D.OPENED, [_D.COMPLETED, _D.CANCELLED])
check_graph(MILESTONE, MilestoneState, _M.PENDING, [_M.PAID, _M.REFUNDED])


def take(moves: Mapping[Step, Move], step: Step, state: str) -> str:
    """The state after a step. Raises StepNotPossible."""
    move = moves[step]
    if state not in move.sources:
        raise StepNotPossible(step=step.value, state=state, needs=", ".join(sorted(s.value for s in move.sources)))
    return move.target.value


def possible(moves: Mapping[Step, Move], state: str, side: str) -> list[Step]:
    """The steps that people of a side may take now."""
    return [step for step, move in moves.items() if move.side == side and state in move.sources]


MILESTONES_MAX: Final = 50


def check_terms(milestones: list[MilestoneTerms]) -> Money:
    """The contract's total. Milestones are numbered from 1 without gaps, all positive, all in one known currency.

    Raises WrongNumbers, MixedCurrencies, UnknownCurrency, WrongAmount.
    """
    if [m.number for m in milestones] != list(range(1, len(milestones) + 1)) or not 1 <= len(
        milestones
    ) <= MILESTONES_MAX:
        raise WrongNumbers(limit=MILESTONES_MAX)
    currencies = {m.amount.currency for m in milestones}
    if len(currencies) > 1:
        raise MixedCurrencies(currencies=", ".join(sorted(currencies)))
    currency = currencies.pop()
    if currency not in EXPONENTS:
        raise UnknownCurrency(currency=currency)
    total = sum(m.amount.minor for m in milestones)
    if any(m.amount.minor < 1 for m in milestones) or total > MINOR_MAX:
        raise WrongAmount(given=total, expected=f"1..{MINOR_MAX}")
    return Money(minor=total, currency=currency)


def check_contract(given: str, agreed: str | None) -> None:
    """Both sides mean the same document. Raises ContractDiffers."""
    if given != agreed:
        raise ContractDiffers()


def terms_sha256(contract_type: str, contract_sha256: str, milestones: list[MilestoneTerms]) -> str:
    """What an agreement covers: the contract and every milestone's number, title and amount. Lower-case hex."""
    lines = [contract_type, contract_sha256]
    lines += [
        f"{m.number} {m.amount.currency} {m.amount.minor} {sha256(m.title.encode()).hexdigest()}" for m in milestones
    ]
    return sha256("\n".join(lines).encode()).hexdigest()


def check_funding(given: Money, total: Money) -> None:
    """The buyer pays the whole contract, in its currency. Raises WrongCurrency, WrongAmount."""
    if given.currency != total.currency:
        raise WrongCurrency(given=given.currency, expected=total.currency)
    if given.minor != total.minor:
        raise WrongAmount(given=str(given), expected=str(total))


class Purpose(StrEnum):
    """What two people approve."""

    RELEASE = "release"
    REFUND = "refund"


def approval_sha256(deal_id: str, number: int, purpose: str, payee: str, amount: Money) -> str:
    """What an approval covers: amount, payee and milestone. Any change gives another hash and voids it."""
    return sha256(f"{deal_id}\n{number}\n{purpose}\n{payee}\n{amount.currency}\n{amount.minor}".encode()).hexdigest()


def check_approval(covered: str, now: str, maker: str, checker: str) -> None:
    """The second approval. Raises MakerIsChecker, ApprovalVoid."""
    if maker == checker:
        raise MakerIsChecker()
    if covered != now:
        raise ApprovalVoid()


@dataclass(frozen=True, slots=True)
class Claim:
    """What a prepared payment claims, as the payee's center sees it."""

    payee: str
    amount: Money


def verdict(claim: Claim, payee: str, due: Money | None, state: str, *, paid_already: bool) -> str | None:
    """The payee's center judges a prepared payment: None to fulfil it, or the rule that rejects it.

    `due` is the milestone's agreed amount (None: no such milestone), `state` that of the payee's own copy.
    """
    if claim.payee != payee:
        return "payee-unknown"
    if due is None:
        return "milestone-unknown"
    if claim.amount.currency != due.currency:
        return "currency-differs"
    if claim.amount.minor != due.minor:
        return "amount-differs"
    if state == MilestoneState.PENDING:
        return "not-delivered"
    if paid_already or state in SETTLED:
        return "already-settled"
    return None
