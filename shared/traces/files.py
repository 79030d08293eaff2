"""Spans from OTLP JSON: lines of our files, and answers of Tempo, which has the same shape."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from shared.traces.encoding import plain
from shared.traces.model import Span

ERROR = 2  # Status.code of OTLP


def read_files(folder: Path) -> Iterator[Span]:
    """Every span of every file in the folder. A line that is not whole (a killed writer) is passed over."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as lines:
            for line in lines:
                try:
                    request = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue
                yield from read_request(request)


def read_request(request: Mapping[str, Any]) -> Iterator[Span]:
    """The spans of one ExportTraceServiceRequest (or of Tempo's `batches`) in the JSON encoding."""
    for group in request.get("resourceSpans") or request.get("batches") or ():
        resource = plain(group.get("resource", {}).get("attributes", ()))
        for scope in group.get("scopeSpans", ()):
            yield from _spans(scope.get("spans", ()), resource)


def _spans(spans: Iterable[Mapping[str, Any]], resource: Mapping[str, Any]) -> Iterator[Span]:
    for span in spans:
        status = span.get("status", {})
        yield Span(
            trace_id=str(span["traceId"]),
            span_id=str(span["spanId"]),
            parent_id=str(span.get("parentSpanId", "")),
            name=str(span["name"]),
            kind=_kind(span.get("kind", 0)),
            service=str(resource.get("service.name", "")),
            center=str(resource.get("ctta.center", "")),
            start_ns=int(span["startTimeUnixNano"]),
            end_ns=int(span["endTimeUnixNano"]),
            error=str(status.get("message") or "error") if status.get("code") in (ERROR, "STATUS_CODE_ERROR") else "",
            attributes=plain(span.get("attributes", ())),
        )


def _kind(kind: int | str) -> int:
    names = ("SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT",
             "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER")  # fmt: skip
    return kind if isinstance(kind, int) else names.index(kind) if kind in names else 0
