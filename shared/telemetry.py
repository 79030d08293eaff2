"""Traces and logs. Spans follow the messaging conventions; ids only, never texts, amounts or persons.

A processed event's span is a child of the emitter's context, which the journal carried. Interests, deals and money are
always kept; catalogue fan-out is sampled on the trace id, by the same rule at every center.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared import metrics
from shared.schemas.base import Envelope
from shared.settings import Settings

KEPT_TYPES: Final = ("ctta.escrow.", "ctta.matching.interest.", "ctta.listing.reservation.", "ctta.notify.")
KEPT_PATHS: Final = ("/escrow", "/matching/interests", "/notify")
KEEP: Final = "ctta.keep"
TRACE_ID_MASK: Final = (1 << 64) - 1

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_providers: dict[str, TracerProvider] = {}
conversation: Final = otel_context.create_key("ctta-conversation")


class SameEverywhere(Sampler):
    """Keeps what is marked to be kept; of the rest, the share `ratio` by the trace id alone.

    A foreign sampled flag decides nothing: every center comes to the same answer by itself.
    """

    def __init__(self, ratio: float) -> None:
        self.bound = int(ratio * (TRACE_ID_MASK + 1))

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Any = None,
        links: Sequence[Link] | None = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        parent = trace.get_current_span(parent_context)
        kept = (
            parent.is_recording() or bool(attributes and attributes.get(KEEP)) or trace_id & TRACE_ID_MASK < self.bound
        )
        decision = Decision.RECORD_AND_SAMPLE if kept else Decision.DROP
        return SamplingResult(decision, attributes, parent.get_span_context().trace_state)

    def get_description(self) -> str:
        return "SameEverywhere"


def configure(settings: Settings, services: Sequence[str], exporter: SpanExporter) -> None:
    """Set up tracing and metrics of this process, once: a tracer provider per service, so each span names its own."""
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=500, max_queue_size=16_384)
    for service in services:
        resource = _resource(settings.center, service)
        provider = TracerProvider(resource=resource, sampler=SameEverywhere(settings.trace_ratio))
        provider.add_span_processor(processor)
        _providers[service] = provider
    metrics.configure(settings, _resource(settings.center, "+".join(services)))


def _resource(center: str, service: str) -> Resource:
    return Resource.create({"service.name": service, "service.namespace": "ctta", "ctta.center": center})


def flush() -> None:
    """Export what is buffered."""
    for provider in _providers.values():
        provider.force_flush(5000)


def current_context() -> tuple[str, str]:
    """traceparent and tracestate of the current span, "" where there is none."""
    return _context_of(trace.get_current_span().get_span_context())


def _context_of(context: SpanContext) -> tuple[str, str]:
    if not context.is_valid:
        return "", ""
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    return parent, context.trace_state.to_header() if context.trace_state else ""


def _parent(traceparent: str | None) -> SpanContext | None:
    if not traceparent:
        return None
    span = trace.get_current_span(_PROPAGATOR.extract({"traceparent": traceparent}))
    return span.get_span_context() if span.get_span_context().is_valid else None


def _as_parent(context: SpanContext | None) -> Context:
    """The remote context, with the flag cleared: whether we record is our own rule's decision."""
    if context is None:
        return Context()
    clean = SpanContext(context.trace_id, context.span_id, True, TraceFlags(0), context.trace_state)
    return trace.set_span_in_context(NonRecordingSpan(clean), Context())


def service_tracer(service: str) -> trace.Tracer:
    """The tracer of one service. Without `configure` (tests, tools) its spans are not recorded."""
    provider = _providers.get(service)
    return provider.get_tracer("ctta") if provider else trace.NoOpTracer()


def _messaging(
    operation: str, kind: str, topic: str, conversation_id: str, event_type: str, event_id: str
) -> dict[str, Any]:
    keep = event_type.startswith(KEPT_TYPES)
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": topic,
        "messaging.message.id": event_id,
        "messaging.message.conversation_id": conversation_id,
        "cloudevents.event_type": event_type,
        KEEP: keep,
    }


def sending(topic: str, headers: Mapping[str, str]) -> Span | None:
    """Start the producer span of a journal row, child of its emitter's context; None where it is not kept."""
    parent = _parent(headers.get("traceparent"))
    if parent is None:
        return None
    service = headers["ce_source"].rsplit("/", 1)[-1]
    attributes = _messaging("send", "send", topic, headers["ce_conversation"], headers["ce_type"], headers["ce_id"]) | {
        "ctta.service": service
    }
    span = service_tracer(service).start_span(
        f"send {topic}", context=_as_parent(parent), kind=SpanKind.PRODUCER, attributes=attributes
    )
    return span if span.is_recording() else None


