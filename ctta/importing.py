"""The sending side of `ctta import`: reads the file, finds the center, sends part by part."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ctta.cli.importing import unknown_center
from ctta.cli.standing import base_settings, running
from ctta.demo.desk import Desk
from ctta.tokens import issue
from services.listing.resource.imports import ImportReport
from services.listing.resource.rows import Format
from services.listing.resource.upload import parts, send

COUNTS: Final = ("created", "updated", "unchanged", "refused")


async def load_into(
    whole: ImportReport,
    file: Path,
    center: str,
    *,
    url: str | None,
    token: str | None,
    publish: bool,
    moved: Callable[[int, int], None],
) -> None:
    """Send the file and add each part's report to `whole`; `moved(rows, total)` after each. Raises Failure, Refused."""
    settings = base_settings()
    state = running(settings)
    place = url or (state.centers[center].url if state and center in state.centers else None)
    if place is None:
        raise unknown_center(center)
    bearer = token or issue(settings.trust, center, subject="import", roles=["officer"])
    desk = Desk(center, place, bearer, "import", lang=settings.lang)
    try:
        sent = list(parts(_read(file), _format(file)))
        total = sum(part.rows for part in sent)
        async for report in send(desk.client, sent, publish=publish):
            moved(len(report.rows), total)
            for name in COUNTS:
                setattr(whole, name, getattr(whole, name) + getattr(report, name))
            whole.rows += report.rows
            whole.ignored_columns = sorted({*whole.ignored_columns, *report.ignored_columns})
    finally:
        await desk.close()


def _read(file: Path) -> bytes:
    return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()


def _format(file: Path) -> Format:
    return "csv" if ".csv" in file.suffixes else "jsonl"
