"""The spans of a story as the page draws them."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import httpx
from fastapi.concurrency import run_in_threadpool

from shared.errors import NotFound, Refused
from shared.settings import Settings
from shared.traces import Span, Story, source, story

SPANS_MAX: Final = 2_000
"""A page of more rows helps nobody; `ctta trace` prints all of them."""

SHOWN: Final = {
    "messaging.destination.name": "topic",
    "messaging.destination.partition.id": "partition",
    "messaging.kafka.offset": "offset",
    "messaging.consumer.group.name": "group",
    "messaging.message.id": "event_id",
    "messaging.message.conversation_id": "conversation",
    "cloudevents.event_type": "event_type",
    "ctta.subject": "subject",
    "http.response.status_code": "status",
}
"""Attributes that the page shows, and what they are called there."""


class Kind(StrEnum):
    """What a story is asked for by."""

    DEAL = "deal"
    LISTING = "listing"
    TRACE = "trace"


class TracesAway(Refused):
    """The store of spans gives no answer."""

    rule = "traces-away"
    status = 503
    en = "The store of traces gives no answer; deals and money are not affected. Try again later."
    zh = "链路存储暂时没有响应，交易与资金不受影响，请稍后再试。"


async def tell(settings: Settings, kind: Kind, id: str) -> dict[str, Any]:
    """The story as plain JSON; times of spans in microseconds since `began_at`. Raises NotFound, TracesAway."""
    try:
        told = await run_in_threadpool(_read, settings, kind, id)
    except (httpx.HTTPError, OSError) as error:
        raise TracesAway() from error
    if not told.spans:
        raise NotFound(what=f"trace of {kind}", id=id)
    began = min(span.start_ns for span in told.spans)
    return {
        "kind": kind,
        "id": id,
        "began_at": datetime.fromtimestamp(began / 1e9, UTC).isoformat(),
        "spans": [_view(span, began) for span in told.spans[:SPANS_MAX]],
        "spans_total": len(told.spans),
        "services": told.services,
        "centers": told.centers,
        "silent": list(told.silent),
        "bystanders": told.bystanders,
    }


def _read(settings: Settings, kind: Kind, id: str) -> Story:
    spans = source(settings)
    if kind is not Kind.TRACE:
        return story(spans, [id])
    found = spans.trace(id)
    return Story(frozenset({id}), sorted(found, key=lambda span: (span.start_ns, -span.end_ns)))


def _view(span: Span, began: int) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "name": span.name,
        "service": span.service,
        "center": span.center,
        "start_us": (span.start_ns - began) // 1000,
        "duration_us": max(0, span.end_ns - span.start_ns) // 1000,
        "error": span.error,
        **{name: span.attributes[key] for key, name in SHOWN.items() if key in span.attributes},
    }
