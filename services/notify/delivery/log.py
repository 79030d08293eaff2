"""The delivery log, and sending again what was sent or given up."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from services.notify.delivery.domain import NotAWebhookNotice
from services.notify.notice.content import event_name
from shared.db import Session, driver
from shared.errors import NotFound
from shared.http import Person

_LOG: Final = """
SELECT d.*, n.event_type, s.url, s.disabled_rule,
    (SELECT coalesce(jsonb_agg(to_jsonb(a) - 'notice_id' ORDER BY a.number), '[]') FROM attempt a
     WHERE a.notice_id = d.notice_id) AS log
FROM delivery d JOIN notice n ON n.id = d.notice_id JOIN subscription s ON s.id = d.subscription_id
WHERE n.owner = ANY($1::text[])
"""
_PAGE: Final = f"""{_LOG}
    AND ($2::text IS NULL OR d.subscription_id = $2) AND ($3::text IS NULL OR d.state = $3) AND d.n < $4
ORDER BY d.n DESC LIMIT $5
"""
_ONE: Final = f"{_LOG} AND d.notice_id = $2"
_FIND: Final = "SELECT channel FROM notice WHERE id = $1 AND owner = ANY($2::text[])"
_AGAIN: Final = """
UPDATE delivery SET state = 'pending', tries = 0, next_at = $2, leased_until = NULL, delivered_at = NULL
WHERE notice_id = $1
"""


class AttemptView(BaseModel):
    """One attempt. `status` is null where no answer came; then `error` says why."""

    number: int
    started_at: datetime
    duration_ms: int
    status: int | None
    error: str


class DeliveryView(BaseModel):
    """A delivery with every attempt. The id is the notice's, and the `webhook-id` it is sent with."""

    id: str
    subscription_id: str
    url: str
    event: str
    conversation: str
    state: str
    next_at: datetime | None
    delivered_at: datetime | None
    disabled_rule: str | None
    attempts: list[AttemptView]


async def page(
    session: Session, who: Person, subscription_id: str | None, state: str | None, before: int, limit: int
) -> tuple[list[DeliveryView], int | None]:
    """The caller's deliveries older than `before`, newest first, and where the next page goes on."""
    connection = await driver(session)
    rows = await connection.fetch(_PAGE, _owners(who), subscription_id, state, before, limit + 1)
    return [_view(row) for row in rows[:limit]], rows[limit - 1]["n"] if len(rows) > limit else None


async def resend(session: Session, who: Person, notice_id: str) -> DeliveryView:
    """Send a notice again, delivered or given up: same id, same body. Raises NotFound, NotAWebhookNotice."""
    connection = await driver(session)
    channel = await connection.fetchval(_FIND, notice_id, _owners(who))
    if channel is None:
        raise NotFound(what="delivery", id=notice_id)
    if channel != "webhook":
        raise NotAWebhookNotice(id=notice_id)
    await connection.execute(_AGAIN, notice_id, session.info["center"].now())
    return _view(await connection.fetchrow(_ONE, _owners(who), notice_id))


def _owners(who: Person) -> list[str]:
    return [who.id] if who.organisation_id is None else [who.id, who.organisation_id]


def _view(row: Any) -> DeliveryView:
    same = ("subscription_id", "url", "conversation", "state", "delivered_at", "disabled_rule")
    return DeliveryView(
        id=row["notice_id"],
        event=event_name(row["event_type"]),
        next_at=row["next_at"] if row["state"] == "pending" else None,
        attempts=row["log"],
        **{name: row[name] for name in same},
    )
