"""Which log a topic is: its id changes when a broker was replaced or a topic made anew. Also makes what is missing.

confluent-kafka's Admin API gives topic ids, aiokafka's does not; both speak to the same brokers.
"""

import asyncio
from collections.abc import Iterable
from threading import Lock
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from shared.settings import Settings
from shared.topics.plan import TopicPlan

TIMEOUT_S: Final = 10.0


def admin_config(settings: Settings) -> dict[str, Any]:
    """Connection settings in librdkafka's words."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka,
        "security.protocol": settings.kafka_security,
        "socket.timeout.ms": 10_000,
        "log_level": 2,
        "reconnect.backoff.max.ms": 1000,
    }
    if settings.kafka_security.startswith("SASL"):
        config |= {
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": settings.kafka_username,
            "sasl.password": settings.kafka_password.get_secret_value(),
        }
    files = {
        "ssl.ca.location": settings.kafka_cafile,
        "ssl.certificate.location": settings.kafka_certfile,
        "ssl.key.location": settings.kafka_keyfile,
    }
    return config | {name: str(path) for name, path in files.items() if path}


class Logs:
    """Topic ids of a cluster, asked for when needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: AdminClient | None = None
        self._making = Lock()

    async def ids(self, topics: Iterable[str]) -> dict[str, str]:
        """Topic id by topic, of those that exist. Raises KafkaException when no broker answers."""
        return await asyncio.to_thread(self._ids, sorted(set(topics)))

    async def ensure(self, plans: Iterable[TopicPlan]) -> list[str]:
        """Make the topics that are missing; returns their names. Drift of existing ones is left alone here."""
        return await asyncio.to_thread(self._ensure, list(plans))

    def _client(self) -> AdminClient:
        with self._making:  # two threads at once would make two, and the one let go fails the other's requests
            if self._admin is None:
                self._admin = AdminClient(admin_config(self._settings), logger=None)
            return self._admin

    def _ids(self, topics: list[str]) -> dict[str, str]:
        if not topics:
            return {}
        futures = self._client().describe_topics(TopicCollection(topics), request_timeout=TIMEOUT_S)
        found = {}
        for name, future in futures.items():
            try:
                found[name] = str(future.result(TIMEOUT_S).topic_id)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise
        return found

    def _ensure(self, plans: list[TopicPlan]) -> list[str]:
        known = self._ids([plan.name for plan in plans])
        replicas = self._settings.kafka_replicas
        safe = {"min.insync.replicas": "2"} if replicas > 2 else {}  # an acknowledgement outlives one broker
        wanted = [
            NewTopic(plan.name, plan.partitions, replicas, config=plan.config | safe)
            for plan in plans
            if plan.name not in known
        ]
        if not wanted:
            return []
        made = []
        for name, future in self._client().create_topics(wanted, request_timeout=TIMEOUT_S).items():
            try:
                future.result(TIMEOUT_S)
                made.append(name)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
        return made
