"""The books of an ended demo, read from its databases: listings, deals, balances, without ids that differ by run."""

import asyncio
import re
from pathlib import Path
from typing import Any

import asyncpg

from ctta.alliance import CENTERS
from ctta.embedded import EmbeddedPostgres

Books = dict[str, Any]

_LISTINGS = "SELECT external_id, status, version FROM listing ORDER BY external_id"
_DEALS = "SELECT side, state, total_minor FROM deal ORDER BY side, total_minor"
_BALANCES = "SELECT code, currency, balance_minor FROM account_now WHERE balance_minor <> 0 ORDER BY 1, 2"
_HELD = "SELECT count(*) FROM held"


def books(home: Path) -> Books:
    """What every center has written down. The alliance must not be running."""
    postgres = EmbeddedPostgres(home)
    url = postgres.start()
    try:
        return {center: asyncio.run(_of_center(url, center)) for center in CENTERS}
    finally:
        postgres.stop()


async def _of_center(url: str, center: str) -> dict[str, Any]:
    listing = await asyncpg.connect(f"{url}/ctta_{center}_listing")
    escrow = await asyncpg.connect(f"{url}/ctta_{center}_escrow")
    try:
        return {
            "listings": [tuple(row) for row in await listing.fetch(_LISTINGS)],
            "deals": [tuple(row) for row in await escrow.fetch(_DEALS)],
            "balances": sorted(
                (_without_ids(r["code"]), r["currency"], r["balance_minor"]) for r in await escrow.fetch(_BALANCES)
            ),
            "held": await escrow.fetchval(_HELD),
        }
    finally:
        await listing.close()
        await escrow.close()


def _without_ids(code: str) -> str:
    return re.sub(r"(dea|org)_[0-9a-f]+", r"\1", code)
