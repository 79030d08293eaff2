"""Proof of a center's money: every invariant with its figures, from the center's own database and announced blocks.

`audit(connection, ...)` reads one snapshot; `combine(reports)` compares reports of several centers pair by pair, so
that nobody needs to read another's database. `replayed` rebuilds balances from LedgerBlockClosed events alone.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import permutations
from typing import Any, Final

import asyncpg
import orjson
from pydantic import BaseModel

from services.escrow.ledger.chain import GENESIS, Replayed, replay
from services.escrow.ledger.invariants import CHECKS
from shared.schemas.escrow import LedgerBlockClosed, LedgerEntry


class Invariant(BaseModel):
    """One invariant: what it says, where it was computed from, its figures, and whether it holds."""

    name: str
    says: str
    sources: str
    ok: bool
    figures: dict[str, Any]


class Clearing(BaseModel):
    """What a center's books say about a peer in one currency, in minor units.

    `balance_minor` is that of `clr:PEER` (debit positive); `posted_minor` what was paid to the peer on its decision,
    `held_minor` what is reserved for it and undecided here, `fulfilled_minor` what was accepted from it.
    """

    peer: str
    currency: str
    balance_minor: int
    posted_minor: int
    held_minor: int
    fulfilled_minor: int


class Report(BaseModel):
    """The audit of one center. `block` and `sha256` name the last closed block the report was made on."""

    center: str
    at: datetime
    block: int
    sha256: str
    invariants: list[Invariant]
    clearing: list[Clearing]
    ok: bool


class Combined(BaseModel):
    """The audit of several centers together. `absent` are peers that books name but that sent no report."""

    centers: list[str]
    absent: list[str]
    invariants: list[Invariant]
    ok: bool


_CLEARING: Final = """
SELECT p.peer, a.currency, a.balance_minor,
       (SELECT COALESCE(sum(amount_minor), 0)::bigint FROM outgoing o
        WHERE o.peer = p.peer AND o.currency = a.currency AND o.decision = 'fulfilled') AS posted_minor,
       (SELECT COALESCE(sum(amount_minor), 0)::bigint FROM outgoing o
        WHERE o.peer = p.peer AND o.currency = a.currency AND o.decision IS NULL) AS held_minor,
       (SELECT COALESCE(sum(amount_minor), 0)::bigint FROM incoming i
        WHERE i.peer = p.peer AND i.currency = a.currency AND i.decision = 'fulfilled') AS fulfilled_minor
FROM account_now a CROSS JOIN LATERAL (SELECT substr(a.code, 5) AS peer) p WHERE a.code LIKE 'clr:%' ORDER BY 1, 2
"""
_BLOCKS: Final = "SELECT number, first_entry, last_entry, previous_sha256, sha256, closed_at FROM block ORDER BY number"
_ENTRIES: Final = """
SELECT n.id AS entry, n.transfer_id::text, a.code AS account, a.currency, n.minor, n.balance_minor
FROM entry_numbered n JOIN account a ON a.id = n.account_id WHERE n.id BETWEEN $1 AND $2 ORDER BY n.id
"""
_SUMS: Final = """
SELECT a.code, a.currency, sum(e.minor)::bigint AS total, count(*) AS entries
FROM entry e JOIN account a ON a.id = e.account_id
WHERE e.id <= (SELECT COALESCE(max(last_entry), 0) FROM block) GROUP BY a.code, a.currency
"""
_ANNOUNCED: Final = "SELECT body FROM journal WHERE type = $1 ORDER BY n"


async def audit(connection: asyncpg.Connection, center: str, at: datetime) -> Report:
    """Check one center, as `center` names it, by a connection of one's own to its escrow database.

    Reads one snapshot in one transaction and changes nothing, so it may run beside everything else.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        invariants = [await _checked(connection, check) for check in CHECKS]
        stored = [await _block(connection, row) for row in await connection.fetch(_BLOCKS)]
        rows = await connection.fetch(_ANNOUNCED, LedgerBlockClosed.type)
        announced = [LedgerBlockClosed.model_validate_json(row["body"]) for row in rows]
        invariants += [_chain(stored), replayed(announced, await _books(connection))]
        clearing = [Clearing(**row) for row in await connection.fetch(_CLEARING)]
    return Report(
        center=center, at=at, block=stored[-1].block if stored else 0,
        sha256=stored[-1].sha256 if stored else GENESIS, invariants=invariants, clearing=clearing,
        ok=all(invariant.ok for invariant in invariants),
    )  # fmt: skip


async def _checked(connection: asyncpg.Connection, check: Any) -> Invariant:
    row = await connection.fetchrow(f"SELECT breaches, figures::text FROM ({check.sql}) c")
    figures = orjson.loads(row["figures"]) | ({"breaches": row["breaches"]} if row["breaches"] else {})
    return Invariant(name=check.name, says=check.says, sources=check.sources, ok=row["breaches"] == 0, figures=figures)


