"""HTTP of the index: a simple search over everything the alliance offers and asks for."""

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel
from sqlmodel import col, select

from services.matching.index.handlers import search
from services.matching.index.tables import Candidate
from shared.http import Caller, Router, Tx
from shared.schemas.base import Text
from shared.schemas.listing import Status

router = Router(prefix="/matching/search", tags=["search"])


class Found(BaseModel):
    """A listing that was found, and the words of the question that it holds."""

    listing_id: str
    center: str
    organisation_id: str
    kind: str
    title: Text
    terms: list[str]
    published_at: datetime | None


class Answer(BaseModel):
    """What was found, best first."""

    items: list[Found]


@router.get("")
async def find(
    tx: Tx,
    who: Caller,
    q: Annotated[str, Query(min_length=1, max_length=500)],
    kind: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Answer:
    """Published listings of all centers that hold the words of `q`, in Chinese or English."""
    hits = await search(tx, q, kind=kind, limit=limit)
    wanted = select(Candidate).where(
        col(Candidate.listing_id).in_([listing_id for listing_id, _ in hits]), Candidate.status == Status.PUBLISHED
    )
    rows = {row.listing_id: row for row in (await tx.exec(wanted)).all()}
    return Answer(items=[_found(rows[listing_id], terms) for listing_id, terms in hits if listing_id in rows])


def _found(row: Candidate, terms: list[str]) -> Found:
    title = Text.model_validate(row.snapshot["title"])
    held = [term for term in terms if term in row.terms or any(term in word for word in row.terms)]
    return Found(title=title, terms=held, **row.model_dump(include=set(Found.model_fields) - {"title", "terms"}))
