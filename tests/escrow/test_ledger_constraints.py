"""What the database itself refuses, whatever code asks for it."""

import asyncpg

from services.escrow.ledger.domain import Action
from shared.db import Database
from tests.escrow.books import opened, pay, posted, resolve
from tests.escrow.play import sql

ZERO = "00000000-0000-0000-0000-0000000000"
TRANSFER = (
    "INSERT INTO transfer (id, payload_sha256, action, debit_account_id, credit_account_id, currency, amount_minor,"
    " resolves, purpose, reference, posted_at)"
    " SELECT '{id}', sha256('x'), '{action}', d.id, c.id, 'CNY', {amount}, {resolves}, 'p', 'r', now()"
    " FROM account d, account c WHERE d.code = 'bank:ops' AND c.code = 'party:a:payable'"
)


def transfer(last: str, action: str = "post", amount: int = 5, resolves: str = "NULL") -> str:
    """A transfer written past the posting function."""
    return TRANSFER.format(id=ZERO + last, action=action, amount=amount, resolves=resolves)


def entries(last: str, *minors: int) -> str:
    """Entries written past the posting function: the first to the bank, the second to the party."""
    codes = ("bank:ops", "party:a:payable", "party:b:payable")
    rows = " UNION ALL ".join(
        f"SELECT '{ZERO}{last}'::uuid, id, {minor}::bigint FROM account WHERE code = '{code}'"
        for code, minor in zip(codes, minors, strict=False)
    )
    return f"INSERT INTO entry (transfer_id, account_id, minor) {rows}"


FORBIDDEN = {
    "changing an entry": "UPDATE entry SET minor = 1",
    "deleting an entry": "DELETE FROM entry",
    "emptying the entries": "TRUNCATE entry CASCADE",
    "changing a transfer": "UPDATE transfer SET amount_minor = 1",
    "deleting a transfer": "DELETE FROM transfer",
    "deleting an account": "DELETE FROM account",
    "renaming an account": "UPDATE account SET code = 'fee:x'",
    "a transfer without entries": transfer("01"),
    "one side only": f"WITH t AS ({transfer('01')}) {entries('01', 5)}",
    "sides that don't sum to zero": f"WITH t AS ({transfer('01')}) {entries('01', 5, -4)}",
    "another amount than the transfer's": f"WITH t AS ({transfer('01')}) {entries('01', 4, -4)}",
    "another account than the transfer's": f"WITH t AS ({transfer('01')}) "
    + entries("01", 5, -5).replace("'party:a:payable'", "'party:b:payable'"),
    "three sides": f"WITH t AS ({transfer('01')}) {entries('01', 5, -4, -1)}",
    "more entries for an old transfer": "INSERT INTO entry (transfer_id, account_id, minor)"
    " SELECT t.id, a.id, 5 FROM transfer t, account a WHERE a.code = 'party:b:payable' LIMIT 1",
    "entries of no transfer": entries("77", 5, -5),
    "a negative amount": f"WITH t AS ({transfer('01', amount=-5)}) {entries('01', -5, 5)}",
    "a second resolution": transfer(
        "03", "void_hold", 60, "(SELECT resolves FROM transfer WHERE action = 'void_hold')"
    ),
    "resolving another amount": transfer("03", "void_hold", 59, "(SELECT id FROM hold WHERE state = 'open')"),
    "resolving what is no hold": transfer(
        "03", "void_hold", 100, "(SELECT id FROM transfer WHERE action = 'post' LIMIT 1)"
    ),
    "a balance below its floor": "UPDATE account SET balance_minor = 1 WHERE code = 'party:a:payable'",
    "reserving below the floor": "UPDATE account SET debit_pending_minor = 101 WHERE code = 'party:a:payable'",
    "a floor on a deferred account": "UPDATE account SET floor_minor = 0 WHERE code = 'bank:ops'",
    "another currency than the account's": TRANSFER.replace("'CNY'", "'USD'").format(
        id=ZERO + "01", action="reserve", amount=5, resolves="NULL"
    ),
}


async def test_the_database_itself_refuses_what_must_not_be(db: Database) -> None:
    await opened(db, "bank:ops", "party:a:payable", "party:b:payable")
    done, open_ = (
        pay("bank:ops", "party:a:payable", 60, Action.RESERVE),
        pay("bank:ops", "party:a:payable", 60, Action.RESERVE),
    )
    await posted(db, pay("bank:ops", "party:a:payable", 100), done, open_)
    await posted(db, resolve(done.id, Action.VOID_HOLD))
    before = await sql(db, "SELECT * FROM account ORDER BY id")
    possible = []
    for what, statement in FORBIDDEN.items():
        try:
            await sql(db, statement)
            possible.append(what)
        except asyncpg.IntegrityConstraintViolationError:
            pass
    assert possible == []
    assert await sql(db, "SELECT * FROM account ORDER BY id") == before
