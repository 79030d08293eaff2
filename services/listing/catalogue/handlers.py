"""The catalogue: what every center announced in its .state topics, applied in batches, newest version wins."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.listing.catalogue import domain
from services.listing.catalogue.tables import CatalogueListing, CatalogueOrganisation
from shared.db import Session
from shared.events import Received
from shared.schemas.listing import ListingState, OrganisationState

ROWS_PER_STATEMENT = 200
"""Bounds one INSERT: 14 columns a row, of 32,767 parameters a statement may have."""


async def apply_listings(session: Session, received: Sequence[Received[ListingState]]) -> None:
    """Keep the newest snapshot of each listing. Raises SpeaksForAnother; a listing never changes its center."""
    for item in received:
        domain.check_speaker(item.cause.center, item.event.center)
    rows = domain.newest([domain.listing_row(item.event, item.cause) for item in received], "listing_id")
    for chunk in _chunks(rows):
        new = insert(CatalogueListing).values(chunk)
        table, given = CatalogueListing, new.excluded
        is_newer = (col(table.listing_version) < given.listing_version) | (
            (col(table.listing_version) == given.listing_version) & (col(table.sequence) < given.sequence)
        )
        await session.exec(
            new.on_conflict_do_update(
                index_elements=["listing_id"],
                set_={name: given[name] for name in chunk[0] if name not in ("listing_id", "center")},
                where=is_newer & (col(table.center) == given.center),
            )
        )


async def apply_organisations(session: Session, received: Sequence[Received[OrganisationState]]) -> None:
    """Keep the newest snapshot of each organisation. Raises SpeaksForAnother."""
    for item in received:
        domain.check_speaker(item.cause.center, item.event.center)
    rows = domain.newest([domain.organisation_row(item.event, item.cause) for item in received], "organisation_id")
    for chunk in _chunks(rows):
        new = insert(CatalogueOrganisation).values(chunk)
        table, given = CatalogueOrganisation, new.excluded
        await session.exec(
            new.on_conflict_do_update(
                index_elements=["organisation_id"],
                set_={name: given[name] for name in chunk[0] if name not in ("organisation_id", "center")},
                where=(col(table.sequence) < given.sequence) & (col(table.center) == given.center),
            )
        )


def _chunks(rows: Sequence[dict[str, Any]]) -> Iterable[Sequence[dict[str, Any]]]:
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        yield rows[start : start + ROWS_PER_STATEMENT]
