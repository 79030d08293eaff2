"""Connections to Kafka in aiokafka's and FastStream's words."""

import ssl
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.helpers import create_ssl_context
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.security import BaseSecurity, SASLScram512

from shared.settings import Settings
from shared.topics.plan import RECORD_BYTES_MAX


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if "SSL" not in settings.kafka_security:
        return None
    files = {"cafile": settings.kafka_cafile, "certfile": settings.kafka_certfile, "keyfile": settings.kafka_keyfile}
    made: ssl.SSLContext = create_ssl_context(**{name: str(path) for name, path in files.items() if path})
    return made


def _sasl(settings: Settings) -> dict[str, Any]:
    if not settings.kafka_security.startswith("SASL"):
        return {}
    return {
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": settings.kafka_username,
        "sasl_plain_password": settings.kafka_password.get_secret_value(),
    }


def producer(settings: Settings) -> AIOKafkaProducer:
    """A producer that is acknowledged by all replicas; idempotent where the broker has it."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka,
        client_id=f"ctta-{settings.center}",
        acks="all",
        enable_idempotence=settings.kafka_idempotent,
        max_request_size=RECORD_BYTES_MAX + 100_000,
        max_batch_size=256 * 1024,
        request_timeout_ms=15_000,
        metadata_max_age_ms=settings.metadata_max_age_ms,
        security_protocol=settings.kafka_security,
        ssl_context=_tls(settings),
        **_sasl(settings),
    )


def broker(settings: Settings, service: str, **options: Any) -> KafkaBroker:
    """The FastStream broker of one service's subscriptions; it never publishes."""
    security: BaseSecurity | None = None
    if settings.kafka_security.startswith("SASL"):
        security = SASLScram512(
            username=settings.kafka_username,
            password=settings.kafka_password.get_secret_value(),
            ssl_context=_tls(settings),
            use_ssl=settings.kafka_security == "SASL_SSL",
        )
    elif settings.kafka_security == "SSL":
        security = BaseSecurity(ssl_context=_tls(settings), use_ssl=True)
    return KafkaBroker(
        settings.kafka,
        client_id=f"ctta-{settings.center}-{service}",
        security=security,
        consumer_only=True,
        logger=None,
        allow_auto_create_topics=False,
        apply_types=False,
        metadata_max_age_ms=settings.metadata_max_age_ms,
        graceful_timeout=settings.drain_s,
        **options,
    )


def consumer(settings: Settings) -> AIOKafkaConsumer:
    """A reader without a group, from the beginning (directory, tools)."""
    return AIOKafkaConsumer(
        bootstrap_servers=settings.kafka,
        client_id=f"ctta-{settings.center}-reader",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        metadata_max_age_ms=settings.metadata_max_age_ms,
        security_protocol=settings.kafka_security,
        ssl_context=_tls(settings),
        **_sasl(settings),
    )


async def as_it_came(records: tuple[Any, ...]) -> KafkaMessage:
    """FastStream's own parser decodes every header and fails on a null one: ours leaves the records alone."""
    return KafkaMessage(
        raw_message=records, body=b"", consumer=FAKE_CONSUMER, message_id="batch", correlation_id="batch"
    )


async def records_of(message: KafkaMessage) -> Any:
    """What the door is called with: the records."""
    return message.raw_message
