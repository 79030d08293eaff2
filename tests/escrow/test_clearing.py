"""Payments between centers: one decision, whatever is repeated, reordered, cancelled or forged."""

import json
import os
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.escrow.app import service
from services.escrow.ledger.audit import combine
from services.escrow.ledger.blocks import close_block
from services.escrow.ledger.handlers import open_accounts
from shared.events.runner import Halted
from shared.ids import new_id
from shared.schemas import escrow
from shared.schemas.money import Money
from tests.escrow.play import SELLER, Play, audited, sql
from tests.fixtures import OpenDatabase, deliver, emitted

SEED = int(os.environ.get("CTTA_TEST_SEED", "0")) or Random().randrange(1, 10**6)


async def released(open_database: OpenDatabase, **wire: Any) -> Play:
    """Milestone 1 released, its payment prepared and not carried yet."""
    play = await Play.start(open_database, **wire)
    await play.fund()
    await play.deliver(1)
    await play.accept(1)
    path = f"/deals/{play.deal_id}/milestones/1/release"
    assert (await play.post(play.home, path, subject="bob")).status_code == 200
    return play


async def prepared(play: Play) -> escrow.TransferPrepared:
    """What the home announced last."""
    event = (await emitted(play.home, escrow.TransferPrepared))[-1]
    assert isinstance(event, escrow.TransferPrepared)
    return event


async def decisions(play: Play) -> list[tuple[str, str | None, int]]:
    """What the payee's center decided, in order."""
    events = await emitted(play.seller, escrow.TransferDecided)
    return [(e.decision, e.rule, e.decision_number) for e in events if isinstance(e, escrow.TransferDecided)]


@pytest.mark.parametrize("round_", range(3))
async def test_reordered_and_repeated_records_end_the_same(open_database: OpenDatabase, round_: int) -> None:
    seed = SEED + round_
    print(f"CTTA_TEST_SEED={seed}")
    play = await Play.start(open_database, seed=seed, duplicate=True)
    prices = (100_000, 200_000, 300_000)
    await play.fund(prices)
    for number in (1, 2, 3):
        await play.deliver(number)
    for number in (1, 2):
        path = f"/deals/{play.deal_id}/milestones/{number}"
        assert (await play.post(play.home, f"{path}/acceptance", subject="alice")).status_code == 200
        assert (await play.post(play.home, f"{path}/release", subject="bob")).status_code == 200
    await play.wire.carry()
    await play.step(play.home, "/milestones/3/refund-request", subject="alice")
    await play.step(play.home, "/milestones/3/refund", subject="bob")
    assert await play.states() == ("completed", ["paid", "paid", "refunded"])
    assert await play.states(play.seller) == ("completed", ["paid", "paid", "refunded"])
    assert [d[::2] for d in await decisions(play)] == [("fulfilled", 1), ("fulfilled", 2)]
    for db in (play.home, play.seller):
        while await close_block(db):
            pass
    reports = [await audited(play.home), await audited(play.seller)]
    assert combine(reports).ok, reports


async def test_a_repeated_prepare_credits_once(open_database: OpenDatabase) -> None:
    play = await released(open_database)
    event = await prepared(play)
    await play.wire.carry()
    for _ in range(3):  # the same said again, as another event
        await deliver(play.seller, service, event, source="beijing")
    assert await decisions(play) == [("fulfilled", None, 1)]
    assert (await play.balances(play.seller))[f"party:{SELLER}:payable"] == -600_000


async def test_a_repeated_decision_posts_once(open_database: OpenDatabase) -> None:
    play = await released(open_database)
    await play.wire.carry()
    decided = (await emitted(play.seller, escrow.TransferDecided))[0]
    await deliver(play.home, service, decided, source="east")
    assert len(await emitted(play.home, escrow.TransferSettled)) == 1
    assert (await play.balances(play.home))["clr:east"] == -600_000


async def test_a_prepare_before_the_deal_waits_for_it(open_database: OpenDatabase) -> None:
    play = await released(open_database)
    fresh = await Play.start(open_database, home="south", seller="east")
    await deliver(fresh.seller, service, await prepared(play), source="beijing")
    rows = await sql(fresh.seller, "SELECT state, waits_for FROM held")
    assert [tuple(row) for row in rows] == [("waiting", play.deal_id)]
    assert await emitted(fresh.seller) == []


