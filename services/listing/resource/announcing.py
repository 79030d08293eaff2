"""Which change of a listing is announced as what. Of tier `center` nothing is said beyond the center."""

from dataclasses import dataclass
from datetime import datetime

from services.listing.organisation.handlers import name_of
from services.listing.organisation.tables import Organisation
from services.listing.resource.domain import alliance_knows
from services.listing.resource.tables import Listing
from shared.db import Session
from shared.events import emit
from shared.schemas.listing import (
    ListingPublished,
    ListingReleased,
    ListingReserved,
    ListingState,
    ListingSubmitted,
    ListingWithdrawn,
    Status,
    Tier,
)


@dataclass(frozen=True, slots=True)
class Before:
    """What a listing was before a change: its status (None: it was not), and whether the alliance knew it."""

    status: Status | None
    known: bool

    @classmethod
    def of(cls, listing: Listing | None) -> "Before":
        """Of the row as it is now."""
        if listing is None:
            return cls(None, False)
        return cls(Status(listing.status), _known(listing.tier, listing.published_at))


def _known(tier: str, published_at: datetime | None) -> bool:
    return alliance_knows(Tier(tier), published_at)


def announce(session: Session, listing: Listing, organisation: Organisation, before: Before, reason: str) -> None:
    """Emit what a stored change means: for officers, for the alliance, and the snapshot."""
    center, status = session.info["center"].id, Status(listing.status)
    about = {"listing_id": listing.id, "kind": listing.kind}
    org, version = listing.organisation_id, listing.version
    if status is Status.SUBMITTED and before.status is not status:
        emit(session, ListingSubmitted(**about, organisation_id=org, listing_version=version))
    if not _known(listing.tier, listing.published_at):
        return
    state = snapshot(listing, organisation, center)
    if not before.known:
        emit(
            session,
            ListingPublished(**about, center=center, organisation_id=org, listing_version=version, title=state.title),
        )
    if status is Status.WITHDRAWN:
        emit(session, ListingWithdrawn(**about, center=center, reason=reason))
    if status is Status.RESERVED and before.status is not status:
        emit(session, ListingReserved(**about, center=center))
    if before.status is Status.RESERVED and status is not before.status:
        emit(session, ListingReleased(**about, center=center, transacted=status is Status.TRANSACTED))
    emit(session, state)


def snapshot(listing: Listing, organisation: Organisation, center: str) -> ListingState:
    """The whole public snapshot of a listing of tier `public`."""
    said = {name: value for name, value in listing.content.items() if name not in ("kind", "tier")}
    return ListingState.model_validate(
        {
            **said,
            "listing_id": listing.id,
            "center": center,
            "organisation_id": listing.organisation_id,
            "organisation_name": name_of(organisation),
            "kind": listing.kind,
            "status": listing.status,
            "listing_version": listing.version,
            "published_at": listing.published_at,
        }
    )
