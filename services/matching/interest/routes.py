"""HTTP of interests: express, answer, list, from both sides."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import or_
from sqlmodel import col, select

from services.matching.interest import domain, handlers
from services.matching.interest.tables import Interest
from services.matching.reading import cursor_at, scope, titles, uncursor_at
from shared.db import Session
from shared.errors import NotFound
from shared.http import Caller, Moves, Page, Router, Tx, require
from shared.schemas.base import Text

router = Router(prefix="/matching/interests", tags=["interests"])

ACTS = require("member", "technology_manager", "officer")
Id = Annotated[str, Path(max_length=80)]


class Express(BaseModel):
    """What the interest is in: a match, or a demand and an offer."""

    model_config = ConfigDict(extra="forbid")
    match_id: str | None = Field(None, max_length=80)
    demand_id: str | None = Field(None, max_length=80)
    offer_id: str | None = Field(None, max_length=80)
    message: str = Field("", max_length=domain.MESSAGE_MAX, pattern=r"^[^\x00]*$")

    @model_validator(mode="after")
    def _one_way(self) -> "Express":
        if bool(self.match_id) == bool(self.demand_id and self.offer_id):
            raise ValueError("name either a match_id, or a demand_id and an offer_id")
        return self


class Decline(BaseModel):
    """Why the owner's side declines."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(max_length=domain.REASON_MAX, pattern=r"^[^\x00]*$")


class InterestView(BaseModel):
    """An interest as this center knows it. `side` is this center's: seeker, owner, or both. Times are UTC."""

    interest_id: str
    match_id: str | None
    demand_id: str
    demand_title: Text | None
    offer_id: str
    offer_title: Text | None
    seeker_center: str
    seeker_organisation_id: str
    owner_center: str
    owner_organisation_id: str
    side: Literal["seeker", "owner", "both"]
    message: str
    status: str
    reason: str | None
    expressed_at: datetime
    answer_by: datetime
    answered_at: datetime | None
    overdue: bool


@router.post("", status_code=201, dependencies=[ACTS, Moves])
async def express(tx: Tx, who: Caller, body: Express) -> InterestView:
    """Say that a demand's side wants to talk about an offer. The offer's center is told."""
    if body.match_id:
        demand_id, offer_id = await handlers.pair_of(tx, body.match_id)
    else:
        demand_id, offer_id = str(body.demand_id), str(body.offer_id)
    interest = await handlers.express(tx, demand_id, offer_id, body.message, who, body.match_id)
    return (await _views(tx, [interest]))[0]


@router.post("/{interest_id}/acceptance", dependencies=[ACTS, Moves])
async def accept(tx: Tx, who: Caller, interest_id: Id) -> InterestView:
    """Accept an interest in a listing of this center. The seeker's center becomes the home of the deal."""
    return (await _views(tx, [await handlers.accept(tx, interest_id, who)]))[0]


@router.post("/{interest_id}/decline", dependencies=[ACTS, Moves])
async def decline(tx: Tx, who: Caller, interest_id: Id, body: Decline) -> InterestView:
    """Decline an interest in a listing of this center, with a reason."""
    return (await _views(tx, [await handlers.decline(tx, interest_id, body.reason, who)]))[0]


@router.get("")
async def interests(
    tx: Tx,
    who: Caller,
    status: domain.Status | None = None,
    side: Literal["seeker", "owner"] | None = None,
    listing_id: Annotated[str | None, Query(max_length=80)] = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Page[InterestView]:
    """Interests of this center, newest first; members see those of their own organisation."""
    here = tx.info["center"].id
    wanted = select(Interest).order_by(col(Interest.expressed_at).desc(), col(Interest.interest_id)).limit(limit + 1)
    if status:
        wanted = wanted.where(Interest.status == status)
    if side:
        wanted = wanted.where((Interest.seeker_center if side == "seeker" else Interest.owner_center) == here)
    if listing_id:
        wanted = wanted.where(or_(col(Interest.demand_id) == listing_id, col(Interest.offer_id) == listing_id))
    if (mine := scope(who)) is not None:
        parties = (col(Interest.seeker_organisation_id) == mine, col(Interest.owner_organisation_id) == mine)
        wanted = wanted.where(or_(*parties))
    if after:
        at, last = uncursor_at(after)
        later = (col(Interest.expressed_at) == at) & (col(Interest.interest_id) > last)
        wanted = wanted.where(or_(col(Interest.expressed_at) < at, later))
    rows = list((await tx.exec(wanted)).all())
    more = cursor_at(rows[limit - 1].expressed_at, rows[limit - 1].interest_id) if len(rows) > limit else None
    return Page[InterestView](items=await _views(tx, rows[:limit]), next=more)


@router.get("/{interest_id}")
async def interest(tx: Tx, who: Caller, interest_id: Id) -> InterestView:
    """One interest."""
    found = await tx.get(Interest, interest_id)
    mine = scope(who)
    if found is None or (mine is not None and mine not in (found.seeker_organisation_id, found.owner_organisation_id)):
        raise NotFound(what="interest", id=interest_id)
    return (await _views(tx, [found]))[0]


async def _views(session: Session, interests: list[Interest]) -> list[InterestView]:
    here, now = session.info["center"].id, session.info["center"].now()
    named = await titles(session, {id for one in interests for id in (one.demand_id, one.offer_id)})
    return [
        InterestView(
            **one.model_dump(exclude={"expressed_by", "answered_by"}),
            demand_title=named.get(one.demand_id),
            offer_title=named.get(one.offer_id),
            side=_side(one, here),
            overdue=domain.overdue(one.answer_by, one.answered_at, now),
        )
        for one in interests
    ]


def _side(one: Interest, here: str) -> Literal["seeker", "owner", "both"]:
    if one.seeker_center == one.owner_center:
        return "both"
    return "seeker" if one.seeker_center == here else "owner"
