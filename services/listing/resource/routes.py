"""HTTP for listings of this center: drafts, edits, and the steps of their lifecycle."""

from datetime import datetime
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import ColumnElement, or_
from sqlmodel import col, select

from services.listing.organisation.domain import Outcome
from services.listing.organisation.routes import ExternalId, Limit
from services.listing.resource import domain, handlers
from services.listing.resource.content import Content
from services.listing.resource.tables import Listing
from shared.db import Session
from shared.http import Caller, Page, Person, Router, Tx, cursor, etag, if_match, require, uncursor
from shared.schemas.listing import Kind, Status, Tier
from shared.telemetry import tell

router = Router(prefix="/listing", tags=["listings"])
officer = require("officer")


class NewListing(Content):
    """A listing to draft for an organisation (its id, or its external id)."""

    organisation_id: str


class Withdrawal(BaseModel):
    """Why a listing is no longer offered; the alliance reads it."""

    reason: str


class ListingView(Content):
    """A listing of this center, of either tier."""

    listing_id: str
    external_id: str | None
    center: str
    organisation_id: str
    status: Status
    listing_version: int
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None


def view(session: Session, row: Listing) -> ListingView:
    """As it is shown to who may see it."""
    return ListingView(
        listing_id=row.id,
        external_id=row.external_id,
        center=session.info["center"].id,
        organisation_id=row.organisation_id,
        status=Status(row.status),
        listing_version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        published_at=row.published_at,
        **row.content,
    )


def answered(session: Session, row: Listing, response: Response, outcome: Outcome = Outcome.UPDATED) -> ListingView:
    """The listing with its ETag; 201 and its address where it is new."""
    if outcome is Outcome.CREATED:
        response.status_code = 201
        response.headers["Location"] = f"/listing/listings/{row.id}"
    etag(response, row.version)
    tell(row.id)
    return view(session, row)


async def chosen_for_step(tx: Session, who: Person, listing_id: str, request: Request) -> Listing:
    """The locked listing of a step. With `If-Match` the step is refused when somebody changed it meanwhile."""
    row = await handlers.one(tx, who, listing_id, lock=True)
    if "if-match" in request.headers:
        if_match(request, row.version)
    return row


def content_of(body: NewListing) -> Content:
    """What is said, without for whom."""
    return Content.model_validate(body.model_dump(exclude={"organisation_id"}))


@router.post("/listings", status_code=201)
async def draft(tx: Tx, who: Caller, body: NewListing, response: Response) -> ListingView:
    """Draft a listing for one's own organisation (officers and technology managers: for any)."""
    row = await handlers.draft(tx, who, body.organisation_id, content_of(body))
    return answered(tx, row, response, Outcome.CREATED)


@router.put("/external/{external_id:path}")
async def put_external(
    tx: Tx, who: Caller, external_id: ExternalId, body: NewListing, response: Response, publish: bool = False
) -> ListingView:
    """Create or change the listing a center's own system calls `external_id`; the same again changes nothing."""
    row, outcome = await handlers.put_external(
        tx, who, external_id, body.organisation_id, content_of(body), publish=publish
    )
    return answered(tx, row, response, outcome)


@router.put("/listings/{listing_id}")
async def edit(
    tx: Tx, who: Caller, listing_id: str, body: Content, request: Request, response: Response
) -> ListingView:
    """Another content; `If-Match` names the version that was read. An edit takes a submission back to draft."""
    row = await handlers.one(tx, who, listing_id, lock=True)
    if_match(request, row.version)
    return answered(tx, await handlers.edit(tx, who, row, body), response)


@router.post("/listings/{listing_id}/submission")
async def submit(tx: Tx, who: Caller, listing_id: str, request: Request, response: Response) -> ListingView:
    """Hand a draft to the center's officers."""
    row = await chosen_for_step(tx, who, listing_id, request)
    return answered(tx, await handlers.submit(tx, who, row), response)


@router.post("/listings/{listing_id}/publication", dependencies=[officer])
async def publish(tx: Tx, who: Caller, listing_id: str, request: Request, response: Response) -> ListingView:
    """Publish what was submitted: of tier `public` to the alliance, of tier `center` to this center."""
    row = await chosen_for_step(tx, who, listing_id, request)
    return answered(tx, await handlers.publish(tx, who, row), response)


@router.post("/listings/{listing_id}/withdrawal")
async def withdraw(
    tx: Tx, who: Caller, listing_id: str, body: Withdrawal, request: Request, response: Response
) -> ListingView:
    """Take a listing back, with a reason. A reserved one stays: a counterparty relies on it."""
    row = await chosen_for_step(tx, who, listing_id, request)
    return answered(tx, await handlers.withdraw(tx, who, row, body.reason), response)


@router.get("/listings/{listing_id}")
async def read(tx: Tx, who: Caller, listing_id: str, response: Response) -> ListingView:
    """One listing of this center, with its ETag."""
    return answered(tx, await handlers.one(tx, who, listing_id), response)


@router.get("/listings")
async def list_listings(
    tx: Tx,
    who: Caller,
    status: Annotated[list[Status] | None, Query()] = None,
    kind: Annotated[list[Kind] | None, Query()] = None,
    tier: Tier | None = None,
    organisation_id: str | None = None,
    external_id: str | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[ListingView]:
    """This center's listings of both tiers, newest first: members see their own and what is offered, staff see all."""
    chosen = select(Listing).where(*_visible(who)).order_by(col(Listing.id).desc()).limit(limit + 1)
    for column, wanted in ((Listing.status, status), (Listing.kind, kind)):
        if wanted:
            chosen = chosen.where(col(column).in_([str(value) for value in wanted]))
    if tier is not None:
        chosen = chosen.where(Listing.tier == tier.value)
    if organisation_id is not None:
        chosen = chosen.where(Listing.organisation_id == organisation_id)
    if external_id is not None:
        chosen = chosen.where(Listing.external_id == external_id)
    if after is not None:
        chosen = chosen.where(col(Listing.id) < uncursor(after, str)[0])
    rows = list(await tx.exec(chosen))
    more = cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=[view(tx, row) for row in rows[:limit]], next=more)


def _visible(who: Person) -> list[ColumnElement[bool]]:
    """`domain.sees`, as a condition on rows."""
    if who.may(*domain.SEES_EVERYTHING):
        return []
    offered = col(Listing.status).in_([status.value for status in domain.OPEN])
    return [or_(offered, col(Listing.organisation_id) == (who.organisation_id or ""))]
