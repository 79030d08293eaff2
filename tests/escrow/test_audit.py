"""The audit holds where the books are right, and finds what somebody bent behind the ledger's back."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.escrow.ledger.audit import Report, combine, replayed
from services.escrow.ledger.blocks import close_block
from services.escrow.ledger.chain import replay
from shared.db import Database
from shared.schemas.escrow import LedgerBlockClosed
from tests.escrow.play import Play, audited, sql
from tests.fixtures import OpenDatabase, emitted


async def settled(open_database: OpenDatabase) -> Play:
    """A deal with one milestone paid across centers and one refunded; all entries in blocks."""
    play = await Play.start(open_database)
    await play.fund()
    await play.deliver(1)
    await play.accept(1)
    await play.release(1)
    await play.step(play.home, "/milestones/2/refund-request", subject="alice")
    await play.step(play.home, "/milestones/2/refund", subject="bob")
    for db in (play.home, play.seller):
        while await close_block(db):
            pass
    return play


def broken(report: Report) -> list[str]:
    """Names of the invariants that don't hold."""
    return [invariant.name for invariant in report.invariants if not invariant.ok]


async def test_right_books_hold_and_two_centers_mirror_each_other(open_database: OpenDatabase) -> None:
    play = await settled(open_database)
    home, seller = await audited(play.home), await audited(play.seller)
    assert (broken(home), broken(seller)) == ([], [])
    assert home.ok
    assert seller.ok
    together = combine([home, seller])
    assert together.ok, together
    assert together.absent == []
    alone = combine([home])
    assert alone.absent == ["east"]
    figures = {i.name: i.figures for i in home.invariants}
    assert figures["money-in-and-out"]["CNY"] == {"deposits": 1000000, "payouts": 0, "bank": 1000000, "in_transit": 0}
    assert figures["deals"] == {"deals": 1, "funded": 1000000, "held": 0, "paid_or_refunded": 1000000}
    assert figures["two-people"] == {"movements": 2}
    events = [event for event in await emitted(play.home) if isinstance(event, LedgerBlockClosed)]
    balances = {code: minor for (code, _), minor in replay(events).balances.items() if minor}
    assert balances == await play.balances(play.home)
    books = replay(events)
    assert replayed(events, books).ok
    assert not replayed(events[1:], books).ok
    assert not replayed(events, replace(books, entries=books.entries + 2)).ok  # a transfer that no block has


