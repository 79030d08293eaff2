"""Topics as they are, compared with the plan. What can be changed is changed; a partition count never is."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import (  # not re-exported for type checkers
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from confluent_kafka.admin._resource import ResourceType

from shared.events.logs import Logs, admin_config
from shared.settings import Settings
from shared.topics import SERVICES, Acl, TopicPlan, plan
from shared.trust import Directory

TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Difference:
    """One topic and its plan. `missing`, or wrong settings as name: (found, wanted); `partitions` is one of them."""

    topic: str
    missing: bool = False
    wrong: dict[str, tuple[str, str]] = field(default_factory=dict)


def planned(center: str, directory: Directory, services: Iterable[str] = SERVICES) -> list[TopicPlan]:
    """Every topic that `center` writes in this alliance."""
    return plan(center, directory.centers, hub=center in directory.hubs, services=services)


async def compare(settings: Settings, wanted: list[TopicPlan]) -> list[Difference]:
    """What is missing or otherwise than planned. Raises KafkaException when no broker answers.

    The embedded broker keeps no settings, so only Apache Kafka's are compared.
    """
    return await asyncio.to_thread(_compare, AdminClient(admin_config(settings), logger=None), wanted)


def _compare(admin: AdminClient, wanted: list[TopicPlan]) -> list[Difference]:
    known = admin.list_topics(timeout=TIMEOUT_S).topics
    found = _configs(admin, [topic.name for topic in wanted if topic.name in known])
    differences = []
    for topic in wanted:
        if topic.name not in known:
            differences.append(Difference(topic.name, missing=True))
            continue
        wrong = {}
        if (partitions := len(known[topic.name].partitions)) != topic.partitions:
            wrong["partitions"] = (str(partitions), str(topic.partitions))
        config = found.get(topic.name, {})
        wrong |= {key: (config[key], value) for key, value in topic.config.items() if config.get(key, value) != value}
        if wrong:
            differences.append(Difference(topic.name, wrong=wrong))
    return differences


def _configs(admin: AdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    answers = admin.describe_configs(resources, request_timeout=TIMEOUT_S)
    return {
        resource.name: {key: str(entry.value) for key, entry in future.result(TIMEOUT_S).items()}
        for resource, future in answers.items()
    }


async def apply(settings: Settings, wanted: list[TopicPlan]) -> list[str]:
    """Make what is missing and set what drifted; returns the topics that were touched."""
    made = await Logs(settings).ensure(wanted)
    drifted = [difference for difference in await compare(settings, wanted) if set(difference.wrong) - {"partitions"}]
    if drifted:
        await asyncio.to_thread(_set, AdminClient(admin_config(settings), logger=None), drifted)
    return made + [difference.topic for difference in drifted]


def _set(admin: AdminClient, drifted: list[Difference]) -> None:
    resources = []
    for difference in drifted:
        entries: list[Any] = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, (_, value) in difference.wrong.items()
            if key != "partitions"
        ]
        resources.append(ConfigResource(ResourceType.TOPIC, difference.topic, incremental_configs=entries))
    for future in admin.incremental_alter_configs(resources, request_timeout=TIMEOUT_S).values():
        future.result(TIMEOUT_S)


def acl_command(acl: Acl) -> str:
    """The rule as a line of Apache Kafka's own tool."""
    kind = "--topic" if acl.resource_type == "TOPIC" else "--group"
    operation = "".join(part.title() for part in acl.operation.split("_"))
    return (
        f"kafka-acls.sh --add --allow-principal '{acl.principal}' --operation {operation}"
        f" {kind} '{acl.resource}' --resource-pattern-type {acl.pattern.lower()}"
    )
