"""What the listing service publishes: organisations, listings and reservations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.schemas.base import CenterId, Event, Scope, Text


class Kind(StrEnum):
    """Kinds of resource that are traded."""

    TECHNOLOGY = "technology"
    DEMAND = "demand"
    SERVICE = "service"
    CAPITAL = "capital"


class Status(StrEnum):
    """States of a listing's lifecycle."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    PUBLISHED = "published"
    RESERVED = "reserved"
    TRANSACTED = "transacted"
    WITHDRAWN = "withdrawn"


class Tier(StrEnum):
    """Confidentiality tier: what may leave the center."""

    PUBLIC = "public"
    CENTER = "center"


class Price(BaseModel):
    """A price or a budget. Amounts in minor units of `currency`; either end may be open."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    mode: str = "negotiable"
    min_minor: int | None = None
    max_minor: int | None = None
    currency: str = "CNY"


class OrganisationState(
    Event, service="listing", name="organisation.state", scope=Scope.STATE, subject="organisation_id"
):
    """The public snapshot of an organisation."""

    organisation_id: str
    center: CenterId
    kind: str
    name: Text
    region: str = ""
    country: str = "CN"


class ListingState(Event, service="listing", name="listing.state", scope=Scope.STATE, subject="listing_id"):
    """The whole public snapshot of one listing; a withdrawal is the value `withdrawn`, never a tombstone.

    `kind` and `status` are open enums: a reader keeps values it does not know. Only fields of tier `public` are here;
    a listing of tier `center` has no snapshot at all.
    """

    listing_id: str
    center: CenterId
    organisation_id: str
    organisation_name: Text
    kind: str
    status: str
    listing_version: int
    title: Text
    summary: Text = Text()
    problem: Text = Text()
    solution: Text = Text()
    advantages: Text = Text()
    keywords: dict[str, list[str]] = {}
    livelihood: list[str] = []
    ipc: list[str] = []
    industry: list[str] = []
    trl: int | None = None
    transfer_modes: list[str] = []
    price: Price = Price()
    region: str = ""
    deadline: date | None = None
    details: dict[str, Any] = {}
    published_at: datetime | None = None


class ListingSubmitted(Event, service="listing", name="listing.submitted", scope=Scope.OWN, subject="listing_id"):
    """A member submitted a draft to the center's officers."""

    listing_id: str
    organisation_id: str
    kind: str
    listing_version: int


class ListingPublished(Event, service="listing", name="listing.published", scope=Scope.ALLIANCE, subject="listing_id"):
    """An officer published a listing of tier `public`."""

    listing_id: str
    center: CenterId
    organisation_id: str
    kind: str
    listing_version: int
    title: Text


class ListingWithdrawn(Event, service="listing", name="listing.withdrawn", scope=Scope.ALLIANCE, subject="listing_id"):
    """A published listing is no longer offered."""

    listing_id: str
    center: CenterId
    kind: str
    reason: str


class ListingReserved(Event, service="listing", name="listing.reserved", scope=Scope.ALLIANCE, subject="listing_id"):
    """A listing is held for one deal; the deal itself is named only to its parties."""

    listing_id: str
    center: CenterId
    kind: str


class ListingReleased(Event, service="listing", name="listing.released", scope=Scope.ALLIANCE, subject="listing_id"):
    """A reservation ended; `transacted` says whether the deal was completed."""

    listing_id: str
    center: CenterId
    kind: str
    transacted: bool


class ReservationGranted(
    Event,
    service="listing",
    name="reservation.granted",
    scope=Scope.BILATERAL,
    subject="listing_id",
    conversation="deal_id",
):
    """The listing's center holds the listing for the deal."""

    to: CenterId
    listing_id: str
    deal_id: str


class ReservationRefused(
    Event,
    service="listing",
    name="reservation.refused",
    scope=Scope.BILATERAL,
    subject="listing_id",
    conversation="deal_id",
):
    """The listing's center can't hold the listing for the deal: `rule` says why."""

    to: CenterId
    listing_id: str
    deal_id: str
    rule: str
