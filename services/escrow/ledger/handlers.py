"""Posting: open accounts, hand a batch to the database, read back what became of it. Never commits."""

from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg
import orjson

from services.escrow.ledger.domain import Instruction, Outcome, form_of, refusal
from shared.db import Session, driver

BATCH_MAX: Final = 1000
"""Most instructions in one call: bounds how long accounts stay locked (about 65 ms)."""

_OPEN: Final = """
INSERT INTO account (code, currency, kind, posting, floor_minor, limit_minor, opened_at)
SELECT code, currency, kind, posting, floor_minor, limit_minor, $2
FROM jsonb_to_recordset($1::text::jsonb)
    AS a(code text, currency text, kind text, posting text, floor_minor bigint, limit_minor bigint)
ORDER BY code, currency
ON CONFLICT (code, currency) DO NOTHING
"""
_POST: Final = "SELECT outcome FROM ledger_post($1::text::jsonb, $2) ORDER BY item"


async def open_accounts(session: Session, accounts: Iterable[tuple[str, str]]) -> None:
    """Open those of `(code, currency)` that do not exist yet, as the chart of accounts says."""
    rows = []
    for code, currency in sorted(set(accounts)):
        form = form_of(code)
        rows.append(
            {"code": code, "currency": currency, "kind": form.kind, "posting": form.posting,
             "floor_minor": form.floor_minor, "limit_minor": form.limit_minor}
        )  # fmt: skip
    connection: asyncpg.Connection = await driver(session)
    await connection.execute(_OPEN, orjson.dumps(rows).decode(), session.info["center"].now())


async def post(session: Session, batch: Sequence[Instruction]) -> list[Outcome]:
    """Post a batch in one round trip; returns the outcome of each instruction, in order.

    Raises ValueError above BATCH_MAX. What did not take effect leaves no trace.
    """
    if len(batch) > BATCH_MAX:
        raise ValueError(f"{len(batch)} instructions in one batch; at most {BATCH_MAX}")
    items = orjson.dumps([instruction.as_json() for instruction in batch]).decode()
    connection: asyncpg.Connection = await driver(session)
    rows = await connection.fetch(_POST, items, session.info["center"].now())
    return [Outcome(row["outcome"]) for row in rows]


async def post_all(session: Session, batch: Sequence[Instruction]) -> None:
    """Post instructions that must all take effect; share one link, or be one. Raises the first's LedgerRefused."""
    outcomes = await post(session, batch)
    failed = [(i, o) for i, o in zip(batch, outcomes, strict=True) if not o.in_effect]
    telling = [(i, o) for i, o in failed if o is not Outcome.LINKED]
    if failed:
        raise refusal(*(telling or failed)[0])
