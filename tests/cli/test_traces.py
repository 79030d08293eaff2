"""Spans into OTLP JSON files and back, and stories put together from them."""

import json
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from ctta import waterfall
from shared.settings import Settings
from shared.traces import Span, exporter, source, story
from shared.traces.exporting import FileExporter
from shared.traces.files import read_files
from shared.traces.sources import Files, Jaeger, Tempo

CONVERSATION = "messaging.message.conversation_id"


def provider(path: Path, center: str = "east", service: str = "escrow", **options: int) -> TracerProvider:
    made = TracerProvider(resource=Resource.create({"service.name": service, "ctta.center": center}))
    made.add_span_processor(SimpleSpanProcessor(FileExporter(path, **options)))
    return made


def span(name: str, trace: str, start: int, **facts: object) -> Span:
    """A span in one line: center, service, parent, topic, kind, about."""
    attributes = {CONVERSATION: facts.get("about", ""), "messaging.destination.name": facts.get("topic", "")}
    attributes["messaging.message.id"] = facts.get("message", "")
    return Span(
        trace, str(facts.get("id", f"{trace}-{name}-{start}")), str(facts.get("parent", "")), name,
        int(str(facts.get("kind", 1))), str(facts.get("service", "escrow")), str(facts.get("center", "east")),
        start, start + 10, attributes={key: value for key, value in attributes.items() if value},
    )  # fmt: skip


class Known(Files):
    """A source of given spans."""

    def __init__(self, *spans: Span) -> None:
        self._spans = list(spans)


def test_a_line_is_an_export_request_in_the_json_encoding(tmp_path: Path) -> None:
    tracer = provider(tmp_path / "east-all.jsonl").get_tracer("ctta")
    with tracer.start_as_current_span(
        "send", kind=SpanKind.PRODUCER, attributes={CONVERSATION: "dea_1", "n": 7}
    ) as one:
        one.set_status(Status(StatusCode.ERROR, "KafkaError"))
        with tracer.start_as_current_span("inner", attributes={"ok": True, "list": ["a"], "share": 0.5}):
            pass
    lines = [json.loads(line) for line in (tmp_path / "east-all.jsonl").read_text().splitlines()]
    inner, outer = (line["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for line in lines)
    assert (len(outer["traceId"]), len(outer["spanId"])) == (32, 16)
    assert inner["parentSpanId"] == outer["spanId"]
    assert (outer["kind"], outer["status"]) == (4, {"code": 2, "message": "KafkaError"})
    assert outer["startTimeUnixNano"].isdigit()
    assert {"key": "n", "value": {"intValue": "7"}} in outer["attributes"]
    assert {"key": "ok", "value": {"boolValue": True}} in inner["attributes"]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    tracer = provider(tmp_path / "east-all.jsonl").get_tracer("ctta")
    with tracer.start_as_current_span("send", kind=SpanKind.PRODUCER, attributes={CONVERSATION: "dea_1"}) as one:
        one.set_status(Status(StatusCode.ERROR, "KafkaError"))
    (found,) = read_files(tmp_path)
    assert (found.service, found.center, found.name, found.kind, found.error) == (
        "escrow",
        "east",
        "send",
        4,
        "KafkaError",
    )
    assert found.ids == {"dea_1"}
    assert found.end_ns >= found.start_ns > 1_600_000_000_000_000_000


def test_a_torn_line_is_closed_by_the_next_start_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "east-all.jsonl"
    with provider(path).get_tracer("ctta").start_as_current_span("first"):
        pass
    with path.open("ab") as file:
        file.write(b'{"resourceSpans": [{"resour')
    with provider(path).get_tracer("ctta").start_as_current_span("second"):
        pass
    assert [found.name for found in read_files(tmp_path)] == ["first", "second"]


def test_files_are_capped(tmp_path: Path) -> None:
    tracer = provider(tmp_path / "east-all.jsonl", bytes_max=2_000, older=2).get_tracer("ctta")
    for number in range(100):
        with tracer.start_as_current_span(f"span {number}"):
            pass
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["east-all.1.jsonl", "east-all.2.jsonl", "east-all.jsonl"]
    assert all(path.stat().st_size <= 2_000 for path in tmp_path.iterdir())
    assert "span 99" in {found.name for found in read_files(tmp_path)}


def test_the_settings_choose_the_exporter(tmp_path: Path) -> None:
    assert isinstance(exporter(Settings(trace_dir=tmp_path), "all"), FileExporter)
    assert type(exporter(Settings(otlp_endpoint="http://127.0.0.1:4318"), "all")).__name__ == "OTLPSpanExporter"


def test_a_story_takes_one_hop_from_the_deal_to_its_listing() -> None:
    told = story(
        Known(
            span("publish", "t1", 1, about="lst_1"),
            span("open", "t2", 2, about="dea_1", parent=""),
            Span(
                "t2",
                "x",
                "",
                "reserve",
                1,
                "listing",
                "south",
                3,
                4,
                attributes={CONVERSATION: "dea_1", "ctta.subject": "lst_1"},
            ),
            span("other", "t3", 5, about="lst_2"),
        ),
        ["dea_1"],
    )
    assert [one.name for one in told.spans] == ["publish", "open", "reserve"]
    assert (told.centers, told.services) == (["east", "south"], ["escrow", "listing"])


def test_bystanders_are_left_out_unless_asked_for() -> None:
    spans = Known(span("open", "t", 1, about="dea_1"), span("follow", "t", 2, center="ocean", about="lst_1"))
    assert story(spans, ["dea_1"]).bystanders == {"ocean": 1}
    assert story(spans, ["dea_1"], parties_only=False).centers == ["east", "ocean"]


def test_a_center_that_shares_nothing_is_named() -> None:
    told = story(Known(span("send", "t", 1, about="dea_1", topic="ctta.east.escrow.to.ocean", kind=4)), ["dea_1"])
    assert told.silent == ("ocean",)
    assert any("ocean shares no spans" in note for note in waterfall.notes(told))


def test_a_message_sent_again_to_a_new_broker_is_told_once() -> None:
    told = story(
        Known(
            span("send", "t", 900, about="dea_1", kind=4, message="m1", id="late"),
            span("send", "t", 1, about="dea_1", kind=4, message="m1", id="first"),
        ),
        ["dea_1"],
    )
    assert [one.span_id for one in told.spans] == ["first"]


def test_rows_stand_under_their_cause_and_equal_neighbours_become_one() -> None:
    spans = [
        span("POST", "t", 1, id="a"),
        span("send", "t", 2, id="b", parent="a"),
        span("process", "t", 3, id="c", parent="b"),
        span("process", "t", 4, id="d", parent="b"),
    ]
    assert [(row.span.name, row.depth, row.times) for row in waterfall.rows(spans)] == [
        ("POST", 0, 1), ("send", 1, 1), ("process", 2, 2),
    ]  # fmt: skip


TEMPO_TRACE = {
    "batches": [{
        "resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": "escrow"}},
            {"key": "ctta.center", "value": {"stringValue": "east"}},
        ]},
        "scopeSpans": [{"spans": [{
            "traceId": "t1", "spanId": "s1", "name": "open", "kind": "SPAN_KIND_SERVER", "startTimeUnixNano": "5",
            "endTimeUnixNano": "9", "status": {"code": "STATUS_CODE_ERROR"},
            "attributes": [{"key": CONVERSATION, "value": {"stringValue": "dea_1"}}],
        }]}],
    }]
}  # fmt: skip
JAEGER_TRACE = {
    "traceID": "t1",
    "processes": {"p1": {"serviceName": "escrow", "tags": [{"key": "ctta.center", "value": "east"}]}},
    "spans": [{
        "traceID": "t1", "spanID": "s1", "operationName": "open", "processID": "p1", "startTime": 5, "duration": 4,
        "references": [], "tags": [{"key": CONVERSATION, "value": "dea_1"}, {"key": "span.kind", "value": "server"}],
    }],
}  # fmt: skip


