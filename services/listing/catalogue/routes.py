"""HTTP for the alliance-wide catalogue: search by filter, newest first, and counts."""

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel
from sqlmodel import col, func, select, tuple_

from services.listing.catalogue.search import EARLIEST, Search, conditions
from services.listing.catalogue.tables import CatalogueListing, CatalogueOrganisation
from services.listing.organisation.domain import is_clean
from services.listing.organisation.routes import Limit
from shared.errors import NotFound
from shared.http import Caller, Page, Router, Tx, cursor, uncursor
from shared.http.paging import BadCursor
from shared.schemas.base import Text
from shared.schemas.listing import ListingState

router = Router(prefix="/listing/catalogue", tags=["catalogue"])


class CatalogueOrganisationView(BaseModel):
    """An organisation of any center."""

    organisation_id: str
    center: str
    kind: str
    name: Text
    region: str
    country: str


class CatalogueCount(BaseModel):
    """How many listings a center has of a kind in a state."""

    center: str
    kind: str
    status: str
    listings: int


@router.get("")
async def search_catalogue(
    tx: Tx, who: Caller, search: Annotated[Search, Query()], after: str | None = None, limit: Limit = 50
) -> Page[ListingState]:
    """Listings of all centers, the newest first; what is on offer unless `status` asks for other states."""
    table = CatalogueListing
    chosen = select(table).where(*conditions(search))
    if after is not None:
        chosen = chosen.where(tuple_(table.listed_at, table.listing_id) < tuple_(*_place(after)))
    newest_first = chosen.order_by(col(table.listed_at).desc(), col(table.listing_id).desc())
    rows = list(await tx.exec(newest_first.limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    more = cursor(last.listed_at.isoformat(), last.listing_id) if last else None
    return Page(items=[ListingState.model_validate(row.snapshot) for row in rows[:limit]], next=more)


@router.get("/counts")
async def count(tx: Tx, who: Caller) -> list[CatalogueCount]:
    """Listings of all centers by center, kind and status."""
    keys = (CatalogueListing.center, CatalogueListing.kind, CatalogueListing.status)
    rows = await tx.exec(select(*keys, func.count()).group_by(*keys).order_by(*keys))
    return [CatalogueCount(center=c, kind=k, status=s, listings=n) for c, k, s, n in rows]


@router.get("/organisations")
async def list_organisations(
    tx: Tx,
    who: Caller,
    center: Annotated[list[str] | None, Query()] = None,
    kind: Annotated[list[str] | None, Query()] = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[CatalogueOrganisationView]:
    """Organisations of all centers, the newest first."""
    table = CatalogueOrganisation
    chosen = select(table).order_by(col(table.organisation_id).desc()).limit(limit + 1)
    for column, wanted in ((table.center, center), (table.kind, kind)):
        if wanted:
            chosen = chosen.where(col(column).in_(wanted))
    if after is not None:
        chosen = chosen.where(col(table.organisation_id) < uncursor(after, str)[0])
    rows = list(await tx.exec(chosen))
    more = cursor(rows[limit - 1].organisation_id) if len(rows) > limit else None
    return Page(items=[_organisation(row) for row in rows[:limit]], next=more)


@router.get("/{listing_id}")
async def read(tx: Tx, who: Caller, listing_id: str) -> ListingState:
    """One listing of any center as it was last announced, whatever its state."""
    row = await tx.get(CatalogueListing, listing_id)
    if row is None:
        raise NotFound(what="listing", id=listing_id)
    return ListingState.model_validate(row.snapshot)


def _organisation(row: CatalogueOrganisation) -> CatalogueOrganisationView:
    return CatalogueOrganisationView(
        name=Text(zh=row.name_zh, en=row.name_en), **row.model_dump(exclude={"name_zh", "name_en", "sequence"})
    )


def _place(after: str) -> tuple[datetime, str]:
    """Where a page begins. Raises BadCursor."""
    listed_at, listing_id = uncursor(after, str, str)
    try:
        moment = datetime.fromisoformat(listed_at)
    except ValueError:
        raise BadCursor() from None
    if moment.tzinfo is None or moment.year < EARLIEST.year or not is_clean(listing_id, 100):
        raise BadCursor()
    return moment, listing_id
