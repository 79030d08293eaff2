"""`/notify/story`: what happened, for the page."""

from typing import Annotated

from fastapi import Query

from services.notify.story import handlers
from services.notify.story.handlers import Reader, StepView
from services.notify.subscription.domain import STAFF
from shared.db import driver
from shared.errors import NotFound
from shared.http import Caller, Page, Person, Router, Tx
from shared.http.paging import BadCursor

router = Router(prefix="/notify", tags=["story"])


def reader(who: Person) -> Reader:
    """What somebody may read of the story."""
    return Reader(not who.roles.isdisjoint(STAFF), who.organisation_id)


def step_number(cursor: str) -> int:
    """The step a cursor names. Raises BadCursor."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise BadCursor()
    return int(cursor)


@router.get("/story")
async def story(
    tx: Tx,
    who: Caller,
    after: str | None = None,
    conversation: str | None = None,
    limit: Annotated[int, Query(ge=1, le=handlers.STEPS_MAX)] = 50,
) -> Page[StepView]:
    """What happened after `after`, in the order in which it became known here; without it, the newest steps.

    `next` is never null: ask again with it, or hand it to `/notify/stream`.
    """
    connection = await driver(tx)
    if after is None:
        steps = await handlers.newest(connection, reader(who), conversation, limit)
    else:
        steps = await handlers.after(connection, reader(who), step_number(after), conversation, limit)
    return Page(items=steps, next=steps[-1].cursor if steps else after or "0")


@router.get("/stories/{deal_id}")
async def deal_story(tx: Tx, who: Caller, deal_id: str) -> list[StepView]:
    """The whole story of one deal, from its listings to its last payment and notice, by the time things happened."""
    steps = await handlers.of_deal(await driver(tx), reader(who), deal_id)
    if steps is None:
        raise NotFound(what="deal", id=deal_id)
    return steps
