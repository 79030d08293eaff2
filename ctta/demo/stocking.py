"""The market is stocked: rows go to each center over HTTP, then everything is known everywhere."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from rich.progress import Progress

from ctta.alliance.quiet import Backlog
from ctta.demo.desk import Desk
from ctta.demo.market import Row, Rows
from ctta.demo.people import Cast
from ctta.demo.telling import Teller
from ctta.demo.waiting import until
from services.listing.resource.imports import ImportReport
from services.listing.resource.upload import row_parts, send

ANNOUNCED: Final = frozenset({"published", "reserved", "transacted"})
STOCK_PATIENCE_S: Final = 900.0
REFUSALS_SHOWN: Final = 3


@dataclass
class Stocked:
    """What one center took in. `announced`: listings that the alliance should know of."""

    listings: int = 0
    created: int = 0
    announced: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)

    def take(self, report: ImportReport, rows: list[Row]) -> None:
        """Add the report of one part of the file; its lines count from 1 in the whole file."""
        self.created += report.created
        for one in report.rows:
            row = rows[one.line - 1]
            if one.result == "refused":
                self.refusals.append(f"{one.external_id}: {one.sentence.en if one.sentence else one.rule}")
            elif row["type"] == "listing":
                self.listings += 1
                if row.get("tier") == "public" and one.status in ANNOUNCED and one.id:
                    self.announced.add(one.id)


async def stock(cast: Cast, rows: Rows, teller: Teller, progress: Progress) -> dict[str, Stocked]:
    """Import and publish at every center, all centers at once. The same rows again change nothing."""
    done = dict(zip(rows, await asyncio.gather(
        *(_stock_one(cast.officer(center), of_center, progress) for center, of_center in rows.items())
    ), strict=True))  # fmt: skip
    for center, one in done.items():
        teller.step(
            center,
            f"has {one.listings} listings ({one.created} rows new), {len(one.announced)} for the whole alliance",
            f"共有 {one.listings} 项供需（新增 {one.created} 行），其中 {len(one.announced)} 项面向全联盟",
        )
        for refusal in one.refusals[:REFUSALS_SHOWN]:
            teller.step(center, f"refused {refusal}", f"拒绝 {refusal}")
    return done


async def _stock_one(desk: Desk, rows: list[Row], progress: Progress) -> Stocked:
    stocked = Stocked()
    task = progress.add_task(desk.center, total=len(rows))
    async for report in send(desk.client, row_parts(rows), publish=True):
        stocked.take(report, rows)
        progress.advance(task, len(report.rows))
    return stocked


async def everywhere(cast: Cast, stocked: dict[str, Stocked], teller: Teller) -> None:
    """Wait until every center's catalogue holds what all centers announced. Raises Failure."""
    expected = sum(len(one.announced) for one in stocked.values())

    async def alike() -> Any:
        counts = await asyncio.gather(*(cast.officer(c).get("/listing/catalogue/counts") for c in stocked))
        total = sum(row["listings"] for row in counts[0])
        return total if total >= expected and all(count == counts[0] for count in counts) else None

    total = await until(
        alike,
        "every center's catalogue holds the whole alliance's listings",
        "各中心目录包含全联盟供需",
        patience_s=STOCK_PATIENCE_S,
    )
    teller.step(
        "",
        f"All {len(stocked)} catalogues hold the same {total} listings.",
        f"{len(stocked)} 个中心的目录一致，共 {total} 项。",
    )


async def quiet(backlog: Backlog, progress: Progress) -> None:
    """Wait until everything that was announced was dealt with everywhere. Raises Failure that names who is behind."""
    task = progress.add_task("", total=None)
    most = 0

    async def nothing_left() -> bool:
        nonlocal most
        left = await backlog.rest()
        behind = sum(left.values())
        most = max(most, behind)
        progress.update(task, total=most or None, completed=most - behind, description=next(iter(left), ""))
        return not left

    try:
        await until(nothing_left, "all events are dealt with", "全部事件处理完毕", patience_s=STOCK_PATIENCE_S)
    finally:
        progress.remove_task(task)
