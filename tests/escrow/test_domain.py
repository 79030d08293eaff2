"""Rules without a database."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.escrow.clearing.domain import ContradictingPeer, is_repeat
from services.escrow.deal import domain
from services.escrow.deal.domain import DEAL, MILESTONE, Claim, DealState, Move, Side, Step
from services.escrow.deal.refusals import ApprovalVoid, MakerIsChecker, StepNotPossible
from services.escrow.ledger.chain import GENESIS, Place, Written, close, replay
from services.escrow.ledger.domain import (
    REFUSALS,
    Action,
    Instruction,
    Insufficient,
    LedgerRefused,
    Outcome,
    form_of,
    refusal,
)
from shared.schemas.escrow import LedgerBlockClosed
from shared.schemas.money import Money

CNY = Money(minor=100)
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_every_step_leaves_its_sources_only() -> None:
    for moves, states in ((DEAL, DealState), (MILESTONE, domain.MilestoneState)):
        for step, move in moves.items():
            for state in states:
                if state in move.sources:
                    assert domain.take(moves, step, state.value) == move.target
                else:
                    with pytest.raises(StepNotPossible):
                        domain.take(moves, step, state.value)


def test_a_graph_with_a_hole_is_refused_at_import() -> None:
    hole = {Step.FUNDING: Move(frozenset({DealState.AGREED}), DealState.FUNDED)}
    with pytest.raises(ValueError, match="unreachable"):
        domain.check_graph(hole, DealState, DealState.OPENED, [DealState.COMPLETED])
    with pytest.raises(ValueError, match="ends are"):
        domain.check_graph(DEAL, DealState, DealState.OPENED, [DealState.COMPLETED])


def test_people_of_a_side_see_their_own_steps() -> None:
    assert domain.possible(DEAL, "proposed", Side.SELLER) == [Step.AGREEMENT]
    assert domain.possible(DEAL, "proposed", Side.HOME) == [Step.TERMS]
    assert domain.possible(MILESTONE, "delivered", Side.HOME) == [Step.ACCEPTANCE, Step.REFUND_REQUEST]
    assert domain.possible(MILESTONE, "releasing", Side.HOME) == []


def test_an_approval_covers_every_part() -> None:
    base = ("dea_1", 1, "release", "org_1", CNY)
    covers = domain.approval_sha256(*base)
    assert covers == domain.approval_sha256(*base)
    others = [
        ("dea_2", *base[1:]),
        (base[0], 2, *base[2:]),
        (*base[:2], "refund", *base[3:]),
        (*base[:3], "org_2", CNY),
        (*base[:4], Money(minor=101)),
        (*base[:4], Money(minor=100, currency="USD")),
    ]
    assert covers not in {domain.approval_sha256(*other) for other in others}
    with pytest.raises(MakerIsChecker):
        domain.check_approval(covers, covers, "i|alice", "i|alice")
    with pytest.raises(ApprovalVoid):
        domain.check_approval(covers, "0" * 64, "i|alice", "i|bob")
    domain.check_approval(covers, covers, "i|alice", "i|bob")


def test_the_verdict_on_a_prepared_payment() -> None:
    def verdict(
        payee: str = "org_s", amount: Money = CNY, due: Money | None = CNY, state: str = "accepted", paid: bool = False
    ) -> str | None:
        return domain.verdict(Claim(payee, amount), "org_s", due, state, paid_already=paid)

    assert verdict() is None
    assert verdict(state="delivered") is None  # the acceptance may still be on its way here
    assert verdict(payee="org_x") == "payee-unknown"
    assert verdict(due=None) == "milestone-unknown"
    assert verdict(amount=Money(minor=99)) == "amount-differs"
    assert verdict(amount=Money(minor=100, currency="EUR")) == "currency-differs"
    assert verdict(state="pending") == "not-delivered"
    assert verdict(paid=True) == verdict(state="refunded") == "already-settled"


def test_a_decision_is_told_once_or_again_never_otherwise() -> None:
    assert not is_repeat("t", None, None, "fulfilled", 1)
    assert is_repeat("t", "fulfilled", 1, "fulfilled", 1)
    for again in (("rejected", 1), ("fulfilled", 2)):
        with pytest.raises(ContradictingPeer):
            is_repeat("t", "fulfilled", 1, *again)


def test_the_chart_keeps_every_account_of_the_ledger() -> None:
    assert form_of("deal:dea_1:ms:3").floor_minor == 0
    assert form_of("clr:east").floor_minor is None
    for unknown in ("deal:x", "bank", "deal:x:ms:1:2"):
        with pytest.raises(ValueError, match="no form"):
            form_of(unknown)


def test_an_instruction_names_accounts_or_its_hold() -> None:
    id = UUID(int=1)
    for wrong in (
        {"action": Action.POST},
        {"action": Action.POST_HOLD},
        {"action": Action.POST_HOLD, "resolves": id, "amount_minor": 5},
        {"action": Action.POST, "resolves": id, "debit": "fee", "credit": "tax", "currency": "CNY", "amount_minor": 1},
    ):
        with pytest.raises(ValueError, match="name accounts"):
            Instruction(id=id, purpose="p", reference="r", **wrong)


def test_refusals_say_why_in_both_languages() -> None:
    asked = Instruction(UUID(int=1), Action.POST, "release", "dea_1:1", "fee", "tax", "CNY", 5)
    assert isinstance(refusal(asked, Outcome.INSUFFICIENT), Insufficient)
    for outcome in Outcome:
        if not outcome.in_effect:
            said = refusal(asked, outcome)
            assert isinstance(said, REFUSALS.get(outcome, LedgerRefused))
            assert "dea_1:1" in said.say("en")
            assert "dea_1:1" in said.say("zh")


def blocks() -> list[LedgerBlockClosed]:
    """Two blocks: account 1 deferred, account 2 immediate."""
    written = [
        Written(
            n, UUID(int=(n + 1) // 2), 1 + (n + 1) % 2, ("bank:ops", "fee")[(n + 1) % 2], "CNY", minor, sequence, after
        )
        for n, minor, sequence, after in [(1, 5, None, None), (2, -5, 1, -5), (3, 7, None, None), (4, -7, 2, -12)]
    ]
    first, positioned, places = close(1, GENESIS, AT, written[:3], {1: Place(0, 0)})
    assert [(p.sequence, p.balance_minor) for p in positioned] == [(1, 5), (2, 12)]
    second, _, _ = close(2, first.sha256, AT, written[3:], places)
    return [first, second]


def test_blocks_chain_and_replay_gives_the_balances() -> None:
    found = replay(blocks())
    assert found.faults == []
    assert found.balances == {("bank:ops", "CNY"): 12, ("fee", "CNY"): -12}
    assert replay(reversed(blocks())).faults == []
    assert replay([]).balances == {}


def test_any_change_of_a_block_is_found() -> None:
    first, second = blocks()
    entry = first.entries[0]
    bent = [
        [first.model_copy(update={"entries": [entry.model_copy(update={field: value}), *first.entries[1:]]}), second]
        for field, value in (("minor", 6), ("account", "fee"), ("balance_minor", 4), ("entry", 9), ("transfer_id", "x"))
    ]
    bent += [[second], [first.model_copy(update={"closed_at": AT.replace(hour=13)}), second]]
    bent += [[first, second.model_copy(update={"previous_sha256": GENESIS})], [first, first, second]]
    for chain in bent:
        assert replay(chain).faults
