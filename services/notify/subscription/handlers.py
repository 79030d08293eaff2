"""Subscribing, and which subscriptions a batch of events meets."""

import secrets
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import asyncpg
import orjson
from sqlalchemy import func, or_
from sqlmodel import col, select

from services.notify.delivery.signing import SECRET_BYTES
from services.notify.story.sentences import NAMES
from services.notify.subscription import domain
from services.notify.subscription.tables import Subscription
from shared.db import Session
from shared.errors import NotFound
from shared.http import Person
from shared.ids import new_id

_MEETS: Final = """
SELECT e.n, s.id, s.owner, s.channel,
    (e.open OR s.is_staff OR coalesce(s.organisation_id = ANY(e.organisations), false)) AS may
FROM jsonb_to_recordset($1::jsonb) AS e (n int, name text, open boolean, known boolean, kinds text[], centers text[],
    deal_id text, organisations text[])
JOIN subscription s ON (s.events = '{}' OR e.name = ANY(s.events))
    AND (s.kinds = '{}' OR s.kinds && e.kinds)
    AND (s.centers = '{}' OR s.centers && e.centers)
    AND (s.deal_id IS NULL OR s.deal_id = e.deal_id)
    AND (e.open OR s.is_staff OR s.organisation_id = ANY(e.organisations)
        OR (s.organisation_id IS NOT NULL AND NOT e.known))
ORDER BY e.n, s.id
FOR KEY SHARE OF s
"""


class Wish(NamedTuple):
    """What somebody wants to hear of. Empty tuples mean: all. `shared`: for everybody of the organisation."""

    channel: str
    url: str | None = None
    events: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    centers: tuple[str, ...] = ()
    deal_id: str | None = None
    in_order: bool = False
    shared: bool = False


class Heard(NamedTuple):
    """What of an event decides who hears of it. `known`: whether all organisations it concerns are known here."""

    n: int
    name: str
    open: bool
    known: bool
    kinds: list[str]
    centers: list[str]
    deal_id: str | None
    organisations: list[str]


class Met(NamedTuple):
    """Event `n` of a batch meets a subscription; `may` is false where only an unknown organisation could decide it."""

    n: int
    subscription_id: str
    owner: str
    channel: str
    may: bool


async def subscribe(session: Session, who: Person, wish: Wish) -> Subscription:
    """Store a subscription; a webhook gets its secret. Raises UnknownEvent, WebhookUrlRefused, PrivateNetwork,
    NoOrganisation, TooManySubscriptions."""
    center = session.info["center"]
    domain.check_events(wish.events, NAMES)
    domain.check_channel(wish.channel, wish.url)
    if wish.url is not None:
        domain.check_url(wish.url, private_ok=center.settings.webhook_private)
    owner = domain.owner_of(who.id, who.organisation_id, shared=wish.shared)
    count = await session.scalar(select(func.count()).select_from(Subscription).where(col(Subscription.owner) == owner))
    domain.check_count(count or 0)
    subscription = Subscription(
        id=new_id("sub"),
        owner=owner,
        organisation_id=who.organisation_id,
        is_staff=not wish.shared and not who.roles.isdisjoint(domain.STAFF),
        channel=wish.channel,
        events=list(wish.events),
        kinds=list(wish.kinds),
        centers=list(wish.centers),
        deal_id=wish.deal_id,
        created_at=center.now(),
        url=wish.url,
        secret=secrets.token_bytes(SECRET_BYTES) if wish.url is not None else None,
        in_order=wish.in_order,
    )
    session.add(subscription)
    return subscription


async def owned(session: Session, who: Person, after: str, limit: int) -> Sequence[Subscription]:
    """The caller's subscriptions with an id beyond `after`, those of their organisation included."""
    mine = select(Subscription).where(_is_theirs(who), col(Subscription.id) > after)
    return (await session.exec(mine.order_by(col(Subscription.id)).limit(limit))).all()


async def one(session: Session, who: Person, subscription_id: str, *, lock: bool = False) -> Subscription:
    """One of the caller's subscriptions. Raises NotFound."""
    query = select(Subscription).where(_is_theirs(who), col(Subscription.id) == subscription_id)
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound(what="subscription", id=subscription_id)
    return found


async def cancel(session: Session, who: Person, subscription_id: str) -> None:
    """Delete a subscription with its notices and deliveries. Raises NotFound."""
    await session.delete(await one(session, who, subscription_id, lock=True))


async def enable(session: Session, who: Person, subscription_id: str) -> Subscription:
    """Start deliveries to a disabled webhook again; what waited goes on. Raises NotFound, NotAWebhook."""
    subscription = await one(session, who, subscription_id, lock=True)
    if subscription.url is None:
        raise domain.NotAWebhook(id=subscription_id)
    subscription.disabled_at = subscription.disabled_rule = subscription.failing_since = subscription.paused_until = (
        None
    )
    session.add(subscription)
    return subscription


async def meets(connection: asyncpg.Connection, heard: list[Heard]) -> list[Met]:
    """Which subscriptions each event of a batch meets: one query, whatever the size of the batch."""
    rows = await connection.fetch(_MEETS, orjson.dumps([one._asdict() for one in heard]).decode())
    return [Met(*row) for row in rows]


def _is_theirs(who: Person) -> Any:
    mine = col(Subscription.owner) == who.id
    return mine if who.organisation_id is None else or_(mine, col(Subscription.owner) == who.organisation_id)
