"""`/notify/deliveries`: the log of webhooks, sending again, and the key they are signed with."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel

from services.notify.delivery import log
from services.notify.delivery.log import DeliveryView
from services.notify.delivery.signing import public_text
from shared.http import Caller, Page, Router, Tx, cursor, uncursor
from shared.http.paging import BadCursor

router = Router(prefix="/notify", tags=["delivery"])

NEWEST = 2**62


class WebhookKey(BaseModel):
    """The public key of this center's webhooks. `kid` is its name in the alliance's directory."""

    kid: str
    alg: str
    key: str


@router.get("/deliveries")
async def deliveries(
    tx: Tx,
    who: Caller,
    subscription_id: str | None = None,
    state: Literal["pending", "delivered", "exhausted"] | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[DeliveryView]:
    """Deliveries to the caller's webhooks with every attempt, newest first."""
    before = uncursor(after, int)[0] if after else NEWEST
    if not 0 <= before <= NEWEST:
        raise BadCursor()
    items, last = await log.page(tx, who, subscription_id, state, before, limit)
    return Page(items=items, next=cursor(last) if last is not None else None)


@router.post("/deliveries/{notice_id}/resend", status_code=202)
async def resend(tx: Tx, who: Caller, notice_id: str) -> DeliveryView:
    """Send a notice again: same `webhook-id`, same body, a new timestamp and signature."""
    return await log.resend(tx, who, notice_id)


@router.get("/webhook-key")
async def webhook_key(tx: Tx) -> WebhookKey:
    """The key that verifies `v1a` signatures of this center; needs no token."""
    key = tx.info["center"].keyring.signing_key
    return WebhookKey(kid=key.kid, alg=key.alg, key=public_text(key))