async def _block(connection: asyncpg.Connection, row: Any) -> LedgerBlockClosed:
    """A block as the tables have it now, under the hash that was stored when it closed."""
    entries = await connection.fetch(_ENTRIES, row["first_entry"], row["last_entry"])
    return LedgerBlockClosed(
        block=row["number"], previous_sha256=row["previous_sha256"], sha256=row["sha256"], closed_at=row["closed_at"],
        entries=[LedgerEntry.model_construct(**entry) for entry in entries],
    )  # fmt: skip


async def _books(connection: asyncpg.Connection) -> Replayed:
    """What the entries up to the last block's end add up to, whether a block has them or not."""
    rows = await connection.fetch(_SUMS)
    return Replayed(
        {(row["code"], row["currency"]): row["total"] for row in rows},
        await connection.fetchval("SELECT count(*) FROM block"), sum(row["entries"] for row in rows), [],
    )  # fmt: skip


def _chain(stored: Sequence[LedgerBlockClosed]) -> Invariant:
    found = replay(stored)
    return Invariant(
        name="hash-chain",
        says="Every block is what its hash says and continues its predecessor.",
        sources="block, entry, entry_position",
        ok=not found.faults,
        figures={"blocks": found.blocks, "entries": found.entries} | _faults(found.faults),
    )


def replayed(announced: Iterable[LedgerBlockClosed], books: Replayed) -> Invariant:
    """The announced blocks, replayed, give the balances of the books up to the last block, and leave no entry out."""
    found = replay(announced)
    differing = {
        k for k in found.balances.keys() | books.balances.keys() if found.balances.get(k) != books.balances.get(k)
    }
    faults = found.faults + [f"{account} {currency} differs" for account, currency in sorted(differing)]
    if (found.blocks, found.entries) != (books.blocks, books.entries):
        faults.append(
            f"{found.entries} entries in {found.blocks} blocks announced; {books.entries} in {books.blocks} stand"
        )
    return Invariant(
        name="replay",
        says="The announced blocks reproduce every balance.",
        sources="LedgerBlockClosed events (journal) against entry, block",
        ok=not faults,
        figures={"blocks": found.blocks, "accounts": len(found.balances)} | _faults(faults),
    )


FAULTS_MAX: Final = 20


def _faults(faults: Sequence[str]) -> dict[str, Any]:
    return {"faults": list(faults[:FAULTS_MAX]), "count": len(faults)} if faults else {}


def combine(reports: Sequence[Report]) -> Combined:
    """Compare the clr figures of every pair of centers that reported.

    For payments from A to B: what B fulfilled and A has not posted yet lies between nothing and what A still holds for
    B; what the two clr accounts don't cancel is exactly that, both directions together. Reports of a moment with
    payments going on may be taken one after the other: a breach counts when it stays in a second run.
    """
    books = {(r.center, c.peer, c.currency): c for r in reports for c in r.clearing}
    centers = sorted(report.center for report in reports)
    absent = sorted({peer for _, peer, _ in books} - set(centers))
    currencies = sorted({currency for _, _, currency in books})
    pairs: list[Invariant] = []
    for payer, payee in permutations(centers, 2):
        for currency in currencies:
            here, there = books.get((payer, payee, currency)), books.get((payee, payer, currency))
            if here is not None or there is not None:
                pairs.append(_direction(payer, payee, currency, here, there))
    pairs += [
        Invariant(name=f"center {r.center}", says="The center's own audit holds.", sources=f"report of {r.center}",
                  ok=r.ok, figures={"block": r.block, "sha256": r.sha256})
        for r in reports
    ]  # fmt: skip
    return Combined(centers=centers, absent=absent, invariants=pairs, ok=all(pair.ok for pair in pairs))


def _direction(payer: str, payee: str, currency: str, here: Clearing | None, there: Clearing | None) -> Invariant:
    nothing = Clearing(peer="", currency=currency, balance_minor=0, posted_minor=0, held_minor=0, fulfilled_minor=0)
    a, b = here or nothing, there or nothing
    in_flight = b.fulfilled_minor - a.posted_minor
    back = a.fulfilled_minor - b.posted_minor
    mirrored = a.balance_minor + b.balance_minor == in_flight + back
    return Invariant(
        name=f"clr {payer} -> {payee} {currency}",
        says="The pair's clr accounts mirror each other up to what is in flight.",
        sources=f"reports of {payer} and {payee} (account clr:*, outgoing, incoming)",
        ok=mirrored and 0 <= in_flight <= a.held_minor,
        figures={
            "posted": a.posted_minor, "held": a.held_minor, "fulfilled": b.fulfilled_minor, "in_flight": in_flight,
            "clr_sum": a.balance_minor + b.balance_minor,
        },
    )  # fmt: skip
