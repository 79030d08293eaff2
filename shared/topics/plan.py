"""Which topics a center has, with which settings, and who may do what with them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from shared.schemas.base import CATALOGUE, Scope
from shared.topics.naming import DIRECTORY_SERVICE, TopicName, read_topic

SERVICES: Final = ("listing", "matching", "escrow", "notify")
DAY_MS: Final = 86_400_000
PARTITIONS: Final = {"": 8, "state": 8, "to": 4, "own": 4, "dlq": 1, DIRECTORY_SERVICE: 1}
"""Fixed when a topic is made: a key keeps its partition. Growth is a new generation of the topic."""
RETENTION_DAYS: Final = {"": 90, "to": 90, "own": 90, "dlq": 90}
KEEP_FOREVER: Final = frozenset({"escrow"})
RECORD_BYTES_MAX: Final = 1_000_000
"""Largest record; what is bigger is refused at the door (Kafka's own default is 1,048,588)."""


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """One topic as it should be."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Acl:
    """`principal` may do `operation` on the resource. A principal is `User:<center>.<service>`."""

    principal: str
    operation: Literal["READ", "WRITE", "DESCRIBE", "CREATE", "ALTER_CONFIGS"]
    resource_type: Literal["TOPIC", "GROUP"]
    resource: str
    pattern: Literal["LITERAL", "PREFIXED"] = "LITERAL"


def plan(center: str, centers: Iterable[str], *, hub: bool, services: Iterable[str] = SERVICES) -> list[TopicPlan]:
    """Every topic that `center` writes: its services' own ones and one per peer where it has something to say to it."""
    peers = sorted(set(centers) - {center})
    topics = []
    for service in services:
        scopes = {event.scope for event in CATALOGUE.values() if event.service == service}
        names = [TopicName(center, service, "dlq")]
        if Scope.ALLIANCE in scopes:
            names.append(TopicName(center, service))
        if Scope.STATE in scopes:
            names.append(TopicName(center, service, "state"))
        if scopes & {Scope.OWN, Scope.BILATERAL}:
            names.append(TopicName(center, service, "own"))
        if Scope.BILATERAL in scopes:
            names += [TopicName(center, service, "to", peer) for peer in peers]
        topics += [_planned(name) for name in names]
    if hub:
        topics.append(_planned(TopicName(center, DIRECTORY_SERVICE)))
    return sorted(topics, key=lambda topic: topic.name)


def _planned(name: TopicName) -> TopicPlan:
    config = {"max.message.bytes": str(RECORD_BYTES_MAX + 100_000)}
    if name.suffix == "state" or name.service == DIRECTORY_SERVICE:
        config["cleanup.policy"] = "compact"
    else:
        config["cleanup.policy"] = "delete"
        days = RETENTION_DAYS[name.suffix]
        config["retention.ms"] = "-1" if name.service in KEEP_FOREVER else str(days * DAY_MS)
    return TopicPlan(
        str(name), PARTITIONS[DIRECTORY_SERVICE if name.service == DIRECTORY_SERVICE else name.suffix], config
    )


def acls(center: str, centers: Iterable[str], *, hub: bool) -> list[Acl]:
    """What the principals of `center` may do on a shared cluster: write their topics, read what is meant for them."""
    centers = sorted(set(centers) | {center})
    rules: list[Acl] = []
    for service in SERVICES:
        principal = f"User:{center}.{service}"
        own = [topic.name for topic in plan(center, centers, hub=hub, services=[service])]
        for name in own:
            writes = not (name.endswith(f".{DIRECTORY_SERVICE}") and service != "listing")
            rules += [Acl(principal, "READ", "TOPIC", name)]
            rules += (
                [Acl(principal, op, "TOPIC", name) for op in ("WRITE", "CREATE", "ALTER_CONFIGS")] if writes else []
            )
        readable = [name for peer in centers for name in _readable(peer, center, centers)]
        rules += [Acl(principal, "READ", "TOPIC", name) for name in readable if name not in own]
        rules.append(Acl(principal, "READ", "GROUP", f"{center}.{service}.", "PREFIXED"))
    return rules


def _readable(peer: str, center: str, centers: list[str]) -> list[str]:
    """What `center` may read of what `peer` writes. Directories of hubs are readable wherever they exist."""
    names = []
    for topic in plan(peer, centers, hub=True):
        parts = read_topic(topic.name)
        if parts is None:
            continue
        open_to_all = parts.suffix in ("", "state")
        if open_to_all or parts.peer == center or peer == center:
            names.append(topic.name)
    return names