async def test_a_decision_before_the_transfer_is_known_waits(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    unknown = escrow.TransferDecided(
        to="beijing", transfer_id=new_id("trf"), deal_id="dea_x", decision="fulfilled", decision_number=1
    )
    await deliver(play.home, service, unknown, source="east")
    rows = await sql(play.home, "SELECT state, waits_for FROM held")
    assert [tuple(row) for row in rows] == [("waiting", unknown.transfer_id)]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"payee_organisation_id": "org_other"}, "payee-unknown"),
        ({"amount": Money(minor=600_001)}, "amount-differs"),
        ({"amount": Money(minor=600_000, currency="USD")}, "currency-differs"),
        ({"milestone": 9}, "milestone-unknown"),
        ({"milestone": 2, "amount": Money(minor=400_000)}, "not-delivered"),
    ],
)
async def test_what_the_payees_center_rejects(open_database: OpenDatabase, change: dict[str, Any], rule: str) -> None:
    play = await released(open_database)
    claim = (await prepared(play)).model_copy(update={"transfer_id": new_id("trf"), **change})
    await deliver(play.seller, service, claim, source="beijing")
    assert await decisions(play) == [("rejected", rule, 1)]
    assert await play.balances(play.seller) == {}


async def test_one_milestone_is_fulfilled_once(open_database: OpenDatabase) -> None:
    play = await released(open_database)
    await play.wire.carry()
    again = (await prepared(play)).model_copy(update={"transfer_id": new_id("trf")})
    await deliver(play.seller, service, again, source="beijing")
    assert (await decisions(play))[1] == ("rejected", "already-settled", 2)


async def test_a_cancel_leaves_a_tombstone_that_refuses_the_late_prepare(open_database: OpenDatabase) -> None:
    play = await released(open_database)
    event = await prepared(play)
    asked = await play.post(play.home, f"/transfers/{event.transfer_id}/cancellation")
    assert asked.json()["state"] == "cancelling"
    held = await sql(play.home, "SELECT state FROM hold")
    assert [row["state"] for row in held] == ["open"]  # on the peer's word only, never on our own
    cancelled = escrow.TransferCancelled(to="east", transfer_id=event.transfer_id, deal_id=play.deal_id)
    await deliver(play.seller, service, cancelled, source="beijing")
    await deliver(play.seller, service, event, source="beijing")
    await play.wire.carry()
    assert await decisions(play) == [("rejected", "cancelled", 1)]
    assert await play.states() == ("funded", ["delivered", "pending"])
    assert await play.states(play.seller) == ("funded", ["delivered", "pending"])
    assert await play.balances(play.seller) == {}
    milestone = f"deal:{play.deal_id}:ms:1"
    assert (await play.balances(play.home))[milestone] == -600_000
    late = await play.post(play.home, f"/transfers/{event.transfer_id}/cancellation")
    assert late.json()["title"] == "transfer-decided"
    await play.accept(1, subject="alice")  # both approvals again
    await play.release(1, subject="bob")
    assert await play.states() == ("funded", ["paid", "pending"])
    assert await play.states(play.seller) == ("funded", ["paid", "pending"])
    assert combine([await audited(play.home), await audited(play.seller)]).ok


async def test_a_cancel_after_the_decision_changes_nothing(open_database: OpenDatabase) -> None:
    play = await released(open_database)
    event = await prepared(play)
    await deliver(play.seller, service, event, source="beijing")
    cancelled = escrow.TransferCancelled(to="east", transfer_id=event.transfer_id, deal_id=play.deal_id)
    await deliver(play.seller, service, cancelled, source="beijing")
    await play.wire.carry()
    assert await decisions(play) == [("fulfilled", None, 1)]
    assert (await play.states())[1][0] == "paid"


