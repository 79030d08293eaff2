"""`emit`: announcing is inserting. Events are buffered in the transaction and written to the journal at its end."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zlib import crc32

import asyncpg
import orjson

from shared import telemetry
from shared.errors import Refused
from shared.ids import derived_uuid, new_uuid
from shared.schemas.base import CATALOGUE, Envelope, Event, Scope
from shared.topics.naming import DIRECTORY_SERVICE, topic_for
from shared.topics.plan import RECORD_BYTES_MAX
from shared.trust import NoSealKey, load_keyring, seal, sign

if TYPE_CHECKING:
    from sqlmodel.ext.asyncio.session import AsyncSession as Session

    from shared.center import Center

LANES: Final = 8
JSON: Final = "application/json"
SEALED: Final = "application/jose+json"


class EventTooLarge(Refused):
    """The body would exceed what a broker and its mirrors carry."""

    rule = "event-too-large"
    status = 413
    en = "The event {type} has {size} bytes; at most {limit} can be announced. Shorten the texts."
    zh = "事件 {type} 有 {size} 字节，最多可发布 {limit} 字节，请缩短文本。"


class PeerWithoutKey(Refused):
    """What is said to a peer is sealed to its key; the directory lists none in force."""

    rule = "peer-without-key"
    status = 409
    en = "Center {center} has no seal key in the directory that is valid now: nothing can be said to it."
    zh = "联盟目录中没有中心 {center} 当前有效的密封密钥，无法向其发送消息。"


@dataclass(frozen=True, slots=True)
class Pending:
    """An announced event on its way into the journal."""

    id: UUID
    event: Event
    topic: str
    time: datetime
    traceparent: str
    tracestate: str


class Outbox:
    """What one transaction announces, in order. `closed` ones (projections) refuse, but for the runtime's own events.

    `noun` is set where a consumer group is at work: two groups may react to one event with the same type.
    """

    def __init__(self, center: "Center", *, closed: bool = False) -> None:
        self.center = center
        self.closed = closed
        self.noun = ""
        self.cause: Envelope | None = None
        self.pending: list[Pending] = []
        self.contexts: dict[UUID, tuple[str, str]] = {}
        self._caused: Counter[tuple[str, UUID]] = Counter()

    def __bool__(self) -> bool:
        return bool(self.pending)

    def add(self, event: Event, cause: Envelope | None) -> UUID:
        """Buffer one event. A reaction's ids derive from their cause, so a repeat says the same thing."""
        if self.closed and event.service != "runtime":
            raise TypeError(f"a projection may not emit {event.type}: make the noun a reaction")
        if event.service not in (self.center.service, "runtime", "directory"):
            raise TypeError(f"{event.type} is announced by {event.service}, not by {self.center.service}")
        cause = cause or self.cause
        if cause is None:
            id = new_uuid()
        else:
            told = self._caused[(cause.source, cause.id)]
            id = derived_uuid(cause.id, f"{self.center.service}/{self.noun}/{cause.source}/{event.type}/{told}")
            self._caused[(cause.source, cause.id)] += 1
        context = self.contexts.get(cause.id) if cause else None
        traceparent, tracestate = context or telemetry.current_context()
        topic = topic_for(event, self.center.id, self.center.service)
        self.pending.append(Pending(id, event, topic, self.center.now(), traceparent, tracestate))
        return id

    async def write(self, connection: asyncpg.Connection) -> None:
        """Number, seal, sign and insert what is pending: two round trips, however many events."""
        records = await self._numbered(connection)
        await connection.execute(_INSERT, *(list(column) for column in zip(*records, strict=True)))

    async def _numbered(self, connection: asyncpg.Connection) -> list[tuple[Any, ...]]:
        wanted = Counter((pending.topic, pending.event.subject) for pending in self.pending)
        keys = sorted(wanted)
        rows = await connection.fetch(
            _SEQUENCES, [topic for topic, _ in keys], [key for _, key in keys], [wanted[key] for key in keys]
        )
        following = {(row["topic"], row["key"]): row["last"] - wanted[(row["topic"], row["key"])] for row in rows}
        records = []
        for pending in self.pending:
            slot = (pending.topic, pending.event.subject)
            following[slot] += 1
            records.append(record(self.center, pending, following[slot]))
        return records


_SEQUENCES: Final = """
INSERT INTO sequence_counter AS c (topic, key, last)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
ON CONFLICT (topic, key) DO UPDATE SET last = c.last + excluded.last
RETURNING topic, key, last
"""
_INSERT: Final = """
INSERT INTO journal (lane, id, type, topic, key, sequence, headers, body)
SELECT * FROM unnest(
    $1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::bytea[])
"""


def record(center: "Center", pending: Pending, sequence: int) -> tuple[Any, ...]:
    """The journal row: lane, id, type, topic, key, sequence, headers (JSON), body; sealed where bilateral, signed."""
    event, key = pending.event, pending.event.subject
    body = event.__pydantic_serializer__.to_json(event)
    content_type = JSON
    keyring = center.keyring
    if event.scope is Scope.DIRECTORY:
        keyring = load_keyring(center.settings.trust, center.id, DIRECTORY_SERVICE)
    source = keyring.source
    if event.scope is Scope.BILATERAL and (peer := str(getattr(event, "to"))) != center.id:  # noqa: B009
        content_type = SEALED
        directory = center.directory
        try:
            to = [directory.seal_key(each, pending.time) for each in (peer, center.id)]
        except NoSealKey as error:
            raise PeerWithoutKey(**error.facts) from error
        body = seal(body, source=source, id=str(pending.id), audience=peer, to=to)
    if len(body) > RECORD_BYTES_MAX:
        raise EventTooLarge(type=event.type, size=len(body), limit=RECORD_BYTES_MAX)
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(pending.id),
        "ce_source": source,
        "ce_type": event.type,
        "ce_time": pending.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "ce_subject": key,
        "ce_partitionkey": key,
        "ce_dataschema": f"urn:ctta:schema:{event.type}",
        "ce_sequence": str(sequence),
        "ce_conversation": event.conversation,
        "content-type": content_type,
    }
    headers["ce_signature"] = sign(
        keyring.signing_key, topic=pending.topic, key=key.encode(), headers=headers, body=body
    )
    if pending.traceparent:
        headers["traceparent"] = pending.traceparent
    if pending.tracestate:
        headers["tracestate"] = pending.tracestate
    lane = crc32(key.encode()) % LANES
    return (lane, pending.id, event.type, pending.topic, key, sequence, orjson.dumps(headers).decode(), body)


def emit(session: "Session", event: Event, cause: Envelope | None = None) -> UUID:
    """Announce a fact with the state it changes. Returns the event's id.

    Raises TypeError for an event of another service, one that is not in the catalogue, or from a projection.
    EventTooLarge and PeerWithoutKey are raised when the transaction ends.
    """
    if CATALOGUE.get(event.type) is not type(event):
        raise TypeError(f"{type(event).__name__} is not in the event catalogue")
    outbox: Outbox = session.info["outbox"]
    return outbox.add(event, cause)
