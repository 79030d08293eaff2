"""HTTP of matches: the list a technology manager works, and one match with its reasons."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel
from sqlalchemy import or_
from sqlmodel import col, exists, select

from services.matching.index.tables import Candidate
from services.matching.match.tables import Match, MatchStatus
from services.matching.reading import cursor_at, scope, titles, uncursor_at
from shared.db import Session
from shared.errors import NotFound
from shared.http import Caller, Page, Router, Tx, cursor, uncursor
from shared.schemas.base import Text
from shared.schemas.matching import MatchedTerm

router = Router(prefix="/matching/matches", tags=["matches"])


class MatchView(BaseModel):
    """A match with its reasons. `components` sum to `score` (0..1); a term's `weight` is its share of `lexical`.

    `decided_here` says whether this center decided it or was told. A title is null until its listing has arrived.
    """

    match_id: str
    demand_id: str
    demand_version: int
    demand_center: str
    demand_title: Text | None
    offer_id: str
    offer_version: int
    offer_center: str
    offer_kind: str
    offer_title: Text | None
    score: float
    components: dict[str, float]
    terms: list[MatchedTerm]
    shared: dict[str, list[str]]
    filters: list[str]
    rules: str
    status: str
    closed_because: str | None
    decided_here: bool
    found_at: datetime
    changed_at: datetime


@router.get("")
async def matches(
    tx: Tx,
    who: Caller,
    listing_id: Annotated[str | None, Query(max_length=80)] = None,
    center: Annotated[str | None, Query(max_length=40, description="either side's")] = None,
    min_score: Annotated[float, Query(ge=0, le=1)] = 0.0,
    status: MatchStatus = MatchStatus.OPEN,
    sort: Literal["score", "newest"] = "score",
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Page[MatchView]:
    """Matches of this center's demands and offers, best or newest first; members see those of their own listings."""
    wanted = select(Match).where(Match.status == status, Match.score >= min_score).limit(limit + 1)
    if listing_id:
        wanted = wanted.where(or_(col(Match.demand_id) == listing_id, col(Match.offer_id) == listing_id))
    if center:
        wanted = wanted.where(or_(col(Match.demand_center) == center, col(Match.offer_center) == center))
    if (mine := scope(who)) is not None:
        wanted = wanted.where(_of(mine))
    rows = list((await tx.exec(_page(wanted, sort, after))).all())
    return Page[MatchView](items=await _views(tx, rows[:limit]), next=_next(rows, limit, sort))


@router.get("/{match_id}")
async def match(tx: Tx, who: Caller, match_id: Annotated[str, Path(max_length=80)]) -> MatchView:
    """One match."""
    wanted = select(Match).where(Match.match_id == match_id)
    if (mine := scope(who)) is not None:
        wanted = wanted.where(_of(mine))
    found = (await tx.exec(wanted)).first()
    if found is None:
        raise NotFound(what="match", id=match_id)
    return (await _views(tx, [found]))[0]


def _of(organisation_id: str) -> Any:
    """Matches of which a listing belongs to the organisation."""
    sides = col(Candidate.listing_id).in_([col(Match.demand_id), col(Match.offer_id)])
    return exists(select(1).where(sides, Candidate.organisation_id == organisation_id)).correlate(Match)


def _page(wanted: Any, sort: str, after: str | None) -> Any:
    if sort == "score":
        if after:
            score, last = uncursor(after, float, str)
            tied = (col(Match.score) == score) & (col(Match.match_id) > last)
            wanted = wanted.where(or_(col(Match.score) < score, tied))
        return wanted.order_by(col(Match.score).desc(), col(Match.match_id))
    if after:
        at, last = uncursor_at(after)
        tied = (col(Match.changed_at) == at) & (col(Match.match_id) > last)
        wanted = wanted.where(or_(col(Match.changed_at) < at, tied))
    return wanted.order_by(col(Match.changed_at).desc(), col(Match.match_id))


def _next(rows: list[Match], limit: int, sort: str) -> str | None:
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return cursor(last.score, last.match_id) if sort == "score" else cursor_at(last.changed_at, last.match_id)


async def _views(session: Session, rows: list[Match]) -> list[MatchView]:
    here = session.info["center"].id
    named = await titles(session, {id for row in rows for id in (row.demand_id, row.offer_id)})
    return [
        MatchView.model_validate(
            row.model_dump()
            | {
                "demand_title": named.get(row.demand_id),
                "offer_title": named.get(row.offer_id),
                "decided_here": row.demand_center == here,
            }
        )
        for row in rows
    ]