def sent(span: Span | None, result: Any) -> None:
    """End a producer span with the broker's answer."""
    if span is None:
        return
    if isinstance(result, BaseException):
        span.set_status(Status(StatusCode.ERROR, type(result).__name__))
    else:
        span.set_attribute("messaging.destination.partition.id", str(result.partition))
        span.set_attribute("messaging.kafka.offset", result.offset)
    span.end()


@contextmanager
def processing(envelopes: Sequence[Envelope], group: str) -> Iterator[dict[UUID, tuple[str, str]]]:
    """Consumer spans around a handler. Yields the context of each event's span, for what the handler emits."""
    service = group.split(".")[1]
    spans = [_process_span(envelope, group, service) for envelope in envelopes]
    contexts = {e.id: _context_of(s.get_span_context()) for e, s in zip(envelopes, spans, strict=True)}
    current = trace.set_span_in_context(spans[0])
    token = otel_context.attach(otel_context.set_value(conversation, envelopes[0].conversation, current))
    try:
        yield contexts
    except BaseException as error:
        for span in spans:
            if span.is_recording():
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        otel_context.detach(token)
        for span in spans:
            span.end()


def _process_span(envelope: Envelope, group: str, service: str) -> Span:
    parent = _parent(envelope.traceparent)
    attributes = _messaging(
        "process", "process", envelope.topic, envelope.conversation, envelope.type, str(envelope.id)
    ) | {
        "messaging.consumer.group.name": group,
        "messaging.destination.partition.id": str(envelope.partition),
        "messaging.kafka.offset": envelope.offset,
        "ctta.service": service,
        "ctta.subject": envelope.subject,
    }
    return service_tracer(service).start_span(
        f"process {envelope.topic}", context=_as_parent(parent), kind=SpanKind.CONSUMER, attributes=attributes
    )


@contextmanager
def step(service: str, name: str, *, keep: bool = False, **attributes: Any) -> Iterator[Span]:
    """A span of work inside a service, such as one delivery attempt; child of the current span."""
    attributes |= {"ctta.service": service, KEEP: keep}
    with service_tracer(service).start_as_current_span(name, attributes=attributes) as span:
        yield span


@contextmanager
def request(service: str, method: str, path: str, traceparent: str | None) -> Iterator[Span]:
    """The server span of an HTTP request; goes on in the caller's trace where it names one."""
    keep = method != "GET" and path.startswith(KEPT_PATHS)
    attributes: dict[str, Any] = {"http.request.method": method, "url.path": path, "ctta.service": service, KEEP: keep}
    with service_tracer(service).start_as_current_span(
        f"{method} {path}", context=_as_parent(_parent(traceparent)), kind=SpanKind.SERVER, attributes=attributes
    ) as span:
        yield span


@contextmanager
def continuing(traceparent: str | None) -> Iterator[None]:
    """Go on in a stored context (a delivery continues the story of its cause)."""
    parent = _parent(traceparent)
    token = otel_context.attach(_as_parent(parent))
    try:
        yield
    finally:
        otel_context.detach(token)


def tell(conversation_id: str, **ids: str) -> None:
    """Say on the current span which deal or listing it belongs to, and which other ids it speaks of."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute("messaging.message.conversation_id", conversation_id)
        for name, value in ids.items():
            span.set_attribute(f"ctta.{name}", value)


class Logger:
    """Structured logs: an event name and fields, with trace and conversation ids, one JSON object a line."""

    def __init__(self, name: str) -> None:
        self._log = logging.getLogger(name)

    def info(self, event: str, **fields: Any) -> None:
        """What an operator may like to know."""
        self._emit(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """What heals by itself, if it stays rare."""
        self._emit(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """What needs somebody; `do` says what."""
        self._emit(logging.ERROR, event, fields)

    def _emit(self, level: int, event: str, fields: dict[str, Any]) -> None:
        if self._log.isEnabledFor(level):
            self._log.log(level, event, extra={"fields": fields})


def logger(name: str) -> Logger:
    """The structured logger of a module."""
    return Logger(name)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event, fields, trace id, conversation."""

    def format(self, record: logging.LogRecord) -> str:
        context = trace.get_current_span().get_span_context()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if context.is_valid:
            line["trace_id"] = f"{context.trace_id:032x}"
        if (about := otel_context.get_value(conversation)) is not None:
            line["conversation"] = about
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logs(settings: Settings) -> None:
    """JSON lines on standard error; the chatter of libraries from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("shared", "services", "ctta"):
        logging.getLogger(name).setLevel(settings.log_level)
