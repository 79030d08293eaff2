"""Listings for matching tests: single ones, the sample market, and real texts where development data is at hand."""

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

from services.matching.app import service
from shared.db import Database
from shared.schemas.base import Text
from shared.schemas.listing import ListingState
from tests.fixtures import CENTERS, Record, center_of, feed, signed_record

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = ROOT / "ctta" / "samples"
SBIR: Final = ROOT.parent / "shared" / "data" / "sbir"
MOMENT: Final = datetime(2026, 1, 5, tzinfo=UTC)
BATCH: Final = 100


def id_of(name: str, prefix: str = "lst") -> str:
    """A listing's or organisation's id from a name, the same in every run."""
    return f"{prefix}_{sha256(name.encode()).hexdigest()[:32]}"


def listing(name: str, center: str = "east", kind: str = "technology", **fields: Any) -> ListingState:
    """A published listing. `title` may be a plain English string."""
    title = fields.pop("title", name)
    organisation = fields.pop("organisation", f"org of {name}")
    defaults: dict[str, Any] = {"status": "published", "listing_version": 1, "published_at": MOMENT}
    return ListingState(
        listing_id=id_of(name),
        center=center,
        organisation_id=id_of(organisation, "org"),
        organisation_name=Text(en=organisation),
        kind=kind,
        title=Text(en=title) if isinstance(title, str) else title,
        **(defaults | fields),
    )


def changed(listing: ListingState, **fields: Any) -> ListingState:
    """The next version of a listing."""
    return listing.model_copy(update={"listing_version": listing.listing_version + 1, **fields})


def samples() -> list[ListingState]:
    """The public listings of the sample market."""
    rows = [json.loads(line) for line in (SAMPLES / "listings.jsonl").read_text(encoding="utf-8").splitlines()]
    return [_sample(row) for row in rows if row["tier"] == "public"]


def _sample(row: dict[str, Any]) -> ListingState:
    told = {name: value for name, value in row.items() if value is not None and name in ListingState.model_fields}
    return ListingState.model_validate(
        told
        | {
            "listing_id": id_of(row["external_id"]),
            "organisation_id": id_of(row["organisation"], "org"),
            "organisation_name": {"en": row["organisation"]},
            "status": "published",
            "listing_version": 1,
            "published_at": MOMENT,
        }
    )


def sample_pairs() -> list[dict[str, Any]]:
    """Who belongs together in the sample market, in the author's judgement."""
    return [json.loads(line) for line in (SAMPLES / "pairs.jsonl").read_text(encoding="utf-8").splitlines()]


def sbir(limit: int) -> list[ListingState]:
    """`limit` real demands and as many real offers, spread over the centers by agency and organisation."""
    demands = [_real(row, "demand", row["agency"]) for row in islice(_rows("demands"), limit)]
    return demands + [_real(row, "technology", row["organisation"]) for row in islice(_rows("offers"), limit)]


def sbir_linked() -> list[tuple[ListingState, ListingState]]:
    """Pairs that are known to belong together; the offers without the title, which gives them away."""
    links = [line.split("\t") for line in (SBIR / "links.tsv").read_text().splitlines()]
    demands = {row["id"]: row for row in _rows("demands")}
    offers = {row["id"]: row | {"title": row["id"]} for row in _rows("offers")}
    known = [(demands[a], offers[b]) for a, b in links if a in demands and b in offers]
    return [(_real(a, "demand", a["agency"]), _real(b, "technology", b["organisation"])) for a, b in known]


def _rows(name: str) -> Any:
    with gzip.open(SBIR / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _real(row: dict[str, Any], kind: str, owner: str) -> ListingState:
    center = CENTERS[int(sha256(owner.encode()).hexdigest(), 16) % len(CENTERS)]
    return listing(row["id"], center, kind, title=row["title"], summary=Text(en=row["text"]), organisation=owner)


async def publish(databases: Sequence[Database], listings: Sequence[ListingState], batch: int = BATCH) -> None:
    """Let every database read the listings' snapshots, in batches as a consumer polls them."""
    for start in range(0, len(listings), batch):
        records = [record_of(databases[0], one) for one in listings[start : start + batch]]
        for db in databases:
            await feed(db, service, records)


def record_of(db: Database, listing: ListingState, speaker: str = "") -> Record:
    """The snapshot as its center's listing service puts it on Kafka."""
    center = center_of(db.center.settings.trust, speaker or listing.center, "listing")
    return signed_record(center, listing, sequence=listing.listing_version)
