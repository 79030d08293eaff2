"""What the demo imports: the sample market, or demands and offers of a folder, as import rows by center."""

import gzip
import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

from ctta.cli.words import Exit, Failure
from services.listing.resource.foreign import demand_rows, offer_rows, place

Row = dict[str, Any]
Rows = dict[str, list[Row]]
"""Import rows by center; an organisation comes before its listings."""


def sample(centers: Sequence[str], limit: int | None) -> Rows:
    """The sample market. `limit`: at most so many listings of each kind."""
    rows: Rows = {center: [] for center in centers}
    folder = files("ctta.samples")
    for organisation in _lines(folder.joinpath("organisations.jsonl").read_text()):
        rows[organisation["center"]].append({"type": "organisation", **organisation})
    seen: dict[str, int] = {}
    for listing in _lines(folder.joinpath("listings.jsonl").read_text()):
        seen[listing["kind"]] = seen.get(listing["kind"], 0) + 1
        if limit is None or seen[listing["kind"]] <= limit:
            rows[listing["center"]].append({"type": "listing", **listing})
    return rows


def of_folder(folder: Path, centers: Sequence[str], limit: int | None) -> Rows:
    """`demands.jsonl[.gz]` and `offers.jsonl[.gz]`, `limit` of each; a record's owner decides its center."""
    rows: Rows = {center: [] for center in centers}
    known: set[tuple[str, str]] = set()
    for name, read in (("demands", demand_rows), ("offers", offer_rows)):
        for raw in islice(_records(folder, name), limit):
            center = place(raw, centers)
            for row in read(raw):
                mark = (center, row["external_id"])
                if row["type"] == "listing" or mark not in known:
                    rows[center].append(row)
                known.add(mark)
    return rows


def listings(rows: Sequence[Row]) -> int:
    """How many of the rows are listings."""
    return sum(row["type"] == "listing" for row in rows)


def _records(folder: Path, name: str) -> Iterator[Row]:
    for path in (folder / f"{name}.jsonl", folder / f"{name}.jsonl.gz"):
        if path.exists():
            with (
                gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as text
            ):
                yield from (json.loads(line) for line in text if line.strip())
            return
    raise Failure(
        f"{folder} has neither {name}.jsonl nor {name}.jsonl.gz.",
        f"{folder} 中没有 {name}.jsonl 或 {name}.jsonl.gz。",
        Exit.USAGE,
    )


def _lines(text: str) -> Iterator[Row]:
    return (json.loads(line) for line in text.splitlines() if line)
