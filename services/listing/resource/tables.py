"""Rows of listings, their versions and their reservations. CHECKs and indexes: resource.sql."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.listing import Row
from services.listing.resource.content import Content


class Listing(Row, table=True):
    """A listing of this center as it is now. `content` is a `Content`, kind and tier included."""

    __tablename__ = "listing"

    id: str = Field(primary_key=True)
    external_id: str | None = None
    organisation_id: str
    kind: str
    tier: str
    status: str
    version: int
    content: dict[str, Any] = Field(sa_type=JSONB)
    digest: str
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    published_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))

    @property
    def said(self) -> Content:
        """The content, validated again."""
        return Content.model_validate(self.content)


class ListingVersion(Row, table=True):
    """One change of a listing, whole. What stood at a time is the last version whose `at` is not after it."""

    __tablename__ = "listing_version"

    listing_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    at: datetime = Field(sa_type=DateTime(timezone=True))
    status: str
    tier: str
    content: dict[str, Any] = Field(sa_type=JSONB)
    by: str
    reason: str = ""


class Reservation(Row, table=True):
    """What a deal's question was answered. `home` is the deal's home, which alone may end it."""

    __tablename__ = "reservation"

    deal_id: str = Field(primary_key=True)
    listing_id: str
    home: str
    outcome: str
    rule: str | None = None
    at: datetime = Field(sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class AcceptedInterest(Row, table=True):
    """An interest in a listing that this center accepted; `seeker_center` may open a deal about it."""

    __tablename__ = "accepted_interest"

    id: str = Field(primary_key=True)
    listing_id: str
    seeker_center: str
    at: datetime = Field(sa_type=DateTime(timezone=True))
