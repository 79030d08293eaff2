"""The ACLs that follow from the topic scheme, on Apache Kafka's own authorizer."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import TopicAuthorizationFailedError
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from ctta.embedded.children import wait_until
from shared.events.logs import Logs
from shared.settings import Settings
from shared.topics import acls, plan
from tests.servers.kafka import Broker

pytestmark = [pytest.mark.real_kafka]
CENTERS = ("beijing", "south", "east")
USERS = {f"{center}.{service}": "secret" for center in CENTERS for service in ("listing", "escrow")}


ANY: Any = None


def grant(bootstrap: str) -> None:
    bindings = [
        AclBinding(
            ResourceType[rule.resource_type], rule.resource, ResourcePatternType[rule.pattern], rule.principal, "*",
            AclOperation[rule.operation], AclPermissionType.ALLOW,
        )
        for center in CENTERS
        for rule in acls(center, CENTERS, hub=center != "east")
    ]  # fmt: skip
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_acls(bindings).values():
        future.result(30)
    everything = AclBindingFilter(
        ResourceType.ANY, ANY, ResourcePatternType.ANY, ANY, ANY, AclOperation.ANY, AclPermissionType.ANY
    )
    known = wait_until(lambda: len(admin.describe_acls(everything).result(30)) >= len(set(bindings)), 30)
    assert known, "the broker's authorizer did not take the rules over from its controller"


@pytest.fixture
async def guarded(kafka_factory: Callable[..., Broker]) -> Any:
    kafka = await asyncio.to_thread(kafka_factory, principals=USERS)
    logs = Logs(Settings(kafka=kafka.bootstrap))
    for center in CENTERS:
        await logs.ensure(plan(center, CENTERS, hub=center != "east"))
    await asyncio.to_thread(grant, kafka.bootstrap)
    return kafka


def login(kafka: Any, user: str) -> dict[str, Any]:
    return {
        "bootstrap_servers": kafka.sasl_bootstrap, "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN",
        "sasl_plain_username": user, "sasl_plain_password": USERS[user],
    }  # fmt: skip


async def write(kafka: Any, user: str, topic: str) -> None:
    producer = AIOKafkaProducer(**login(kafka, user), enable_idempotence=True)
    try:
        await producer.start()
        await producer.send_and_wait(topic, b"{}", key=b"k")
    finally:
        await producer.stop()


async def read(kafka: Any, user: str, topic: str) -> Any:
    consumer = AIOKafkaConsumer(
        topic, **login(kafka, user), group_id=f"{user}.test", auto_offset_reset="earliest", enable_auto_commit=False
    )
    try:
        await consumer.start()
        return await asyncio.wait_for(consumer.getone(), 20)
    finally:
        await consumer.stop()


async def test_a_center_writes_its_own_topics_and_reads_what_is_meant_for_it(guarded: Any) -> None:
    await write(guarded, "beijing.escrow", "ctta.beijing.escrow.to.east")
    assert (await read(guarded, "east.escrow", "ctta.beijing.escrow.to.east")).value == b"{}"
    await write(guarded, "beijing.listing", "ctta.beijing.listing")
    assert (await read(guarded, "east.escrow", "ctta.beijing.listing")).value == b"{}"


async def test_nobody_writes_in_anothers_name(guarded: Any) -> None:
    for topic in ("ctta.beijing.listing", "ctta.east.escrow", "ctta.east.escrow.to.beijing"):
        with pytest.raises(TopicAuthorizationFailedError):
            await write(guarded, "east.listing", topic)


async def test_nobody_reads_what_is_meant_for_another(guarded: Any) -> None:
    for topic in ("ctta.beijing.escrow.to.south", "ctta.beijing.listing.own", "ctta.beijing.escrow.dlq"):
        with pytest.raises(TopicAuthorizationFailedError):
            await read(guarded, "east.escrow", topic)