async def test_another_center_decides_nothing(open_database: OpenDatabase) -> None:
    play = await released(open_database)
    event = await prepared(play)
    forged = escrow.TransferDecided(
        to="beijing", transfer_id=event.transfer_id, deal_id=play.deal_id, decision="fulfilled", decision_number=1
    )
    await deliver(play.home, service, forged, source="south")
    await deliver(play.seller, service, event, source="south")
    assert [row["rule"] for row in await sql(play.home, "SELECT rule FROM inbox WHERE outcome = 'refused'")] == [
        "not-a-party"
    ]
    assert await decisions(play) == []
    assert [row["state"] for row in await sql(play.home, "SELECT state FROM hold")] == ["open"]
    tomb = escrow.TransferCancelled(to="east", transfer_id=event.transfer_id, deal_id="dea_of_another")
    await deliver(play.seller, service, tomb, source="south")  # a tombstone counts for the center that asked only
    await play.wire.carry()
    assert (await play.states())[1][0] == "paid"


async def test_a_peer_that_contradicts_itself_is_stopped(open_database: OpenDatabase) -> None:
    play = await released(open_database)
    event = await prepared(play)
    await play.wire.carry()
    other = event.model_copy(update={"amount": Money(minor=1)})
    with pytest.raises(Halted):
        await deliver(play.seller, service, other, source="beijing")
    turned = escrow.TransferDecided(
        to="beijing", transfer_id=event.transfer_id, deal_id=play.deal_id, decision="rejected", rule="x",
        decision_number=1,
    )  # fmt: skip
    with pytest.raises(Halted):
        await deliver(play.home, service, turned, source="east")
    assert (await play.balances(play.home))["clr:east"] == -600_000
    settled = (await emitted(play.home, escrow.TransferSettled))[-1]
    refunded = escrow.MilestoneRefunded(to="east", deal_id=play.deal_id, number=1, amount=event.amount)
    for lie in (settled.model_copy(update={"amount": Money(minor=1)}), refunded):
        with pytest.raises(Halted):
            await deliver(play.seller, service, lie, source="beijing")
    assert (await play.states(play.seller))[1][0] == "paid"


async def test_decisions_and_approvals_are_final_in_the_database(open_database: OpenDatabase) -> None:
    play = await released(open_database)
    await play.wire.carry()
    for db, statement in (
        (play.seller, "UPDATE incoming SET decision = 'rejected', rule = 'x'"),
        (play.seller, "DELETE FROM incoming"),
        (play.home, "UPDATE outgoing SET decision_number = 7"),
        (play.home, "UPDATE approval SET maker = 'somebody'"),
        (play.home, "DELETE FROM approval"),
        (play.home, "TRUNCATE approval"),
        (play.home, "TRUNCATE outgoing"),
        (play.seller, "TRUNCATE incoming"),
        (play.home, "UPDATE deposit SET amount_minor = 1"),
    ):
        with pytest.raises(Exception, match=r"final|not rewritten|stays written"):
            await sql(db, statement)


async def test_nothing_leaves_a_deal_without_two_people_even_by_hand(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    await play.deliver(1)
    await play.accept(1)
    approved = UUID(hex="01890000000070008000000000000001")
    await sql(
        play.home, "UPDATE approval SET checker = 'bob', checked_at = now(), transfer_id = $1", f"trf_{approved.hex}"
    )
    right = {
        "id": str(approved), "action": "reserve", "debit": f"deal:{play.deal_id}:ms:1", "credit": "clr:east",
        "currency": "CNY", "amount_minor": 600_000, "purpose": "release", "reference": f"{play.deal_id}:1",
    }  # fmt: skip
    wrong: list[dict[str, Any]] = [
        {"id": str(uuid4())},
        {"id": str(uuid4()), "action": "post", "purpose": "settlement"},
        {"purpose": "refund"},
        {"credit": "clr:south"},
        {"credit": "party:org_other:payable"},
        {"amount_minor": 599_999},
        {"debit": f"deal:{play.deal_id}:ms:2", "amount_minor": 400_000},
    ]
    async with play.home.transaction() as session:
        await open_accounts(session, [(code, "CNY") for code in ("clr:east", "clr:south", "party:org_other:payable")])
    for change in wrong:
        with pytest.raises(asyncpg.CheckViolationError, match="approved by no two people"):
            await sql(play.home, "SELECT * FROM ledger_post($1::text::jsonb, now())", json.dumps([right | change]))
    assert {c for c in await play.balances(play.home) if not c.startswith("deal:")} == {"bank:ops"}
    await sql(play.home, "SELECT * FROM ledger_post($1::text::jsonb, now())", json.dumps([right]))
    assert [row["state"] for row in await sql(play.home, "SELECT state FROM hold")] == ["open"]
