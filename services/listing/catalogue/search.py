"""The filters of a catalogue search and what each means for the rows."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import ColumnElement, func, literal, select
from sqlmodel import col

from services.listing.catalogue.domain import ON_OFFER
from services.listing.catalogue.tables import CatalogueListing

EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
"""No listing is older; a bound that every time zone and database can tell."""
Alternatives = Annotated[list[str], Field(max_length=50)]
Level = Annotated[int | None, Field(ge=1, le=9)]


class Search(BaseModel):
    """Filters; several values of one filter are alternatives. Values nobody knows are legal and find nothing."""

    kind: Alternatives = []
    center: Alternatives = []
    status: Alternatives = list(ON_OFFER)
    livelihood: Alternatives = []
    organisation_id: str | None = None
    region: str | None = None
    ipc: Annotated[str | None, Field(max_length=20, description="prefix of an IPC or CPC symbol: C02F")] = None
    trl_min: Level = None
    trl_max: Level = None
    text: Annotated[str | None, Field(max_length=200, description="a word or phrase, as it is written")] = None
    listed_since: Annotated[AwareDatetime | None, Field(ge=EARLIEST)] = None


def conditions(search: Search) -> list[ColumnElement[bool]]:
    """What rows must meet."""
    row = CatalogueListing
    met: list[ColumnElement[bool]] = []
    for column, wanted in ((row.kind, search.kind), (row.center, search.center), (row.status, search.status)):
        if wanted:
            met.append(col(column).in_(wanted))
    for column, value in ((row.organisation_id, search.organisation_id), (row.region, search.region)):
        if value:
            met.append(col(column) == value)
    if search.livelihood:
        met.append(col(row.livelihood).bool_op("&&")(search.livelihood))
    if search.ipc:
        symbol = func.unnest(row.ipc).column_valued("symbol")
        prefix = search.ipc.replace(" ", "")
        met.append(select(literal(1)).where(symbol.startswith(prefix, autoescape=True)).exists())
    if search.trl_min is not None:
        met.append(col(row.trl) >= search.trl_min)
    if search.trl_max is not None:
        met.append(col(row.trl) <= search.trl_max)
    if search.text:
        met.append(col(row.words).icontains(search.text, autoescape=True))
    if search.listed_since is not None:
        met.append(col(row.listed_at) >= search.listed_since)
    return met
