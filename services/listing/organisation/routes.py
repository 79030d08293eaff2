"""HTTP for organisations of this center."""

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, Field
from sqlmodel import col, select

from services.listing.organisation import handlers
from services.listing.organisation.domain import OrganisationContent, Outcome
from services.listing.organisation.tables import Organisation
from shared.db import Session
from shared.http import Caller, Page, Router, Tx, cursor, etag, if_match, require, uncursor
from shared.schemas.base import Text

router = Router(prefix="/listing", tags=["organisations"])
staff = require("officer", "technology_manager")

ExternalId = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
"""An id of the center's own system."""
Limit = Annotated[int, Query(ge=1, le=200)]


class OrganisationView(BaseModel):
    """An organisation of this center."""

    organisation_id: str
    external_id: str | None
    center: str
    version: int
    kind: str
    name: Text
    region: str
    country: str
    uscc: str | None
    created_at: datetime
    updated_at: datetime


class NewOrganisation(OrganisationContent):
    """An organisation to register, perhaps with the id the center's own system gives it."""

    external_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None


def view(session: Session, row: Organisation) -> OrganisationView:
    """As it is shown."""
    return OrganisationView(
        organisation_id=row.id,
        center=session.info["center"].id,
        name=handlers.name_of(row),
        **row.model_dump(exclude={"id", "name_zh", "name_en"}),
    )


@router.post("/organisations", status_code=201, dependencies=[staff])
async def register(tx: Tx, who: Caller, body: NewOrganisation, response: Response) -> OrganisationView:
    """Register an organisation. With an external id that is known already, it is changed instead."""
    content = OrganisationContent.model_validate(body.model_dump(exclude={"external_id"}))
    if body.external_id is None:
        stored, outcome = handlers.put(tx, who, None, content)
    else:
        stored, outcome = await handlers.put_external(tx, who, body.external_id, content)
    return _answer(tx, stored, outcome, response)


@router.put("/organisations/external/{external_id:path}")
async def put_external(
    tx: Tx, who: Caller, external_id: ExternalId, body: OrganisationContent, response: Response
) -> OrganisationView:
    """Register or change an organisation by the id the center's own system gives it."""
    stored, outcome = await handlers.put_external(tx, who, external_id, body)
    return _answer(tx, stored, outcome, response)


@router.put("/organisations/{organisation_id}")
async def change(
    tx: Tx, who: Caller, organisation_id: str, body: OrganisationContent, request: Request, response: Response
) -> OrganisationView:
    """Change what is said about an organisation; `If-Match` names the version that was read."""
    row = await handlers.one(tx, organisation_id, lock=True)
    if_match(request, row.version)
    stored, _ = handlers.put(tx, who, row, body)
    return _answer(tx, stored, Outcome.UPDATED, response)


@router.get("/organisations")
async def list_organisations(
    tx: Tx,
    who: Caller,
    external_id: str | None = None,
    kind: str | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[OrganisationView]:
    """Organisations of this center, newest first."""
    chosen = select(Organisation).order_by(col(Organisation.id).desc()).limit(limit + 1)
    if external_id is not None:
        chosen = chosen.where(Organisation.external_id == external_id)
    if kind is not None:
        chosen = chosen.where(Organisation.kind == kind)
    if after is not None:
        chosen = chosen.where(col(Organisation.id) < uncursor(after, str)[0])
    rows = list(await tx.exec(chosen))
    more = cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=[view(tx, row) for row in rows[:limit]], next=more)


@router.get("/organisations/{organisation_id}")
async def read(tx: Tx, who: Caller, organisation_id: str, response: Response) -> OrganisationView:
    """One organisation of this center, with its ETag."""
    row = await handlers.one(tx, organisation_id)
    etag(response, row.version)
    return view(tx, row)


def _answer(session: Session, stored: Organisation, outcome: Outcome, response: Response) -> OrganisationView:
    response.status_code = 201 if outcome is Outcome.CREATED else 200
    response.headers["Location"] = f"/listing/organisations/{stored.id}"
    etag(response, stored.version)
    return view(session, stored)
