"""From a batch of events to notices, and the inbox."""

from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.notify.story import domain as story
from services.notify.subscription.handlers import Heard, Met, meets
from shared.db import Session, driver
from shared.errors import NotYet
from shared.events import Received, emit
from shared.ids import derived_id
from shared.schemas.base import Event
from shared.schemas.notify import NoticeDelivered, SubscriptionDisabled

_CONCERNED: Final = """
SELECT id, kind, organisations,
    CASE kind WHEN 'deal' THEN ARRAY[center, links->>'seller_center'] ELSE '{}' END AS parties
FROM subject WHERE id = ANY($1::text[])
"""
_NOTIFY: Final = """
INSERT INTO notice (id, subscription_id, owner, channel, event_id, event_type, at, center, subject, conversation, ids,
    facts, traceparent)
SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (id text, subscription_id text, owner text, channel text,
    event_id uuid, event_type text, at timestamptz, center text, subject text, conversation text, ids jsonb,
    facts jsonb, traceparent text)
ON CONFLICT (id) DO NOTHING
"""
_TELL_OWNER: Final = """
INSERT INTO notice (id, subscription_id, owner, channel, event_id, event_type, at, center, subject, conversation, ids,
    facts)
SELECT $1, id, owner, 'inbox', $2, $3, $4, $5, id, id, '{}', $6 FROM subscription WHERE id = $7
"""
_DISPATCH: Final = """
INSERT INTO delivery (notice_id, subscription_id, conversation, next_at)
SELECT id, subscription_id, conversation, $2 FROM notice WHERE id = ANY($1::text[]) ORDER BY n
ON CONFLICT DO NOTHING
"""


class About(NamedTuple):
    """What is known of an id that an event concerns. `parties`: the centers of a deal."""

    kind: str
    organisations: list[str]
    parties: list[str]


async def notify(session: Session, received: list[Received[Event]]) -> None:
    """Tell a batch of events to whom it may concern: notices, deliveries, and for the inbox at once that they arrived.

    Raises SpeaksForAnother; NotYet, where a subscriber's right hangs on a deal, interest or listing not known here yet.
    """
    connection = await driver(session)
    for item in received:
        story.check_speaker(item.event, item.cause)
    about = await _about(connection, received)
    told = [item for item in received if _is_party(item, about)]
    heard = [_heard(n, item, about) for n, item in enumerate(told)]
    met = await meets(connection, heard) if heard else []
    for one in met:
        if not one.may:
            raise NotYet(_missing(told[one.n].event, about)[0])
    await _store(session, connection, [(told[one.n], one) for one in met])


async def tell_owner(session: Session, event: SubscriptionDisabled) -> None:
    """Announce that a webhook was disabled, and tell its owner in the inbox."""
    center = session.info["center"]
    event_id = emit(session, event)
    id, facts = derived_id("ntc", event_id, event.subscription_id), orjson.dumps(story.facts(event)).decode()
    await (await driver(session)).execute(
        _TELL_OWNER, id, event_id, event.type, center.now(), center.id, facts, event.subscription_id
    )


async def _about(connection: asyncpg.Connection, received: list[Received[Event]]) -> dict[str, About]:
    ids = {id for item in received for id in (*story.concerned(item.event), *story.ids(item.event).values())}
    rows = await connection.fetch(_CONCERNED, sorted(ids))
    return {row["id"]: About(row["kind"], row["organisations"], row["parties"]) for row in rows}


def _is_party(item: Received[Event], about: dict[str, About]) -> bool:
    """Of a deal that is known, its two centers are heard alone."""
    deal = about.get(getattr(item.event, "deal_id", ""))
    return deal is None or item.cause.center in deal.parties


def _missing(event: Event, about: dict[str, About]) -> list[str]:
    """Ids that the event concerns and nobody told us of yet; an organisation's id speaks for itself."""
    return [id for id in story.concerned(event) if id not in about and not id.startswith("org_")]


def _heard(n: int, item: Received[Event], about: dict[str, About]) -> Heard:
    event = item.event
    concerned, ids = story.concerned(event), story.ids(event)
    organisations = {org for id in concerned for org in (about[id].organisations if id in about else [id])}
    kinds = {about[id].kind for id in ids.values() if id in about}
    kinds |= {getattr(event, name, "") for name in ("kind", "offer_kind")}
    return Heard(
        n=n,
        name=event.event_name,
        open=story.is_open(event),
        known=not _missing(event, about),
        kinds=sorted(kinds - {"", "deal", "interest", "organisation"}),
        centers=story.centers(event, item.cause),
        deal_id=ids.get("deal_id"),
        organisations=sorted(organisations),
    )


async def _store(session: Session, connection: asyncpg.Connection, met: list[tuple[Received[Event], Met]]) -> None:
    if not met:
        return
    contexts: dict[UUID, tuple[str, str]] = session.info["outbox"].contexts
    facts = {n: _facts(item, contexts) for n, item in {one.n: item for item, one in met}.items()}
    rows = [_row(item, one) | facts[one.n] for item, one in met]
    await connection.execute(_NOTIFY, orjson.dumps(rows).decode())
    webhooks = [row["id"] for row in rows if row["channel"] == "webhook"]
    if webhooks:
        await connection.execute(_DISPATCH, webhooks, session.info["center"].now())
    for (item, one), row in zip(met, rows, strict=True):
        if one.channel == "inbox":
            arrived = NoticeDelivered(
                notice_id=row["id"], subscription_id=one.subscription_id, channel="inbox",
                about=item.event.conversation, event_type=item.cause.type, attempts=1,
            )  # fmt: skip
            emit(session, arrived, cause=item.cause)


def _facts(item: Received[Event], contexts: dict[UUID, tuple[str, str]]) -> dict[str, Any]:
    """What all notices of one event have in common."""
    event, cause = item.event, item.cause
    traceparent, _ = contexts.get(cause.id, (cause.traceparent, ""))
    return {
        "event_id": cause.id,
        "event_type": cause.type,
        "at": cause.time,
        "center": cause.center,
        "subject": event.subject,
        "conversation": event.conversation,
        "ids": story.ids(event),
        "facts": story.facts(event),
        "traceparent": traceparent,
    }


def _row(item: Received[Event], one: Met) -> dict[str, Any]:
    return {
        "id": derived_id("ntc", item.cause.id, f"{item.cause.source} {one.subscription_id}"),
        "subscription_id": one.subscription_id,
        "owner": one.owner,
        "channel": one.channel,
    }
