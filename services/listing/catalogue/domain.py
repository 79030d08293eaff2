"""Rules of the catalogue: whose word counts, which snapshot is the newer one, what is searched."""

from collections.abc import Iterable
from typing import Any, Final

from services.listing.resource.refusals import SpeaksForAnother
from shared.schemas.base import Envelope
from shared.schemas.listing import ListingState, OrganisationState, Status

ON_OFFER: Final = (Status.PUBLISHED.value, Status.RESERVED.value)
"""What a search shows unless it asks for other states."""

SEARCHED: Final = ("title", "summary", "problem", "solution", "advantages", "organisation_name")
"""Texts that `text=` looks into, besides keywords."""


def check_speaker(speaker: str, center: str) -> None:
    """A center announces only its own. Raises SpeaksForAnother."""
    if speaker != center:
        raise SpeaksForAnother(speaker=speaker, center=center)


def listing_row(state: ListingState, cause: Envelope) -> dict[str, Any]:
    """The catalogue's columns for a snapshot; `listed_at` falls back to when it was announced."""
    return {
        "listing_id": state.listing_id,
        "center": state.center,
        "listing_version": state.listing_version,
        "sequence": cause.sequence,
        "kind": state.kind,
        "status": state.status,
        "organisation_id": state.organisation_id,
        "region": state.region,
        "trl": state.trl,
        "ipc": [symbol.replace(" ", "") for symbol in state.ipc],
        "livelihood": state.livelihood,
        "listed_at": state.published_at or cause.time,
        "words": words(state),
        "snapshot": state.model_dump(mode="json"),
    }


def organisation_row(state: OrganisationState, cause: Envelope) -> dict[str, Any]:
    """The catalogue's columns for an organisation's snapshot."""
    return {
        "organisation_id": state.organisation_id,
        "center": state.center,
        "sequence": cause.sequence,
        "kind": state.kind,
        "name_zh": state.name.zh,
        "name_en": state.name.en,
        "region": state.region,
        "country": state.country,
    }


def words(state: ListingState) -> str:
    """All texts and keywords of a snapshot in one, for the plain `text=` filter; matching has the real index."""
    texts = [text for name in SEARCHED for text in (getattr(state, name).zh, getattr(state, name).en) if text]
    return "\n".join(texts + [word for said in state.keywords.values() for word in said])


def newest(rows: Iterable[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Of several snapshots of one thing the newest, by version where there is one, then by sequence."""
    latest: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = latest.get(row[key])
        if known is None or age(known) < age(row):
            latest[row[key]] = row
    return list(latest.values())


def age(row: dict[str, Any]) -> tuple[int, int]:
    """What says which snapshot is newer."""
    return row.get("listing_version", 0), row["sequence"]
