"""Rows of the alliance-wide catalogue. `kind` and `status` are open: unknown values are kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.listing import Row


class CatalogueOrganisation(Row, table=True):
    """An organisation of any center as its center last announced it. `sequence`: of that announcement."""

    __tablename__ = "catalogue_organisation"

    organisation_id: str = Field(primary_key=True)
    center: str
    sequence: int
    kind: str
    name_zh: str
    name_en: str
    region: str
    country: str


class CatalogueListing(Row, table=True):
    """A listing of any center as its center last announced it; `snapshot` is that announcement, whole."""

    __tablename__ = "catalogue_listing"

    listing_id: str = Field(primary_key=True)
    center: str
    listing_version: int
    sequence: int
    kind: str
    status: str
    organisation_id: str
    region: str
    trl: int | None = None
    ipc: list[str] = Field(sa_type=ARRAY(Text))
    livelihood: list[str] = Field(sa_type=ARRAY(Text))
    listed_at: datetime = Field(sa_type=DateTime(timezone=True))
    words: str
    snapshot: dict[str, Any] = Field(sa_type=JSONB)
