"""The posting function and the constraints, on a real PostgreSQL."""

import asyncio
import json
import os
from collections.abc import Sequence
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.escrow.ledger.blocks import close_block
from services.escrow.ledger.domain import Action, Instruction, Outcome
from services.escrow.ledger.handlers import BATCH_MAX, post
from shared.db import Database, driver
from tests.escrow.books import opened, pay, posted, resolve
from tests.escrow.model import Books
from tests.escrow.play import audited, sql

SEED = int(os.environ.get("CTTA_TEST_SEED", "0")) or Random().randrange(1, 10**6)


NO_DEPOSITS = ["money-in-and-out"]
"""What the audit says here: these tests put money into the bank's account that no statement showed."""


async def broken(db: Database) -> list[str]:
    """Names of the invariants that don't hold."""
    return [invariant.name for invariant in (await audited(db)).invariants if not invariant.ok]


IDS = [UUID(int=n + 1) for n in range(8)]
ACCOUNTS = ("bank:ops", "party:a:payable", "party:b:payable", "clr:east", "party:nobody:payable")


@st.composite
def instructions(draw: st.DrawFn) -> Instruction:
    """Few ids, accounts and links, so that they meet."""
    id, link = draw(st.sampled_from(IDS)), draw(st.sampled_from([None, None, None, UUID(int=100), UUID(int=101)]))
    action = draw(st.sampled_from(list(Action)))
    if action in (Action.POST_HOLD, Action.VOID_HOLD):
        return resolve(draw(st.sampled_from(IDS)), action, id, link)
    debit, credit = draw(st.sampled_from(ACCOUNTS)), draw(st.sampled_from(ACCOUNTS))
    return pay(debit, credit, draw(st.integers(0, 30)), action, id=id, link=link)


BATCHES = st.lists(st.lists(instructions(), max_size=6), max_size=8)


def renamed(batch: Sequence[Instruction], world: int) -> list[Instruction]:
    """The same batch on ids and accounts of its own, so that examples share one database."""

    def code(name: str | None) -> str | None:
        return f"bank:w{world}" if name == "bank:ops" else name and name.replace(":", f":w{world}", 1)

    def id(value: UUID | None) -> UUID | None:
        return UUID(int=value.int + (world << 16)) if value else None

    return [
        Instruction(
            id(i.id) or i.id, i.action, i.purpose, i.reference, code(i.debit), code(i.credit), i.currency,
            i.amount_minor, id(i.resolves), id(i.link),
        )
        for i in batch
    ]  # fmt: skip


WORLDS = iter(range(1, 10**9))


