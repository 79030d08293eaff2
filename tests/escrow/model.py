"""The ledger in memory, as plainly as it can be said: what the posting function must agree with."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from uuid import UUID

from services.escrow.ledger.domain import Action, Instruction, Outcome, form_of


@dataclass
class Books:
    """Signed balances (debit positive) and reserved sums by account code, one currency."""

    balances: dict[str, int]
    debit_pending: dict[str, int] = field(default_factory=dict)
    credit_pending: dict[str, int] = field(default_factory=dict)
    known: dict[UUID, Instruction] = field(default_factory=dict)
    resolved: set[UUID] = field(default_factory=set)

    def post(self, batch: Sequence[Instruction]) -> list[Outcome]:
        """Outcomes in the batch's order; instructions of a link are taken together where its first one stands."""
        outcomes: dict[int, Outcome] = {}
        committed = set(self.known)  # a hold made in this very batch is not known yet
        first: dict[UUID | None, int] = {i.link: n for n, i in reversed(list(enumerate(batch))) if i.link}
        order = sorted(range(len(batch)), key=lambda n: (first.get(batch[n].link, n) if batch[n].link else n, n))
        groups: list[list[int]] = []
        for n in order:
            if groups and batch[n].link and batch[groups[-1][0]].link == batch[n].link:
                groups[-1].append(n)
            else:
                groups.append([n])
        for group in groups:
            before, failed = deepcopy(self.__dict__), False
            for n in group:
                outcomes[n] = Outcome.LINKED if failed else self._one(batch[n], committed)
                if not outcomes[n].in_effect and batch[n].link and not failed:
                    failed = True
                    self.__dict__.update(before)
                    for earlier in group[: group.index(n)]:
                        if outcomes[earlier] is not Outcome.REPLAYED:
                            outcomes[earlier] = Outcome.LINKED
        return [outcomes[n] for n in range(len(batch))]

    def _one(self, asked: Instruction, committed: set[UUID]) -> Outcome:
        if asked.id in self.known:
            return Outcome.REPLAYED if self.known[asked.id] == asked else Outcome.CONFLICT
        moved = asked
        if asked.resolves:
            hold = self.known.get(asked.resolves)
            if hold is None or hold.action is not Action.RESERVE or asked.resolves not in committed:
                return Outcome.UNKNOWN_HOLD
            if asked.resolves in self.resolved:
                return Outcome.RESOLVED
            moved = hold
        outcome = self._move(asked, moved)
        if outcome.in_effect:
            self.known[asked.id] = asked
            if asked.resolves:
                self.resolved.add(asked.resolves)
        return outcome

    def _move(self, asked: Instruction, moved: Instruction) -> Outcome:
        debit, credit, amount = moved.debit or "", moved.credit or "", moved.amount_minor or 0
        if debit not in self.balances or credit not in self.balances:
            return Outcome.UNKNOWN_ACCOUNT
        if debit == credit:
            return Outcome.SAME_ACCOUNT
        if amount < 1:
            return Outcome.BAD_AMOUNT
        if not asked.resolves and self._available(debit) - amount < 0:
            return Outcome.INSUFFICIENT
        sign = 1 if asked.action is Action.RESERVE else -1 if asked.resolves else 0
        self.debit_pending[debit] = self.debit_pending.get(debit, 0) + sign * amount
        self.credit_pending[credit] = self.credit_pending.get(credit, 0) + sign * amount
        if asked.action in (Action.POST, Action.POST_HOLD):
            self.balances[debit] += amount
            self.balances[credit] -= amount
            return Outcome.POSTED
        return Outcome.RESERVED if asked.action is Action.RESERVE else Outcome.VOIDED

    def _available(self, code: str) -> int:
        """What a liability with a floor of zero may still give; accounts without a floor give anything."""
        if form_of(code).floor_minor is None:
            return 10**15
        return -self.balances[code] - self.debit_pending.get(code, 0)
