"""The scheduled step that closes blocks of entries and announces them on the center's own topic."""

from datetime import datetime
from typing import Any, Final

import asyncpg

from services.escrow.ledger.chain import GENESIS, Place, Positioned, Written, close
from shared.db import Database, Session, driver
from shared.events import emit

ENTRIES_MAX: Final = 1000
"""Entries in one block: keeps the announcement far below the largest record (about 250 kB)."""
CUT_WAIT: Final = "250ms"
"""How long the cut may wait for postings in flight before it is left to the next step."""

_ENTRIES: Final = """
SELECT e.id, e.transfer_id, e.account_id, a.code AS account, a.currency, e.minor, e.sequence, e.balance_minor
FROM entry e JOIN account a ON a.id = e.account_id WHERE e.id > $1 AND e.id <= $2 ORDER BY e.id LIMIT $3
"""
_PLACES: Final = """
SELECT id, sequence, balance_minor FROM account WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""
_POSITIONS: Final = """
INSERT INTO entry_position (entry_id, account_id, sequence, balance_minor)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
"""
_MOVE: Final = """
UPDATE account a SET sequence = u.sequence, balance_minor = u.balance
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u(id, sequence, balance) WHERE a.id = u.id
"""
_BLOCK: Final = """
INSERT INTO block (number, first_entry, last_entry, entries, previous_sha256, sha256, closed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_CLOSER: Final = 4851230002
"""Advisory lock: one closer at a time."""


async def close_block(database: Database) -> int:
    """Close one block over what is posted and in no block yet. Returns the number of its entries."""
    cut = await _cut(database)
    if cut is None:
        return 0
    async with database.transaction() as session:
        return await _close(session, cut, database.center.now())


async def _cut(database: Database) -> int | None:
    """The entry up to which a block may reach, or None where there is nothing new or postings hold it up too long."""
    async with database.transaction(read_only=True) as session:
        connection: asyncpg.Connection = await driver(session)
        fresh = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM entry WHERE id > (SELECT COALESCE(max(last_entry), 0) FROM block))"
        )
        if not fresh:
            return None
        await connection.execute(f"SET LOCAL lock_timeout = '{CUT_WAIT}'")
        try:
            async with connection.transaction():
                return int(await connection.fetchval("SELECT ledger_cut()"))
        except asyncpg.LockNotAvailableError:
            return None


async def _close(session: Session, cut: int, at: datetime) -> int:
    connection: asyncpg.Connection = await driver(session)
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _CLOSER)
    head = await connection.fetchrow("SELECT number, last_entry, sha256 FROM block ORDER BY number DESC LIMIT 1")
    number, last, previous = (head["number"], head["last_entry"], head["sha256"]) if head else (0, 0, GENESIS)
    written = [Written(**row) for row in await connection.fetch(_ENTRIES, last, cut, ENTRIES_MAX)]
    if not written:
        return 0
    deferred = sorted({w.account_id for w in written if w.balance_minor is None})
    rows = await connection.fetch(_PLACES, deferred)
    places = {row["id"]: Place(row["sequence"], row["balance_minor"]) for row in rows}
    event, positioned, places = close(number + 1, previous, at, written, places)
    await _store(connection, positioned, places)
    await connection.execute(
        _BLOCK, event.block, written[0].id, written[-1].id, len(written), previous, event.sha256, at
    )
    emit(session, event)
    return len(written)


async def _store(connection: Any, positioned: list[Positioned], places: dict[int, Place]) -> None:
    if not positioned:
        return
    await connection.execute(
        _POSITIONS, [p.entry_id for p in positioned], [p.account_id for p in positioned],
        [p.sequence for p in positioned], [p.balance_minor for p in positioned],
    )  # fmt: skip
    ids = sorted(places)
    await connection.execute(_MOVE, ids, [places[i].sequence for i in ids], [places[i].balance_minor for i in ids])
