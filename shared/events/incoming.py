"""One record at the door: is it ours to read, authentic, whole? What is not is refused, counted, and parks nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from aiokafka import ConsumerRecord
from pydantic import ValidationError

from shared.center import Center
from shared.events.outbox import SEALED
from shared.schemas.base import CATALOGUE, Envelope, Event, Scope
from shared.topics.naming import TopicName, read_topic
from shared.topics.plan import RECORD_BYTES_MAX
from shared.trust import NotForUs, SealBroken, Untrusted, open_sealed, verify

REQUIRED: Final = ("ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_sequence", "ce_conversation")
SEQUENCE_DIGITS_MAX: Final = 18
ATTRIBUTE_BYTES_MAX: Final = 1000
"""Longest key and `ce_` attribute: both end in indexed columns, and a B-tree of PostgreSQL takes about 2,700 bytes."""
SUFFIX: Final = {
    Scope.ALLIANCE: {""},
    Scope.STATE: {"state"},
    Scope.BILATERAL: {"to", "own"},
    Scope.OWN: {"own"},
    Scope.DLQ: {"dlq"},
    Scope.DIRECTORY: {""},
}


class AtTheDoor(Untrusted):
    """A record that is refused before its signature is looked at."""


class Oversized(AtTheDoor):
    """Larger than any event may be."""

    rule = "record.oversized"
    en = "A record on {topic} has {size} bytes, more than the {limit} an event may have."
    zh = "主题 {topic} 上的一条记录有 {size} 字节，超过事件上限 {limit} 字节。"


class Malformed(AtTheDoor):
    """Not a CloudEvents 1.0 record in Kafka binary mode."""

    rule = "record.malformed"
    en = "A record on {topic} is no CloudEvent: {why}."
    zh = "主题 {topic} 上的一条记录不是 CloudEvents 事件：{why}。"


class Misaddressed(AtTheDoor):
    """Authentic perhaps, but on a topic that such an event does not travel on."""

    rule = "record.misaddressed"
    en = "An event {type} does not belong on topic {topic}."
    zh = "事件 {type} 不属于主题 {topic}。"


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as it is kept where it must wait: topic, place, headers and body as they came."""

    topic: str
    partition: int
    offset: int
    key: bytes
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """An authentic record. `event` is None where its body can't be read (`problem` says why): such a one parks."""

    envelope: Envelope
    raw: Raw
    event: Event | None
    problem: str = ""

    @property
    def slot(self) -> tuple[str, str]:
        """What order is kept within: topic and key."""
        return self.envelope.topic, self.envelope.key

    @property
    def topic(self) -> str:
        """Where it came from."""
        return self.raw.topic

    @property
    def partition(self) -> int:
        """Where it came from."""
        return self.raw.partition

    @property
    def offset(self) -> int:
        """Where it came from."""
        return self.raw.offset


@dataclass(frozen=True, slots=True)
class Passed:
    """A record of a type the noun has no handler for. Its number counts, so that no gap is seen behind it.

    Its signature is not looked at: all it can do is to hide a gap within its own topic and key.
    """

    topic: str
    key: str
    partition: int
    offset: int
    sequence: int

    @property
    def slot(self) -> tuple[str, str]:
        """Topic and key."""
        return self.topic, self.key


Arrived = Incoming | Passed


def passed(raw: Raw) -> Passed | None:
    """The number of a record that is not read further; snapshots are not numbered for this."""
    sequence = raw.headers.get("ce_sequence", "")
    topic = read_topic(raw.topic)
    if topic is None or topic.suffix == "state" or not (sequence.isascii() and sequence.isdecimal()):
        return None
    if len(sequence) > SEQUENCE_DIGITS_MAX:
        return None
    return Passed(raw.topic, raw.key.decode(errors="replace"), raw.partition, raw.offset, int(sequence))


