"""The record that halted a topic. It is still in Kafka, at or behind the stored position: nothing else keeps it."""

import asyncio
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
from aiokafka import TopicPartition

from ctta.cli.words import Exit, Failure
from shared.kafka import consumer
from shared.settings import Settings

READ_S: Final = 30.0

_ANNOUNCED: Final = """
SELECT convert_from(body, 'UTF8')::json ->> 'topic' AS topic FROM journal
WHERE type = 'ctta.runtime.event.parked.v1' AND key = $1::text ORDER BY n DESC LIMIT 1
"""
_POSITIONS: Final = "SELECT partition, next_offset FROM position WHERE grp = $1 AND topic = $2"


class Found(NamedTuple):
    """What of a record is needed to give it up."""

    source: str
    topic: str
    key: str
    sequence: int


async def record_of(settings: Settings, connection: asyncpg.Connection, group: str, event_id: UUID) -> Found:
    """Look for the record from the group's stored position on. Raises Failure when it is not there."""
    topic = await connection.fetchval(_ANNOUNCED, str(event_id))
    if topic is not None:
        starts = dict(await connection.fetch(_POSITIONS, group, topic))
        if (found := await _read(settings, topic, starts, str(event_id))) is not None:
            return found
    raise Failure(
        f"Event {event_id} is not to be found in Kafka from the position of {group} on: replay instead; if it halts "
        "again, drop it then.",
        f"在 Kafka 中从 {group} 的位置起找不到事件 {event_id}：请先重放（replay），若再次停止，再丢弃。",
        Exit.ENVIRONMENT,
    )


async def _read(settings: Settings, topic: str, starts: dict[int, int], event_id: str) -> Found | None:
    reader = consumer(settings)
    await reader.start()
    try:
        partitions = [TopicPartition(topic, number) for number in reader.partitions_for_topic(topic) or ()]
        reader.assign(partitions)
        for partition in partitions:
            reader.seek(partition, starts.get(partition.partition, 0))
        async with asyncio.timeout(READ_S):
            async for record in reader:
                headers = {name: value.decode() for name, value in record.headers if value is not None}
                if headers.get("ce_id") == event_id:
                    return Found(headers["ce_source"], topic, record.key.decode(), int(headers["ce_sequence"]))
    except TimeoutError:
        return None
    finally:
        await reader.stop()
    return None
