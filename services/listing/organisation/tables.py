"""Rows of organisations."""

from datetime import datetime

from sqlalchemy import DateTime
from sqlmodel import Field

from services.listing import Row


class Organisation(Row, table=True):
    """A member organisation of this center, as it is now. CHECKs: organisation.sql."""

    __tablename__ = "organisation"

    id: str = Field(primary_key=True)
    external_id: str | None = None
    kind: str
    name_zh: str
    name_en: str
    region: str
    country: str
    uscc: str | None = None
    version: int
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