@settings(
    max_examples=60, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(batches=BATCHES)
async def test_random_batches_end_as_the_model_says(db: Database, batches: list[list[Instruction]]) -> None:
    world = next(WORLDS)
    own = [renamed(batch, world) for batch in batches]
    known = [renamed([pay(code, code, 1)], world)[0].debit or "" for code in ACCOUNTS[:4]]
    await opened(db, *known)
    books = Books(dict.fromkeys(known, 0))
    for batch in own:
        assert await posted(db, *batch) == books.post(batch)
    rows = await sql(db, "SELECT * FROM account_now WHERE code = ANY($1::text[])", known)
    assert {row["code"]: row["balance_minor"] for row in rows} == books.balances
    for row in rows:
        assert row["debit_pending_minor"] == books.debit_pending.get(row["code"], 0)
        assert row["credit_pending_minor"] == books.credit_pending.get(row["code"], 0)


async def test_racing_callers_on_hot_accounts_neither_lose_nor_make_money(db: Database) -> None:
    print(f"CTTA_TEST_SEED={SEED}")
    codes = [f"party:{n}:payable" for n in range(4)]
    await opened(db, "bank:ops", *codes)
    await posted(db, *[pay("bank:ops", code, 1000) for code in codes])

    async def caller(seed: int) -> list[Outcome]:
        random, found = Random(seed), []
        for _ in range(12):
            batch = []
            for _ in range(random.randint(1, 8)):
                debit, credit = random.sample(codes, 2)
                batch.append(pay(debit, credit, random.randint(1, 900), random.choice([Action.POST, Action.RESERVE])))
            outcomes = await posted(db, *batch)
            holds = [i.id for i, o in zip(batch, outcomes, strict=True) if o is Outcome.RESERVED]
            found += outcomes + await posted(
                db, *[resolve(hold, random.choice([Action.POST_HOLD, Action.VOID_HOLD])) for hold in holds]
            )
        return found

    outcomes = [o for found in await asyncio.gather(*(caller(SEED + n) for n in range(8))) for o in found]
    assert set(outcomes) <= {Outcome.POSTED, Outcome.RESERVED, Outcome.VOIDED, Outcome.INSUFFICIENT}
    rows = await sql(db, "SELECT * FROM account WHERE code LIKE 'party:%'")
    assert sum(row["balance_minor"] for row in rows) == -4000
    assert all(row["balance_minor"] <= 0 and row["debit_pending_minor"] == 0 for row in rows)
    while await close_block(db):
        pass
    assert await broken(db) == NO_DEPOSITS


async def test_an_account_that_appears_while_locks_are_waited_for_is_locked_too(db: Database) -> None:
    await opened(db, "bank:ops", "party:a:payable")
    await posted(db, pay("bank:ops", "party:a:payable", 100))
    async with db.transaction() as session:
        await (await driver(session)).execute("SELECT FROM account WHERE code = 'party:a:payable' FOR UPDATE")
        paying = asyncio.create_task(posted(db, pay("party:a:payable", "party:b:payable", 60)))
        while not await sql(
            db, "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            pass
        await opened(db, "party:b:payable")
    assert await paying == [Outcome.POSTED]
    rows = await sql(db, "SELECT code, balance_minor, sequence FROM account WHERE code LIKE 'party:%' ORDER BY code")
    assert [tuple(row) for row in rows] == [("party:a:payable", -40, 2), ("party:b:payable", -60, 1)]
    assert await posted(db, pay("party:b:payable", "party:a:payable", 61)) == [Outcome.INSUFFICIENT]


async def test_one_id_from_twenty_callers_takes_effect_once(db: Database) -> None:
    await opened(db, "bank:ops", "fee", "party:a:payable")
    for credit in ("fee", "party:a:payable"):  # without and with an account that makes callers queue
        same = pay("bank:ops", credit, 100)
        outcomes = await asyncio.gather(*(posted(db, same) for _ in range(20)))
        assert sorted(o for found in outcomes for o in found) == ["posted"] + ["replayed"] * 19


async def test_one_hold_is_resolved_once_whoever_comes_first(db: Database) -> None:
    await opened(db, "bank:ops", "clr:east", "party:a:payable")
    await posted(db, pay("bank:ops", "party:a:payable", 100))
    for debit in ("party:a:payable", "bank:ops"):
        hold = pay(debit, "clr:east", 60, Action.RESERVE)
        assert await posted(db, hold) == [Outcome.RESERVED]
        actions = [Action.POST_HOLD, Action.VOID_HOLD] * 5
        outcomes = [
            o for found in await asyncio.gather(*(posted(db, resolve(hold.id, a)) for a in actions)) for o in found
        ]
        assert sum(o.in_effect for o in outcomes) == 1
        assert outcomes.count(Outcome.RESOLVED) == 9


async def test_reserved_money_cannot_be_spent_and_comes_back_when_void(db: Database) -> None:
    await opened(db, "bank:ops", "clr:east", "party:a:payable", "party:b:payable")
    await posted(db, pay("bank:ops", "party:a:payable", 100))
    hold = pay("party:a:payable", "clr:east", 60, Action.RESERVE)
    spend = pay("party:a:payable", "party:b:payable", 41)
    assert await posted(db, hold, spend) == [Outcome.RESERVED, Outcome.INSUFFICIENT]
    assert await posted(db, resolve(hold.id, Action.VOID_HOLD), spend) == [Outcome.VOIDED, Outcome.POSTED]


async def test_each_refusal_has_its_outcome(db: Database) -> None:
    await opened(db, "bank:ops", "party:a:payable", "party:b:payable")
    await opened(db, "party:c:payable", currency="USD")
    await sql(db, "UPDATE account SET limit_minor = 500 WHERE code = 'party:b:payable'")
    first = pay("bank:ops", "party:a:payable", 400)
    changed = pay("bank:ops", "party:a:payable", 401, id=first.id)
    assert await posted(
        db, first, first, changed, pay("bank:ops", "party:c:payable", 1), pay("bank:ops", "party:x:payable", 1),
        pay("party:a:payable", "party:b:payable", 401), pay("bank:ops", "party:b:payable", 501),
        pay("bank:ops", "bank:ops", 1), pay("bank:ops", "party:a:payable", 0), resolve(uuid4(), Action.POST_HOLD),
        pay("bank:ops", "party:a:payable", 10**15 + 1),
    ) == [
        "posted", "replayed", "conflict", "currency_mismatch", "unknown_account", "insufficient", "limit",
        "same_account", "bad_amount", "unknown_hold", "bad_amount",
    ]  # fmt: skip
    assert await posted(db, first, changed) == ["replayed", "conflict"]
    assert await posted(db) == []
    with pytest.raises(ValueError, match="at most"):
        await posted(db, *[first] * (BATCH_MAX + 1))


async def test_linked_transfers_take_effect_together_or_not_at_all(db: Database) -> None:
    await opened(db, "bank:ops", "party:a:payable", "party:b:payable")
    link = uuid4()
    failing = [
        pay("bank:ops", "party:a:payable", 100, link=link),
        pay("party:b:payable", "party:a:payable", 1, link=link),
        pay("bank:ops", "party:a:payable", 7),
        pay("bank:ops", "party:b:payable", 1, link=link),
    ]
    assert await posted(db, *failing) == ["linked", "insufficient", "posted", "linked"]
    rows = await sql(db, "SELECT code, balance_minor FROM account_now WHERE balance_minor <> 0 ORDER BY code")
    assert [tuple(row) for row in rows] == [("bank:ops", 7), ("party:a:payable", -7)]


async def test_blocks_number_deferred_entries_and_wait_for_postings_in_flight(db: Database) -> None:
    await opened(db, "bank:ops", "party:a:payable")
    await posted(db, *[pay("bank:ops", "party:a:payable", n) for n in (1, 2, 3)])
    assert await close_block(db) == 6
    assert await close_block(db) == 0
    rows = await sql(
        db, "SELECT n.sequence, n.balance_minor FROM entry_numbered n JOIN account a ON a.id = n.account_id"
        " WHERE a.code = 'bank:ops' ORDER BY n.id",
    )  # fmt: skip
    assert [tuple(row) for row in rows] == [(1, 1), (2, 3), (3, 6)]
    async with db.transaction() as session:
        await post(session, [pay("bank:ops", "party:a:payable", 4)])  # drew its ids, has not committed
        await asyncio.wait_for(posted(db, pay("bank:ops", "clr:none", 1)), 10)
        assert await close_block(db) == 0
    assert await close_block(db) == 2
    heads = await sql(db, "SELECT number, first_entry, last_entry FROM block ORDER BY number")
    assert [row["number"] for row in heads] == [1, 2]
    assert heads[0]["last_entry"] < heads[1]["first_entry"]
    assert await broken(db) == NO_DEPOSITS


async def test_a_batch_is_one_statement_of_json_anyone_can_send(db: Database) -> None:
    await opened(db, "bank:ops", "party:a:payable")
    batch = json.dumps(
        [{"id": str(uuid4()), "action": "post", "debit": "bank:ops", "credit": "party:a:payable", "currency": "CNY",
          "amount_minor": 5, "purpose": "p", "reference": "r"}]
    )  # fmt: skip
    rows = await sql(db, "SELECT outcome FROM ledger_post($1::text::jsonb, now())", batch)
    assert [row["outcome"] for row in rows] == ["posted"]
