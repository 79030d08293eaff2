"""`/notify/inbox`: notices in the application itself."""

from typing import Annotated

from fastapi import Query

from services.notify.notice import inbox
from services.notify.notice.inbox import NoticeView
from shared.http import Caller, Page, Router, Tx, cursor, uncursor
from shared.http.paging import BadCursor

router = Router(prefix="/notify/inbox", tags=["notice"])


@router.get("")
async def notices(
    tx: Tx, who: Caller, after: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Page[NoticeView]:
    """The caller's notices and those of their organisation: unread first, newest first."""
    was_read, n = uncursor(after, bool, int) if after else inbox.FIRST
    if not 0 <= n <= inbox.FIRST[1]:
        raise BadCursor()
    items, last = await inbox.read(tx, who, (was_read, n), limit)
    return Page(items=items, next=cursor(*last) if last else None)


@router.post("/{notice_id}/read")
async def read(tx: Tx, who: Caller, notice_id: str) -> NoticeView:
    """Mark a notice as read."""
    return await inbox.mark_read(tx, who, notice_id)
