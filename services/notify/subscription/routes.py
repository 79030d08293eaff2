"""`/notify/subscriptions`: who hears of what."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from services.notify.delivery.signing import secret_text
from services.notify.subscription import handlers
from services.notify.subscription.handlers import Wish
from services.notify.subscription.tables import Subscription
from shared.http import Caller, Page, Router, Tx, cursor, uncursor
from shared.schemas.base import CenterId

router = Router(prefix="/notify/subscriptions", tags=["subscription"])

Word = Annotated[str, Field(max_length=80)]


class NewSubscription(BaseModel):
    """What somebody wants to hear of. Empty lists mean: all."""

    model_config = ConfigDict(extra="forbid")
    channel: Literal["inbox", "webhook"]
    url: str | None = Field(None, description="where a webhook is sent; https://")
    events: list[Word] = Field(default=[], max_length=50, description="event names, such as milestone.released")
    kinds: list[Word] = Field(default=[], max_length=20, description="kinds of listing, such as technology")
    centers: list[CenterId] = Field(default=[], max_length=50, description="centers that take part")
    deal_id: Word | None = Field(None, description="one deal alone")
    in_order: bool = Field(False, description="a webhook's notices of one deal arrive one after the other")
    shared: bool = Field(False, description="for everybody of the caller's organisation")


class SubscriptionView(BaseModel):
    """A subscription. `disabled_rule` says why deliveries to a webhook were stopped."""

    id: str
    channel: str
    url: str | None
    events: list[str]
    kinds: list[str]
    centers: list[str]
    deal_id: str | None
    in_order: bool
    shared: bool
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_rule: str | None


class CreatedSubscription(SubscriptionView):
    """A new subscription. `secret` is the webhook's (`whsec_...`): it is shown this once."""

    secret: str | None


def _view(row: Subscription) -> SubscriptionView:
    names = SubscriptionView.model_fields.keys() - {"shared"}
    return SubscriptionView(shared=row.owner == row.organisation_id, **{name: getattr(row, name) for name in names})


@router.post("", status_code=201)
async def subscribe(tx: Tx, who: Caller, body: NewSubscription) -> CreatedSubscription:
    """Subscribe. A webhook's secret is in this answer and nowhere else."""
    row = await handlers.subscribe(tx, who, Wish(**body.model_dump()))
    secret = secret_text(row.secret) if row.secret is not None else None
    return CreatedSubscription(secret=secret, **_view(row).model_dump())


@router.get("")
async def subscriptions(
    tx: Tx, who: Caller, after: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Page[SubscriptionView]:
    """The caller's subscriptions and those of their organisation, oldest first."""
    last = uncursor(after, str)[0] if after else ""
    rows = await handlers.owned(tx, who, last, limit + 1)
    following = cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=[_view(row) for row in rows[:limit]], next=following)


@router.get("/{subscription_id}")
async def subscription(tx: Tx, who: Caller, subscription_id: str) -> SubscriptionView:
    """One of them."""
    return _view(await handlers.one(tx, who, subscription_id))


@router.delete("/{subscription_id}", status_code=204)
async def cancel(tx: Tx, who: Caller, subscription_id: str) -> None:
    """Hear no more: the subscription goes with its notices and its delivery log."""
    await handlers.cancel(tx, who, subscription_id)


@router.post("/{subscription_id}/enable")
async def enable(tx: Tx, who: Caller, subscription_id: str) -> SubscriptionView:
    """Start deliveries to a disabled webhook again; what waited goes on."""
    return _view(await handlers.enable(tx, who, subscription_id))
