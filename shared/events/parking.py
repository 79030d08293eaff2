"""Giving an event up until somebody looks: parked behind its key, or its topic halted; both are announced."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg

from shared import metrics, telemetry
from shared.db.database import Session
from shared.events import held
from shared.events.incoming import Incoming
from shared.events.outbox import emit
from shared.schemas.runtime import EventParked

UNDECODABLE: Final = "undecodable"

log = telemetry.logger(__name__)


async def park(
    session: Session, connection: asyncpg.Connection, group: str, incoming: Incoming, rule: str, error: str
) -> None:
    """Park a new event; what comes after it on its key queues behind it."""
    now = session.info["center"].now()
    await held.hold(connection, group, incoming, state="parked", rule=rule, error=error, now=now)
    announce(session, group, named(incoming), rule)
    metrics.count("ctta.events.parked", group=group, rule=rule)
    log.error(
        "event.parked", group=group, rule=rule, why=error[:300], **{k: str(v) for k, v in named(incoming).items()}
    )


async def halt(connection: asyncpg.Connection, group: str, topic: str, id: UUID, rule: str, error: str) -> None:
    """Note that the group reads `topic` no further until it is resumed."""
    await connection.execute(
        "INSERT INTO halted (grp, topic, id, rule, error) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (grp, topic) DO UPDATE SET id = excluded.id, rule = excluded.rule, error = excluded.error",
        group, topic, id, rule, error[:2000],
    )  # fmt: skip
    metrics.count("ctta.events.halted", group=group, rule=rule)
    log.error(
        "topic.halted", group=group, topic=topic, rule=rule, why=error[:300], do="ctta dlq list; then replay or drop"
    )


def named(incoming: Incoming) -> Mapping[str, Any]:
    """What an announcement says of an event, under the names of table `held`."""
    e = incoming.envelope
    return {"id": e.id, "source": e.source, "type": e.type, "topic": e.topic, "key": e.key}


def announce(session: Session, group: str, event: Mapping[str, Any], rule: str, *, halted: bool = False) -> None:
    """Tell the center's own operators. Each time is news: the id of the announcement derives from nothing."""
    emit(
        session,
        EventParked(
            event_id=str(event["id"]), group=group, source=event["source"], event_type=event["type"],
            topic=event["topic"], key=event["key"], rule=rule, halted=halted,
        ),
    )  # fmt: skip
