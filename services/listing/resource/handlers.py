"""What happens to listings: drafted, edited, submitted, published, withdrawn, each a version with its announcements."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import col, select

from services.listing.organisation import handlers as organisations
from services.listing.organisation.domain import Actor, Outcome, check_may_act
from services.listing.organisation.tables import Organisation
from services.listing.resource import announcing, domain
from services.listing.resource.announcing import Before
from services.listing.resource.content import Content, digest
from services.listing.resource.refusals import Fixed
from services.listing.resource.tables import Listing, ListingVersion
from shared.db import Session
from shared.errors import NotFound
from shared.ids import new_id
from shared.schemas.listing import Status


@dataclass(frozen=True, slots=True)
class Change:
    """Why a listing changed: who did it (a person's or a deal's id) and, for a withdrawal, the reason."""

    by: str
    reason: str = ""


async def one(session: Session, who: Actor, listing_id: str, *, lock: bool = False) -> Listing:
    """The listing, where the person may see it. Raises NotFound."""
    listing = await session.get(Listing, listing_id, with_for_update=lock or None)
    if listing is None or not domain.sees(who, listing.organisation_id, Status(listing.status)):
        raise NotFound(what="listing", id=listing_id)
    return listing


async def by_external_id(session: Session, external_ids: Iterable[str]) -> dict[str, Listing]:
    """The listings that have these external ids, locked."""
    wanted = sorted(set(external_ids))
    if not wanted:
        return {}
    chosen = select(Listing).where(col(Listing.external_id).in_(wanted)).order_by(Listing.id).with_for_update()
    return {str(row.external_id): row for row in await session.exec(chosen)}


async def draft(session: Session, who: Actor, organisation_id: str, content: Content) -> Listing:
    """A new draft of an organisation. Raises NotFound, NotYours and what `domain.check` raises."""
    organisation = await organisations.one(session, organisation_id)
    return put(session, who, organisation, None, content)[0]


async def edit(session: Session, who: Actor, listing: Listing, content: Content) -> Listing:
    """Another content for a locked listing. Raises NotYours, NotEditable, PublishedNeedsOfficer, Fixed."""
    organisation = await organisations.one(session, listing.organisation_id)
    return put(session, who, organisation, listing, content)[0]


async def put_external(
    session: Session, who: Actor, external_id: str, organisation_id: str, content: Content, *, publish: bool = False
) -> tuple[Listing, Outcome]:
    """Create or change the listing that a center's own system calls `external_id`."""
    await organisations.hold_external_ids(session)
    named = await organisations.by_external_id(session, [organisation_id])
    if organisation_id not in named:
        raise NotFound(what="organisation", id=organisation_id)
    existing = (await by_external_id(session, [external_id])).get(external_id)
    return put(session, who, named[organisation_id], existing, content, external_id=external_id, publish=publish)


def put(
    session: Session,
    who: Actor,
    organisation: Organisation,
    listing: Listing | None,
    content: Content,
    *,
    external_id: str | None = None,
    publish: bool = False,
) -> tuple[Listing, Outcome]:
    """Store what a listing says. One version however many steps it takes; refusals come before the first write.

    `listing` is locked, or None for a new one. `publish` submits and publishes in the same go (officers only).
    Raises NotYours, Fixed, OfficerNeeded and what `domain.status_after_put` raises.
    """
    check_may_act(who, organisation.id)
    said = digest(content, organisation.id)
    before = Before.of(listing)
    if listing is None:
        status = domain.status_after_put(who, None, None, content, publish=publish)
        listing = _new(session, organisation, content, external_id)
        outcome = Outcome.CREATED
    else:
        if listing.organisation_id != organisation.id:
            raise Fixed(field="organisation")
        status = domain.status_after_put(who, Status(listing.status), listing.said, content, publish=publish)
        if said == listing.digest and status == listing.status:
            return listing, Outcome.UNCHANGED
        outcome = Outcome.UPDATED
    listing.tier, listing.content, listing.digest = content.tier.value, content.canonical(), said
    store(session, listing, organisation, status, before, Change(who.id))
    return listing, outcome


def _new(session: Session, organisation: Organisation, content: Content, external_id: str | None) -> Listing:
    now = session.info["center"].now()
    listing = Listing(
        id=new_id("lst"), external_id=external_id, organisation_id=organisation.id, kind=content.kind.value,
        tier=content.tier.value, status=Status.DRAFT.value, version=0, content={}, digest="",
        created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(listing)
    return listing


async def submit(session: Session, who: Actor, listing: Listing) -> Listing:
    """A member hands a draft to the officers. Raises NotYours, IllegalMove, Incomplete."""
    check_may_act(who, listing.organisation_id)
    domain.move(Status(listing.status), Status.SUBMITTED)
    domain.check_complete(listing.said)
    return await advance(session, listing, Status.SUBMITTED, Change(who.id))


async def publish(session: Session, who: Actor, listing: Listing) -> Listing:
    """An officer publishes what was submitted. Raises IllegalMove, OfficerNeeded."""
    domain.check_may_publish(who)
    return await advance(session, listing, Status.PUBLISHED, Change(who.id))


async def withdraw(session: Session, who: Actor, listing: Listing, reason: str) -> Listing:
    """No longer offered. Raises NotYours, IllegalMove (a reserved listing stays), ReasonMissing."""
    check_may_act(who, listing.organisation_id)
    return await advance(session, listing, Status.WITHDRAWN, Change(who.id, domain.check_reason(reason)))


async def advance(session: Session, listing: Listing, target: Status, change: Change) -> Listing:
    """One step of the lifecycle, with its version and its announcements. Raises IllegalMove."""
    status = domain.move(Status(listing.status), target)
    organisation = await organisations.one(session, listing.organisation_id)
    store(session, listing, organisation, status, Before.of(listing), change)
    return listing


def store(
    session: Session, listing: Listing, organisation: Organisation, status: Status, before: Before, change: Change
) -> None:
    """Write the next version of a listing and announce what it means to those who may know."""
    now = session.info["center"].now()
    listing.status, listing.version, listing.updated_at = status.value, listing.version + 1, now
    if status is Status.PUBLISHED and listing.published_at is None:
        listing.published_at = now
    version = ListingVersion(
        listing_id=listing.id, version=listing.version, at=now, status=listing.status, tier=listing.tier,
        content=listing.content, by=change.by, reason=change.reason,
    )  # fmt: skip
    session.add(version)
    announcing.announce(session, listing, organisation, before, change.reason)
