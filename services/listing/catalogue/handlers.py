"""The catalogue: what every center announced in its .state topics, applied in batches, newest version wins."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from services.listing.catalogue import domain
from shared.db import Session, driver
from shared.events import Received
from shared.schemas.listing import ListingState, OrganisationState

_LISTINGS: Final = """
INSERT INTO catalogue_listing AS known
SELECT * FROM json_to_recordset($1::json) AS said (
    listing_id text, center text, listing_version int, sequence bigint, kind text, status text, organisation_id text,
    region text, trl smallint, ipc text[], livelihood text[], listed_at timestamptz, words text, snapshot jsonb)
ON CONFLICT (listing_id) DO UPDATE
SET (listing_version, sequence, kind, status, organisation_id, region, trl, ipc, livelihood, listed_at, words, snapshot)
    = (excluded.listing_version, excluded.sequence, excluded.kind, excluded.status, excluded.organisation_id,
       excluded.region, excluded.trl, excluded.ipc, excluded.livelihood, excluded.listed_at, excluded.words,
       excluded.snapshot)
WHERE known.center = excluded.center
  AND (known.listing_version, known.sequence) < (excluded.listing_version, excluded.sequence)
"""
_ORGANISATIONS: Final = """
INSERT INTO catalogue_organisation AS known
SELECT * FROM json_to_recordset($1::json) AS said (
    organisation_id text, center text, sequence bigint, kind text, name_zh text, name_en text, region text,
    country text)
ON CONFLICT (organisation_id) DO UPDATE
SET (sequence, kind, name_zh, name_en, region, country)
    = (excluded.sequence, excluded.kind, excluded.name_zh, excluded.name_en, excluded.region, excluded.country)
WHERE known.center = excluded.center AND known.sequence < excluded.sequence
"""
# One JSON parameter for a whole batch: a VALUES list of the same rows costs ten times as much to build.


async def apply_listings(session: Session, received: Sequence[Received[ListingState]]) -> None:
    """Keep the newest snapshot of each listing. Raises SpeaksForAnother; a listing never changes its center."""
    for item in received:
        domain.check_speaker(item.cause.center, item.event.center)
    rows = [domain.listing_row(item.event, item.cause) for item in received]
    await _apply(session, _LISTINGS, domain.newest(rows, "listing_id"))


async def apply_organisations(session: Session, received: Sequence[Received[OrganisationState]]) -> None:
    """Keep the newest snapshot of each organisation. Raises SpeaksForAnother."""
    for item in received:
        domain.check_speaker(item.cause.center, item.event.center)
    rows = [domain.organisation_row(item.event, item.cause) for item in received]
    await _apply(session, _ORGANISATIONS, domain.newest(rows, "organisation_id"))


async def _apply(session: Session, statement: str, rows: Sequence[dict[str, Any]]) -> None:
    # In the order of their keys, so that two batches never wait for each other.
    ordered = sorted(rows, key=lambda row: str(next(iter(row.values()))))
    await (await driver(session)).execute(statement, orjson.dumps(ordered).decode())
