"""HTTP of the ledger: reading, for the center's staff. Money moves by deals only."""

from typing import Annotated

from fastapi import Path, Query

from services.escrow.ledger.views import AccountView, EntryView, accounts_of, entries_of
from shared.http import Page, Router, Tx, cursor, require, uncursor

STAFF = [require("officer", "operator", "auditor")]
router = Router(prefix="/escrow/ledger", tags=["ledger"], dependencies=STAFF)
PAGE_MAX = 200
Code = Annotated[str, Path(pattern=r"^[A-Za-z0-9_:.-]{1,100}$")]
Currency = Annotated[str, Query(pattern=r"^[A-Z]{3}$")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


@router.get("/accounts")
async def list_accounts(
    tx: Tx,
    prefix: Annotated[str, Query(pattern=r"^[A-Za-z0-9_:.-]{0,100}$")] = "",
    after: str | None = None,
    limit: Limit = 50,
) -> Page[AccountView]:
    """Accounts by code and currency; `prefix` narrows, such as `clr:`."""
    start = uncursor(after, str, str) if after else ("", "")
    rows = await accounts_of(tx, f"{prefix}%", (start[0], start[1]), limit + 1)
    more = len(rows) > limit
    last = rows[:limit][-1] if more else None
    return Page(items=rows[:limit], next=cursor(last.code, last.currency) if last else None)


@router.get("/accounts/{code}/entries")
async def list_entries(
    tx: Tx, code: Code, currency: Currency = "CNY", after: str | None = None, limit: Limit = 50
) -> Page[EntryView]:
    """Entries of one account, oldest first."""
    rows = await entries_of(tx, code, currency, uncursor(after, int)[0] if after else 0, limit + 1)
    more = len(rows) > limit
    return Page(items=rows[:limit], next=cursor(rows[limit - 1].entry) if more else None)