async def test_money_in_flight_is_no_breach(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    await play.deliver(1)
    await play.accept(1)
    path = f"/deals/{play.deal_id}/milestones/1/release"
    assert (await play.post(play.home, path, subject="bob")).status_code == 200
    prepared = combine([await audited(play.home), await audited(play.seller)])
    assert prepared.ok
    await play.hop()
    decided = combine([await audited(play.home), await audited(play.seller)])
    assert decided.ok, decided
    assert [i.figures["in_flight"] for i in decided.invariants if i.name == "clr beijing -> east CNY"] == [600_000]
    await play.wire.carry()
    assert combine([await audited(play.home), await audited(play.seller)]).ok


BENT = {
    "UPDATE account SET balance_minor = balance_minor - 1 WHERE code LIKE 'party:%'": {"balances", "trial-balance"},
    "UPDATE entry SET minor = minor + 1 WHERE id = 1": {
        "balances", "trial-balance", "transfers-balanced", "hash-chain", "replay"},
    "UPDATE entry_position SET balance_minor = balance_minor + 1": {"balances", "hash-chain"},
    "DELETE FROM approval WHERE purpose = 'release'": {"two-people"},
    "UPDATE approval SET checker = maker WHERE purpose = 'refund'": {"two-people"},
    "UPDATE approval SET covers_sha256 = repeat('0', 64) WHERE purpose = 'refund'": {"two-people"},
    "UPDATE deposit SET amount_minor = amount_minor + 1": {"money-in-and-out", "deals"},
    "UPDATE account SET debit_pending_minor = 5 WHERE code LIKE 'deal:%:held'": {"holds", "floors-and-limits"},
    "UPDATE outgoing SET decision = 'rejected'": {"holds", "decisions"},
    "UPDATE block SET sha256 = repeat('1', 64) WHERE number = 1": {"hash-chain"},
    "DELETE FROM block": {"replay"},
    "DELETE FROM outgoing": {"holds"},
    "UPDATE milestone SET state = 'pending' WHERE number = 1": {"milestones"},
    "UPDATE milestone SET state = 'releasing' WHERE number = 2": {"milestones"},
    "UPDATE transfer SET purpose = 'settlement' WHERE purpose = 'refund'": {"two-people"},
    "UPDATE deal SET seller_organisation_id = 'org_other'": {"two-people"},
    "UPDATE transfer t SET credit_account_id = a.id FROM account a WHERE a.code = 'bank:ops' AND purpose = 'refund'": {
        "two-people", "transfers-balanced"},
    "UPDATE account SET limit_minor = 1 WHERE code LIKE 'party:%'": {"floors-and-limits"},
}  # fmt: skip
BENT_AT_THE_PAYEES = {
    "UPDATE incoming SET decision_number = 2": {"decisions"},
    "UPDATE direction SET last_number = 2": {"decisions"},
    "DELETE FROM incoming": {"decisions"},
    "UPDATE incoming SET amount_minor = amount_minor + 1": {"decisions"},
    "UPDATE incoming SET payee_organisation_id = 'org_other'": {"decisions"},
    "UPDATE transfer SET reference = 'another:1' WHERE purpose = 'incoming'": {"decisions"},
    "UPDATE transfer SET amount_minor = 1": {"transfers-balanced", "decisions"},
}  # fmt: skip


async def bend(db: Database, statement: str) -> None:
    """What somebody with the database's superuser could do: no triggers, no checks."""
    connection = await db.connect()
    try:
        await connection.execute("SET session_replication_role = replica")
        names = await connection.fetch(
            "SELECT conrelid::regclass AS t, quote_ident(conname) AS c FROM pg_constraint WHERE contype = 'c'"
            " AND connamespace = 'public'::regnamespace"
            " AND conrelid::regclass::text IN ('account', 'approval', 'outgoing', 'transfer')"
        )
        for row in names:
            await connection.execute(f"ALTER TABLE {row['t']} DROP CONSTRAINT {row['c']}")
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_every_bent_book_is_found(open_database: OpenDatabase) -> None:
    play = await settled(open_database)
    shown = set()
    for db, bent in ((play.home, BENT), (play.seller, BENT_AT_THE_PAYEES)):
        async with snapshot(db) as restore:
            for statement, expected in bent.items():
                await bend(db, statement)
                found = set(broken(await audited(db)))
                assert expected <= found, (statement, found)
                shown |= expected
                await restore()
                assert broken(await audited(db)) == [], statement
    assert shown == {invariant.name for invariant in (await audited(play.home)).invariants}


class snapshot:  # noqa: N801  # reads as a phrase
    """Copies of the tables that a test bends, put back afterwards."""

    TABLES = (
        "account", "transfer", "entry", "entry_position", "block", "deal", "milestone", "approval", "deposit",
        "outgoing", "incoming", "direction",
    )  # fmt: skip

    def __init__(self, db: Database) -> None:
        self.db = db

    async def __aenter__(self) -> Any:
        for table in self.TABLES:
            await sql(self.db, f"CREATE TABLE IF NOT EXISTS keep_{table} AS TABLE {table}")
        return self.restore

    async def restore(self) -> None:
        """Put everything back."""
        connection = await self.db.connect()
        try:
            await connection.execute("SET session_replication_role = replica")
            for table in self.TABLES:
                columns = ", ".join(
                    row["attname"]
                    for row in await connection.fetch(
                        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0"
                        " AND NOT attisdropped AND attgenerated = ''",
                        table,
                    )
                )
                await connection.execute(f"DELETE FROM {table}")
                await connection.execute(
                    f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM keep_{table}"
                )
        finally:
            await connection.close()

    async def __aexit__(self, *_: object) -> None:
        return None


@pytest.mark.parametrize(
    ("posted", "held", "fulfilled", "ok"),
    [(5, 0, 5, True), (5, 3, 8, True), (5, 3, 9, False), (5, 3, 4, False), (0, 0, 5, False)],
)
def test_pairs(posted: int, held: int, fulfilled: int, ok: bool) -> None:
    def report(center: str, peer: str, **figures: int) -> Report:
        zero = {"balance_minor": 0, "posted_minor": 0, "held_minor": 0, "fulfilled_minor": 0}
        book: Any = {"peer": peer, "currency": "CNY", **zero, **figures}
        return Report(
            center=center, at=datetime(2026, 1, 1, tzinfo=UTC), block=0, sha256="0" * 64, invariants=[],
            clearing=[book], ok=True,
        )  # fmt: skip

    a = report("beijing", "east", balance_minor=-posted, posted_minor=posted, held_minor=held)
    b = report("east", "beijing", balance_minor=fulfilled, fulfilled_minor=fulfilled)
    assert combine([a, b]).ok is ok
    bent = report("east", "beijing", balance_minor=fulfilled + 1, fulfilled_minor=fulfilled)
    assert not combine([a, bent]).ok
    assert not combine([a, b.model_copy(update={"ok": False})]).ok
