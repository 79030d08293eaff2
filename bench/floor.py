"""The floor under the bus: raw aiokafka and asyncpg over the same tables, unsigned, unvalidated; and the servers."""

import asyncio
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.ids import new_uuid

TOPIC: Final = "ctta.beijing.listing"
BODY: Final = b"x" * 500
GROUP: Final = "floor"
BATCH: Final = 500


@contextmanager
def servers(folder: Path) -> Iterator[tuple[str, str, str]]:
    """(bootstrap, PostgreSQL URL, what it is): those the environment names, else private ones."""
    from ctta.embedded import EmbeddedPostgres

    named = os.environ.get("CTTA_TEST_KAFKA"), os.environ.get("CTTA_TEST_POSTGRES")
    if named[0] and named[1]:
        yield named[0], named[1], "the servers of the environment"
        return
    from tests.servers.kafka import ApacheKafka

    kafka, postgres = ApacheKafka(folder / "kafka"), EmbeddedPostgres(folder / "pg")
    try:
        kafka.start()
        postgres.start()
        yield kafka.bootstrap, postgres.url, "Apache Kafka 4.3 and PostgreSQL 18"
    finally:
        kafka.close()
        postgres.stop()


def measure(spec: dict[str, Any], count: int, per_transaction: int, writers: int) -> float:
    """Events per second of the raw path, one process per side."""
    context = multiprocessing.get_context("spawn")
    times = context.Queue()
    sides = [
        context.Process(target=_run, args=(_receive, spec, count, times), daemon=True),
        context.Process(target=_run, args=(_send, spec, count, times, per_transaction, writers), daemon=True),
    ]
    sides[0].start()
    assert times.get(timeout=60) == "ready"
    sides[1].start()
    moments = dict(times.get(timeout=300) for _ in range(2))
    for side in sides:
        side.join(30)
    return count / float(moments["last"] - moments["began"])


def _run(work: Any, *arguments: Any) -> None:
    uvloop.run(work(*arguments))


async def _send(spec: dict[str, Any], count: int, times: Any, per_transaction: int, writers: int) -> None:
    pool = await asyncpg.create_pool(f"{spec['postgres']}/ctta_beijing_listing", min_size=writers + 1)
    producer = AIOKafkaProducer(
        bootstrap_servers=spec["kafka"], acks="all", enable_idempotence=True, max_batch_size=256 * 1024
    )
    await producer.start()
    began = time.time()
    relay = asyncio.create_task(_relay(pool, producer, count))
    await asyncio.gather(*(_write(pool, count // writers, per_transaction) for _ in range(writers)))
    await relay
    times.put(("began", began))
    await producer.stop()
    await pool.close()


async def _write(pool: asyncpg.Pool, count: int, per_transaction: int) -> None:
    headers = orjson.dumps(
        {"ce_specversion": "1.0", "ce_type": "floor", "ce_source": "/centers/beijing/listing"}
    ).decode()
    for _ in range(count // per_transaction):
        ids = [new_uuid() for _ in range(per_transaction)]
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO journal (lane, id, type, topic, key, sequence, headers, body)"
                " SELECT 0, i, 'floor', $2, i::text, 1, $3, $4 FROM unnest($1::uuid[]) AS i",
                ids, TOPIC, headers, BODY,
            )  # fmt: skip


async def _relay(pool: asyncpg.Pool, producer: AIOKafkaProducer, count: int) -> None:
    sent = 0
    while sent < count:
        rows = await pool.fetch(
            'SELECT day, n, id, topic, key, headers, body FROM journal WHERE "offset" IS NULL ORDER BY n LIMIT $1',
            BATCH,
        )
        if not rows:
            await asyncio.sleep(0.005)
            continue
        flights = []
        for row in rows:
            headers = [(k, v.encode()) for k, v in orjson.loads(row["headers"]).items()] + [("ce_id", row["id"].bytes)]
            flights.append(await producer.send(row["topic"], row["body"], key=row["key"].encode(), headers=headers))
        places = await asyncio.gather(*flights)
        await pool.execute(
            'UPDATE journal SET partition = a.p, "offset" = a.o'
            " FROM unnest($1::date[], $2::bigint[], $3::int[], $4::bigint[]) AS a (d, n, p, o)"
            " WHERE journal.day = a.d AND journal.n = a.n",
            [r["day"] for r in rows], [r["n"] for r in rows],
            [p.partition for p in places], [p.offset for p in places],
        )  # fmt: skip
        sent += len(rows)


async def _receive(spec: dict[str, Any], count: int, times: Any) -> None:
    connection = await asyncpg.connect(f"{spec['postgres']}/ctta_east_matching")
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=spec["kafka"], group_id=GROUP, auto_offset_reset="latest", enable_auto_commit=False
    )
    await consumer.start()
    for partition in consumer.assignment():
        await consumer.position(partition)
    times.put("ready")
    done = 0
    while done < count:
        batch = await consumer.getmany(timeout_ms=100, max_records=BATCH)
        records = [record for part in batch.values() for record in part]
        if records:
            done += len(records)
            await _apply(connection, records)
    times.put(("last", time.time()))
    await consumer.stop()
    await connection.close()


async def _apply(connection: asyncpg.Connection, records: list[Any]) -> None:
    ids = [UUID(bytes=dict(record.headers)["ce_id"]) for record in records]
    ends = {(record.topic, record.partition): record.offset + 1 for record in records}
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO inbox (grp, source, id) SELECT $1, '/centers/beijing/listing', i FROM unnest($2::uuid[]) AS i"
            " ON CONFLICT DO NOTHING",
            GROUP, ids,
        )  # fmt: skip
        await connection.execute("INSERT INTO effect (id) SELECT * FROM unnest($1::uuid[])", ids)
        await connection.execute(
            "INSERT INTO position AS p (grp, topic, partition, log, next_offset)"
            " SELECT $1, t, p, 'log', o FROM unnest($2::text[], $3::int[], $4::bigint[]) AS a (t, p, o)"
            " ON CONFLICT (grp, topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
            GROUP, [t for t, _ in ends], [p for _, p in ends], list(ends.values()),
        )  # fmt: skip
