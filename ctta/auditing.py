"""The ledgers of centers, each checked in its own database, then what centers say of each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.escrow.ledger.audit import Combined, Report, combine
from services.escrow.ledger.audit import audit as audit_one
from shared.center import utc_now
from shared.settings import Settings

ROUNDS_MAX = 3
"""Reports are taken one after the other: a breach between two centers counts when it stays while payments go on."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The reports of centers, and, with several, their comparison."""

    reports: list[Report]
    combined: Combined | None

    @property
    def good(self) -> bool:
        """Whether every invariant holds."""
        return all(report.ok for report in self.reports) and (self.combined is None or self.combined.ok)

    def as_json(self) -> dict[str, Any]:
        """For a script."""
        return {
            "balanced": self.good,
            "centers": [report.model_dump(mode="json") for report in self.reports],
            "combined": self.combined.model_dump(mode="json") if self.combined else None,
        }


async def audit(places: Sequence[Settings]) -> Audit:
    """Check the books of these centers. Raises what asyncpg says where a database is away."""
    for _ in range(ROUNDS_MAX):
        reports = [await _report(settings) for settings in places]
        found = Audit(reports, combine(reports) if len(reports) > 1 else None)
        if found.good or not all(report.ok for report in reports):  # a center's own report is of one moment: it stands
            break
    return found


async def _report(settings: Settings) -> Report:
    connection = await asyncpg.connect(settings.database_url("escrow"), timeout=10)
    try:
        return await audit_one(connection, settings.center, utc_now())
    finally:
        await connection.close()