def answering(answers: dict[str, object]) -> httpx.Client:
    """A client whose server knows these paths, as the two projects' query APIs are documented."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers.get(request.url.path)
        return httpx.Response(200, json=found) if found is not None else httpx.Response(404)

    return httpx.Client(base_url="http://traces", transport=httpx.MockTransport(answer))


def test_tempo_is_asked_by_traceql() -> None:
    client = answering({"/api/search": {"traces": [{"traceID": "t1"}]}, "/api/traces/t1": TEMPO_TRACE})
    (found,) = story(Tempo(client), ["dea_1"]).spans
    assert (found.center, found.service, found.kind, found.error) == ("east", "escrow", 2, "error")
    assert Tempo(client).trace("t9") == []


def test_jaeger_is_asked_by_tags() -> None:
    client = answering(
        {
            "/api/services": {"data": ["escrow"]},
            "/api/traces": {"data": [JAEGER_TRACE]},
            "/api/traces/t1": {"data": [JAEGER_TRACE]},
        }
    )
    (found,) = story(Jaeger(client), ["dea_1"]).spans
    assert (found.center, found.service, found.kind, found.end_ns - found.start_ns) == ("east", "escrow", 2, 4000)
    assert Jaeger(client).trace("t9") == []


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("", Files),
        ("http://h:16686", Jaeger),
        ("jaeger+http://h", Jaeger),
        ("http://h:3200", Tempo),
        ("tempo+http://h", Tempo),
    ],
)
def test_the_source_is_chosen_by_its_address(where: str, kind: type, tmp_path: Path) -> None:
    assert isinstance(source(Settings(trace_source=where, trace_dir=tmp_path)), kind)
