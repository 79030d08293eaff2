"""What the lists share: whose rows a person may see, titles of listings, and where a page goes on."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import col, select

from services.matching.index.tables import Candidate
from shared.db import Session
from shared.http import Person, cursor, uncursor
from shared.http.paging import BadCursor
from shared.schemas.base import Text


def scope(person: Person) -> str | None:
    """The organisation whose rows a person may see; None for those who serve the whole center."""
    if person.may("technology_manager", "officer", "operator", "auditor"):
        return None
    return person.organisation_id or ""


def cursor_at(moment: datetime, id: str) -> str:
    """The cursor behind one row of a list that is newest first."""
    return cursor(moment.isoformat(), id)


def uncursor_at(text: str) -> tuple[datetime, str]:
    """Moment and id of a cursor. Raises BadCursor."""
    moment, id = uncursor(text, str, str)
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        raise BadCursor() from None
    if at.tzinfo is None or "\x00" in id:
        raise BadCursor()
    return at, id


async def titles(session: Session, listing_ids: Collection[str]) -> dict[str, Text]:
    """The titles of listings, those that have reached this center."""
    wanted = select(Candidate.listing_id, Candidate.snapshot["title"]).where(
        col(Candidate.listing_id).in_(set(listing_ids))
    )
    return {listing_id: Text.model_validate(title) for listing_id, title in (await session.exec(wanted)).all()}