def read_raw(record: "ConsumerRecord[Any, Any]") -> Raw:
    """The record with its headers as text. Raises Oversized, Malformed."""
    body, key = record.value or b"", record.key or b""
    _check_storable(record.topic, "key", key)
    if len(body) > RECORD_BYTES_MAX:
        raise Oversized(topic=record.topic, size=len(body), limit=RECORD_BYTES_MAX)
    headers: dict[str, str] = {}
    for name, value in record.headers:
        if name in headers and name.startswith("ce_"):
            raise Malformed(topic=record.topic, why=f"header {name} stands twice")
        if value is None:
            if name.startswith("ce_"):
                raise Malformed(topic=record.topic, why=f"header {name} is null")
            continue
        try:
            if name.startswith("ce_"):
                _check_storable(record.topic, name, value)
            headers[name] = value.decode()
        except UnicodeDecodeError:
            raise Malformed(topic=record.topic, why=f"header {name} is no UTF-8") from None
    return Raw(record.topic, record.partition, record.offset, key, headers, body)


def _check_storable(topic: str, name: str, value: bytes) -> None:
    if b"\0" in value or len(value) > ATTRIBUTE_BYTES_MAX:
        raise Malformed(topic=topic, why=f"{name} has a zero byte or more than {ATTRIBUTE_BYTES_MAX} bytes")


def read(center: Center, raw: Raw) -> Incoming:
    """Verify, open and decode. Raises an `Untrusted` for whatever is refused at the door."""
    topic = read_topic(raw.topic)
    if topic is None:
        raise Misaddressed(type=raw.headers.get("ce_type", "-"), topic=raw.topic)
    event_type = CATALOGUE[raw.headers["ce_type"]]
    verify(center.directory, topic=raw.topic, key=raw.key, headers=raw.headers, body=raw.body, now=center.now())
    envelope = read_envelope(raw)
    _check_address(event_type, envelope, topic, center)
    try:
        body = _opened(center, raw, envelope, topic)
        event = event_type.__pydantic_validator__.validate_json(body)
        if event.subject != envelope.subject:
            return Incoming(envelope, raw, None, "undecodable: ce_subject and body name different aggregates")
    except Untrusted:
        raise
    except (NotForUs, SealBroken) as error:
        return Incoming(envelope, raw, None, f"{error.rule}: {error}")
    except ValidationError as error:
        where = orjson.dumps(error.errors(include_url=False, include_input=False, include_context=False)).decode()
        return Incoming(envelope, raw, None, f"undecodable: {where[:500]}")
    except Exception as error:  # whatever an authentic body provokes: it parks, and does not stop the partition
        return Incoming(envelope, raw, None, f"undecodable: {error!r}"[:500])
    return Incoming(envelope, raw, event)


def read_envelope(raw: Raw) -> Envelope:
    """The envelope from verified headers. Raises Malformed."""
    headers = raw.headers
    missing = [name for name in REQUIRED if not headers.get(name)]
    if missing:
        raise Malformed(topic=raw.topic, why=f"header {missing[0]} is missing")
    try:
        return Envelope(
            id=UUID(headers["ce_id"]),
            source=headers["ce_source"],
            type=headers["ce_type"],
            time=datetime.fromisoformat(headers["ce_time"]),
            subject=headers["ce_subject"],
            key=raw.key.decode(),
            sequence=_number(headers["ce_sequence"]),
            conversation=headers["ce_conversation"],
            topic=raw.topic,
            partition=raw.partition,
            offset=raw.offset,
            traceparent=headers.get("traceparent"),
            tracestate=headers.get("tracestate"),
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise Malformed(topic=raw.topic, why=str(error)[:200]) from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= SEQUENCE_DIGITS_MAX):
        raise ValueError("ce_sequence is no number")
    return int(text)


def _check_address(event_type: type[Event], envelope: Envelope, topic: TopicName, center: Center) -> None:
    right_service = event_type.service in (topic.service, "runtime")
    right_reader = topic.suffix != "to" or center.id in (topic.peer, topic.center)
    if not (right_service and right_reader and topic.suffix in SUFFIX[event_type.scope]):
        raise Misaddressed(type=envelope.type, topic=envelope.topic)


def _opened(center: Center, raw: Raw, envelope: Envelope, topic: TopicName) -> bytes:
    if topic.suffix != "to":
        return raw.body
    if raw.headers.get("content-type") != SEALED:
        raise Malformed(topic=raw.topic, why="a body between two centers must be sealed")
    return open_sealed(
        raw.body, source=envelope.source, id=str(envelope.id), audience=topic.peer, keyring=center.keyring
    )
