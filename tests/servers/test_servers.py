"""The test servers themselves: they produce and consume, break and come back, and clone databases."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ctta.embedded import metadata
from tests.conftest import Servers
from tests.servers.databases import Databases
from tests.servers.kafka import Broker

ANSWER_S = 30.0


def admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})


def create(bootstrap: str, topic: str) -> str:
    """Create a topic of three partitions; its id."""
    client = admin(bootstrap)
    client.create_topics([NewTopic(topic, 3, 1)])[topic].result(ANSWER_S)
    return topic_id(bootstrap, topic)


def topic_id(bootstrap: str, topic: str) -> str:
    client = admin(bootstrap)
    return str(client.describe_topics(TopicCollection([topic]))[topic].result(ANSWER_S).topic_id)


async def produce(bootstrap: str, topic: str, *bodies: bytes, real: bool) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=real)
    await producer.start()
    try:
        for body in bodies:
            await producer.send_and_wait(topic, body, key=b"deal-1")
    finally:
        await producer.stop()


async def consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"{topic}-readers",
        auto_offset_reset="earliest",
        session_timeout_ms=6000,
        heartbeat_interval_ms=1000,
    )
    await consumer.start()
    try:
        async with asyncio.timeout(ANSWER_S):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_shared_broker_produces_and_consumes(servers: Servers, unique: str) -> None:
    topic = f"servers-{unique}"
    await asyncio.to_thread(create, servers.kafka.bootstrap, topic)
    await produce(servers.kafka.bootstrap, topic, b"one", b"two", real=servers.kafka.real)
    assert await consume(servers.kafka.bootstrap, topic, 2) == [b"one", b"two"]


@pytest.mark.real_kafka
async def test_topics_are_not_made_by_naming_them(servers: Servers, unique: str) -> None:
    shown = await asyncio.to_thread(admin(servers.kafka.bootstrap).list_topics, f"absent-{unique}", ANSWER_S)
    assert shown.topics[f"absent-{unique}"].error is not None


@pytest.mark.real_kafka
async def test_private_broker_keeps_its_records_across_sigkill(kafka_factory: Callable[..., Broker]) -> None:
    broker = await asyncio.to_thread(kafka_factory)
    cluster_id, bootstrap = broker.cluster_id, broker.bootstrap
    before = await asyncio.to_thread(create, bootstrap, "kept")
    await produce(bootstrap, "kept", b"one", real=broker.real)
    broker.kill()
    await asyncio.to_thread(broker.restart)
    assert (broker.cluster_id, broker.bootstrap) == (cluster_id, bootstrap)
    assert await asyncio.to_thread(topic_id, bootstrap, "kept") == before
    assert await consume(bootstrap, "kept", 1) == [b"one"]


async def test_replaced_broker_is_empty_on_the_same_port(kafka_factory: Callable[..., Broker]) -> None:
    broker = await asyncio.to_thread(kafka_factory)
    cluster_id, bootstrap = broker.cluster_id, broker.bootstrap
    before = await asyncio.to_thread(create, bootstrap, "again")
    await asyncio.to_thread(broker.replace_empty)
    shown = await asyncio.to_thread(admin(bootstrap).list_topics, None, ANSWER_S)
    assert "again" not in shown.topics
    assert metadata.cluster_id(bootstrap) == broker.cluster_id != cluster_id
    assert await asyncio.to_thread(create, bootstrap, "again") != before


async def test_paused_broker_holds_back_and_goes_on(kafka_factory: Callable[..., Broker]) -> None:
    broker = await asyncio.to_thread(kafka_factory)
    broker.pause()
    with pytest.raises(KafkaException):
        await asyncio.to_thread(admin(broker.bootstrap).list_topics, None, 1.0)
    broker.resume()
    await asyncio.to_thread(admin(broker.bootstrap).list_topics, None, ANSWER_S)


@pytest.mark.real_kafka
async def test_principals_bring_the_authorizer(kafka_factory: Callable[..., Any]) -> None:
    broker = await asyncio.to_thread(kafka_factory, principals={"east-listing": "secret"})
    await asyncio.to_thread(create, broker.bootstrap, "guarded")
    listing = AdminClient(
        {
            "bootstrap.servers": broker.sasl_bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "east-listing",
            "sasl.password": "secret",
        }
    )
    refused = listing.create_topics([NewTopic("mine", 1, 1)])["mine"]
    with pytest.raises(KafkaException, match="AUTHORIZATION_FAILED"):
        await asyncio.to_thread(refused.result, ANSWER_S)


async def test_template_is_built_once_and_cloned(database: Databases, unique: str) -> None:
    built: list[str] = []

    async def build(url: str) -> None:
        built.append(url)
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE deal (id int PRIMARY KEY); INSERT INTO deal VALUES (7)")
        await connection.close()

    urls = await asyncio.gather(*(database(f"deal_{unique}", build) for _ in range(3)))
    assert len(set(urls)) == 3
    assert len(built) == 1
    for url in urls:
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT id FROM deal") == 7
        await connection.execute("DELETE FROM deal")  # nobody else sees it
        await connection.close()


async def test_template_that_failed_is_built_again(database: Databases, unique: str) -> None:
    async def fails(url: str) -> None:
        raise ValueError("half a migration")

    async def build(url: str) -> None:
        pass

    with pytest.raises(ValueError, match="half a migration"):
        await database(f"broken_{unique}", fails)
    assert await database(f"broken_{unique}", build)


async def test_private_postgres_comes_back_after_sigkill(postgres_factory: Callable[..., Any]) -> None:
    postgres = await asyncio.to_thread(postgres_factory)
    url = postgres.url
    connection = await asyncpg.connect(f"{url}/postgres")
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS id")
    await asyncio.to_thread(postgres.kill)
    connection.terminate()
    assert await asyncio.to_thread(postgres.start) == url
    connection = await asyncpg.connect(f"{url}/postgres")
    assert await connection.fetchval("SELECT id FROM kept") == 1
    await connection.close()
