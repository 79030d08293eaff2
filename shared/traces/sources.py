"""Where spans are read: the OTLP JSON files of the embedded default, or the query API of Jaeger or Tempo."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx

from shared.settings import Settings
from shared.traces.files import read_files, read_request
from shared.traces.model import CONVERSATION, ID_ATTRIBUTES, Span

TIMEOUT_S: Final = 30.0
TRACES_MAX: Final = 500
JAEGER_KINDS: Final = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}


class Source(Protocol):
    """What `ctta trace` asks of a store of spans."""

    def trace(self, trace_id: str) -> list[Span]:
        """All spans of one trace; empty when there is none."""

    def traces_naming(self, ids: Iterable[str]) -> list[Span]:
        """All spans of every trace in which some span names one of `ids`."""


def source(settings: Settings) -> Source:
    """By `CTTA_TRACE_SOURCE`: empty for the files; `jaeger+http://host:16686` or `tempo+http://host:3200`.

    Without a prefix the port tells: 16686 is Jaeger's, anything else Tempo's.
    """
    where = settings.trace_source
    if not where:
        return Files(settings.traces)
    kind, _, rest = where.partition("+")
    url = rest if kind in ("jaeger", "tempo") else where
    jaeger = kind == "jaeger" or (kind != "tempo" and urlsplit(url).port == 16686)
    client = httpx.Client(base_url=url, timeout=TIMEOUT_S)
    return Jaeger(client) if jaeger else Tempo(client)


class Files:
    """OTLP JSON files, read once when first asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spans: list[Span] | None = None

    @property
    def spans(self) -> list[Span]:
        """Every span there is."""
        if self._spans is None:
            self._spans = list(read_files(self._folder)) if self._folder.is_dir() else []
        return self._spans

    def trace(self, trace_id: str) -> list[Span]:
        """All spans of one trace."""
        return [span for span in self.spans if span.trace_id == trace_id]

    def traces_naming(self, ids: Iterable[str]) -> list[Span]:
        """All spans of every trace in which some span names one of `ids`."""
        wanted = set(ids)
        traces = {span.trace_id for span in self.spans if span.ids & wanted}
        return [span for span in self.spans if span.trace_id in traces]


class Tempo:
    """Grafana Tempo's HTTP API: `/api/search` with TraceQL, `/api/traces/<id>`."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def trace(self, trace_id: str) -> list[Span]:
        """All spans of one trace."""
        answer = self._client.get(f"/api/traces/{trace_id}", headers={"Accept": "application/json"})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        found: Any = answer.raise_for_status().json()
        return list(read_request(found.get("trace", found)))

    def traces_naming(self, ids: Iterable[str]) -> list[Span]:
        """All spans of every trace in which some span names one of `ids`."""
        asked = " || ".join(f'span.{key} = "{one}"' for one in sorted(ids) for key in (CONVERSATION, *ID_ATTRIBUTES))
        answer = self._client.get("/api/search", params={"q": f"{{ {asked} }}", "limit": TRACES_MAX})
        found = answer.raise_for_status().json().get("traces") or []
        return [span for one in found for span in self.trace(one["traceID"])]


class Jaeger:
    """Jaeger's query API: `/api/traces` with tags, `/api/traces/<id>`."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def trace(self, trace_id: str) -> list[Span]:
        """All spans of one trace."""
        answer = self._client.get(f"/api/traces/{trace_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        return [span for one in answer.raise_for_status().json()["data"] for span in _of_jaeger(one)]

    def traces_naming(self, ids: Iterable[str]) -> list[Span]:
        """All spans of every trace in which some span names one of `ids`."""
        found: dict[str, list[Span]] = {}
        services = self._client.get("/api/services").raise_for_status().json()["data"] or []
        for service in services:
            for one in sorted(ids):
                for key in (CONVERSATION, *ID_ATTRIBUTES):
                    tags = f'{{"{key}":"{one}"}}'
                    asked = {"service": service, "tags": tags, "limit": TRACES_MAX, "lookback": "custom", "start": 0}
                    answer = self._client.get("/api/traces", params=asked).raise_for_status().json()
                    found |= {trace["traceID"]: list(_of_jaeger(trace)) for trace in answer["data"] or []}
        return [span for spans in found.values() for span in spans]


def _of_jaeger(trace: dict[str, Any]) -> Iterator[Span]:
    for span in trace["spans"]:
        process = trace["processes"][span["processID"]]
        tags = {tag["key"]: tag["value"] for tag in span.get("tags", ())}
        resource = {tag["key"]: tag["value"] for tag in process.get("tags", ())}
        parents = [ref["spanID"] for ref in span.get("references", ()) if ref["refType"] == "CHILD_OF"]
        failed = tags.get("error") in (True, "true")
        yield Span(
            trace_id=span["traceID"],
            span_id=span["spanID"],
            parent_id=parents[0] if parents else "",
            name=span["operationName"],
            kind=JAEGER_KINDS.get(str(tags.get("span.kind")), 0),
            service=process["serviceName"],
            center=str(resource.get("ctta.center", "")),
            start_ns=span["startTime"] * 1000,
            end_ns=(span["startTime"] + span["duration"]) * 1000,
            error=str(tags.get("otel.status_description") or "error") if failed else "",
            attributes=tags,
        )
