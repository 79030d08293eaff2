"""Spans in the OTLP/JSON encoding: ids in hex, enums as integers, 64-bit integers as decimal strings.

Source: OpenTelemetry protocol specification, "JSON Protobuf Encoding".
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

KINDS: Final = {
    SpanKind.INTERNAL: 1, SpanKind.SERVER: 2, SpanKind.CLIENT: 3, SpanKind.PRODUCER: 4, SpanKind.CONSUMER: 5,
}  # fmt: skip
STATUSES: Final = {StatusCode.UNSET: 0, StatusCode.OK: 1, StatusCode.ERROR: 2}


def encode(spans: Sequence[ReadableSpan]) -> bytes:
    """One ExportTraceServiceRequest as a JSON line (with its line feed)."""
    by_resource: dict[int, list[ReadableSpan]] = {}
    for span in spans:
        by_resource.setdefault(id(span.resource), []).append(span)
    resource_spans = [_resource_spans(group) for group in by_resource.values()]
    return orjson.dumps({"resourceSpans": resource_spans}, option=orjson.OPT_APPEND_NEWLINE)


def _resource_spans(spans: list[ReadableSpan]) -> dict[str, Any]:
    by_scope: dict[str, list[ReadableSpan]] = {}
    for span in spans:
        by_scope.setdefault(span.instrumentation_scope.name if span.instrumentation_scope else "", []).append(span)
    scopes = [{"scope": {"name": name}, "spans": [_span(s) for s in group]} for name, group in by_scope.items()]
    return {"resource": {"attributes": _attributes(spans[0].resource.attributes)}, "scopeSpans": scopes}


def _span(span: ReadableSpan) -> dict[str, Any]:
    context = span.get_span_context()
    encoded: dict[str, Any] = {
        **_ids(context),
        "flags": int(context.trace_flags) if context else 0,
        "name": span.name,
        "kind": KINDS[span.kind],
        "startTimeUnixNano": str(span.start_time or 0),
        "endTimeUnixNano": str(span.end_time or 0),
        "attributes": _attributes(span.attributes),
        "status": {"code": STATUSES[span.status.status_code]},
    }
    if span.parent is not None:
        encoded["parentSpanId"] = f"{span.parent.span_id:016x}"
    if span.status.description:
        encoded["status"]["message"] = span.status.description
    if span.links:
        encoded["links"] = [{**_ids(link.context), "attributes": _attributes(link.attributes)} for link in span.links]
    if span.events:
        encoded["events"] = [
            {"timeUnixNano": str(e.timestamp), "name": e.name, "attributes": _attributes(e.attributes)}
            for e in span.events
        ]
    return encoded


def _ids(context: SpanContext | None) -> dict[str, str]:
    if context is None:
        return {"traceId": "", "spanId": ""}
    return {"traceId": f"{context.trace_id:032x}", "spanId": f"{context.span_id:016x}"}


def _attributes(attributes: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in (attributes or {}).items()]


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list() | tuple():
            return {"arrayValue": {"values": [_value(one) for one in value]}}
        case _:
            return {"stringValue": str(value)}


def plain(attributes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """OTLP/JSON attributes as a plain dictionary."""
    return {str(one["key"]): _plain(one.get("value", {})) for one in attributes}


def _plain(value: Mapping[str, Any]) -> Any:
    if "intValue" in value:
        return int(value["intValue"])
    if "arrayValue" in value:
        return [_plain(one) for one in value["arrayValue"].get("values", [])]
    return next(iter(value.values()), None)
