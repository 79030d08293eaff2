"""Accounts and entries as people and systems see them. `balance` is signed, debit positive, in minor units."""

from datetime import datetime
from typing import Any, Final

import asyncpg
from pydantic import BaseModel

from shared.db import Session, driver


class AccountView(BaseModel):
    """An account now. `available_minor` is its natural balance less what is reserved."""

    code: str
    currency: str
    kind: str
    balance_minor: int
    debit_pending_minor: int
    credit_pending_minor: int
    available_minor: int
    floor_minor: int | None
    limit_minor: int | None


class EntryView(BaseModel):
    """One side of a posted transfer. Sequence and balance follow with the block on accounts without a limit."""

    entry: int
    transfer_id: str
    purpose: str
    reference: str
    minor: int
    sequence: int | None
    balance_minor: int | None
    posted_at: datetime


_ACCOUNTS: Final = """
SELECT code, currency, kind, balance_minor, debit_pending_minor, credit_pending_minor, floor_minor, limit_minor,
       side * balance_minor - CASE side WHEN 1 THEN credit_pending_minor ELSE debit_pending_minor END AS available_minor
FROM account_now WHERE code LIKE $1 AND (code, currency) > ($2, $3) ORDER BY code, currency LIMIT $4
"""
_ENTRIES: Final = """
SELECT e.id AS entry, e.transfer_id::text, t.purpose, t.reference, e.minor, e.sequence, e.balance_minor, t.posted_at
FROM entry_numbered e JOIN transfer t ON t.id = e.transfer_id JOIN account a ON a.id = e.account_id
WHERE a.code = $1 AND a.currency = $2 AND e.id > $3 ORDER BY e.id LIMIT $4
"""
ACCOUNTS_MAX: Final = 1000


async def accounts_of(
    session: Session, pattern: str, after: tuple[str, str] = ("", ""), limit: int = ACCOUNTS_MAX
) -> list[AccountView]:
    """Accounts whose code is LIKE the pattern, by code and currency."""
    connection: asyncpg.Connection = await driver(session)
    rows: list[Any] = await connection.fetch(_ACCOUNTS, pattern.replace("_", r"\_"), *after, limit)
    return [AccountView(**row) for row in rows]


async def entries_of(session: Session, code: str, currency: str, after: int, limit: int) -> list[EntryView]:
    """Entries of one account, oldest first."""
    connection: asyncpg.Connection = await driver(session)
    return [EntryView(**row) for row in await connection.fetch(_ENTRIES, code, currency, after, limit)]
