"""Bulk import on a real database: twice is once, bad rows are named, publishing in one go, parts, traces."""

from typing import Any

import orjson
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.listing.app import service
from services.listing.resource import imports, upload
from services.listing.resource.rows import lines
from shared.db import Database, driver
from shared.schemas.listing import ListingPublished, ListingState, OrganisationState
from tests.fixtures import OpenDatabase, emitted
from tests.listing.market import CANARY, member, officer, organisation, registered, technology
from tests.listing.people import OFFICER

JSONL = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
async def db(open_database: OpenDatabase) -> Database:
    return await open_database(service)


def body(*rows: dict[str, Any] | str) -> bytes:
    """JSON lines."""
    return b"\n".join(row.encode() if isinstance(row, str) else orjson.dumps(row) for row in rows)


def org_row(external_id: str = "O-1", **said: Any) -> dict[str, Any]:
    return {"external_id": external_id} | organisation(**said)


def row(external_id: str, **said: Any) -> dict[str, Any]:
    return {"external_id": external_id, "organisation": "O-1"} | technology(external_id) | said


async def send(db: Database, content: bytes, **params: Any) -> dict[str, Any]:
    """The report of an officer's import."""
    async with officer(db) as olga:
        answer = await olga.post("/listing/imports", content=content, params=params, headers=JSONL)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def counts(report: dict[str, Any]) -> tuple[int, int, int, int]:
    return report["created"], report["updated"], report["unchanged"], report["refused"]


async def journal_size(db: Database) -> int:
    return len(await emitted(db))


async def test_the_same_file_twice_changes_nothing(db: Database) -> None:
    content = body(org_row(), row("T-1"), row("T-2", tier="center"))
    first = await send(db, content, publish=True)
    size = await journal_size(db)
    second = await send(db, content, publish=True)
    assert (counts(first), counts(second)) == ((3, 0, 0, 0), (0, 0, 3, 0))
    assert [r["id"] for r in first["rows"]] == [r["id"] for r in second["rows"]]
    assert await journal_size(db) == size
    kinds = [type(event) for event in await emitted(db)]
    assert kinds == [OrganisationState, ListingPublished, ListingState]  # T-2 stays at the center
    async with db.transaction() as session:
        versions = await (await driver(session)).fetchval("SELECT count(*) FROM listing_version")
    assert versions == 2


async def test_a_changed_row_is_updated_and_the_others_are_not(db: Database) -> None:
    await send(db, body(org_row(), row("T-1"), row("T-2")), publish=True)
    report = await send(db, body(org_row(region="CN-SH"), row("T-1", trl=9), row("T-2"), row("T-3")), publish=True)
    assert [r["result"] for r in report["rows"]] == ["updated", "updated", "unchanged", "created"]
    states = [event for event in await emitted(db, ListingState) if isinstance(event, ListingState)]
    assert [(state.listing_version, state.trl) for state in states] == [(1, 8), (1, 8), (2, 9), (1, 8)]


async def test_drafts_are_imported_first_and_published_by_a_later_import(db: Database) -> None:
    drafts = await send(db, body(org_row(), row("T-1")))
    assert drafts["rows"][1]["status"] == "draft"
    later = await send(db, body(row("T-1")), publish=True)
    assert (later["rows"][0]["result"], later["rows"][0]["status"]) == ("updated", "published")


async def test_bad_rows_are_named_and_stop_no_other(db: Database) -> None:
    report = await send(
        db,
        body(
            org_row(),
            "{broken",
            row("T-1"),
            row("T-2", trl=12),
            row("T-3", organisation="O-9"),
            row("T-4", kind="spaceship"),
            row("T-5", title={"en": ""}),
            row("T-6", summary={}),
            org_row("O-2", uscc="911"),
            row("T-7", center="south"),
            row("T-8", price={"min_minor": 5, "max_minor": 1}),
            "",
            row("T-1", kind="demand"),
            row("T-9", shoe_size=42),
        ),
        publish=True,
    )
    assert [(r["line"], r["rule"]) for r in report["rows"] if r["result"] == "refused"] == [
        (2, "not-a-row"), (4, "invalid-field"), (5, "unknown-organisation"), (6, "unknown-kind"), (7, "title-missing"),
        (8, "incomplete"), (9, "bad-uscc"), (10, "wrong-center"), (11, "bad-price"), (13, "fixed-field"),
    ]  # fmt: skip
    assert all(r["sentence"]["zh"] and r["sentence"]["en"] for r in report["rows"] if r["result"] == "refused")
    assert counts(report) == (3, 0, 0, 10)
    assert report["ignored_columns"] == ["shoe_size"]
    assert len(await emitted(db, ListingState)) == 2


async def test_csv_in_chinese_is_imported(db: Database) -> None:
    text = "编号,类别,机构名称\nO-1,高校,燕麓医科大学\n"
    listings = "编号,类别,单位,标题,摘要,最低价\nT-1,技术成果,O-1,电渗析,分盐,1800000\nT-2,需求,O-1,盐水,求技术,\n"
    async with officer(db) as olga:
        for part in (text, listings):
            answer = await olga.post(
                "/listing/imports", content=part.encode("gb18030"), headers={"Content-Type": "text/csv"}
            )
            assert answer.json()["refused"] == 0, answer.text
        found = (await olga.get("/listing/listings", params={"external_id": "T-1"})).json()["items"]
        broken = await olga.post("/listing/imports", content=b"hello\n", headers={"Content-Type": "text/csv"})
        picture = await olga.post("/listing/imports", content=b"x", headers={"Content-Type": "image/png"})
    assert (found[0]["title"]["zh"], found[0]["price"]["min_minor"]) == ("电渗析", 180_000_000)
    assert (broken.status_code, broken.json()["title"]) == (422, "not-readable")
    assert picture.status_code == 422


async def test_members_import_their_own_and_publish_nothing(db: Database) -> None:
    own, other = await registered(db, external_id="O-1"), await registered(db, external_id="O-2", name="别家")
    assert own != other
    async with member(db, own) as mei:
        mine = {name: value for name, value in row("T-1").items() if name != "organisation"}
        answer = await mei.post("/listing/imports", content=body(mine, row("T-2", organisation="O-2")), headers=JSONL)
        too_far = await mei.post("/listing/imports", params={"publish": True}, content=body(mine), headers=JSONL)
    assert [r["rule"] for r in answer.json()["rows"]] == [None, "not-your-organisation"]
    assert (too_far.status_code, too_far.json()["title"]) == (403, "officer-needed")


async def test_a_nightly_import_does_not_undo_a_withdrawal(db: Database) -> None:
    first = await send(db, body(org_row(), row("T-1")), publish=True)
    async with officer(db) as olga:
        await olga.post(f"/listing/listings/{first['rows'][1]['id']}/withdrawal", json={"reason": "sold"})
    same = await send(db, body(row("T-1")), publish=True)
    changed = await send(db, body(row("T-1", trl=9)), publish=True)
    assert (same["rows"][0]["result"], same["rows"][0]["status"]) == ("unchanged", "withdrawn")
    assert changed["rows"][0]["rule"] == "not-editable"


async def test_too_many_rows_are_refused_and_parts_of_a_file_are_sent(db: Database) -> None:
    many = [row(f"T-{n}") for n in range(imports.ROWS_MAX + 1)]
    async with officer(db) as olga:
        answer = await olga.post("/listing/imports", content=body(*many), headers=JSONL)
        assert (answer.status_code, answer.json()["title"]) == (413, "too-many-rows")
        parts = list(upload.row_parts([org_row(), *many[:150]]))
        reports = [report async for report in upload.send(olga, parts, publish=True)]
        again = [report async for report in upload.send(olga, parts, publish=True)]
    assert [report.created for report in reports] == [100, 51]
    assert [report.rows[-1].line for report in reports] == [100, 151]
    assert [report.unchanged for report in again] == [100, 51]


async def test_an_older_file_takes_effect_again(db: Database) -> None:
    older, newer = upload.row_parts([org_row(), row("T-1")]), upload.row_parts([row("T-1", trl=9)])
    files = [list(older), list(newer)]
    async with officer(db) as olga:
        reports = [report for n in (0, 1, 0) async for report in upload.send(olga, files[n], publish=True)]
    assert [(r.created, r.updated, r.unchanged) for r in reports] == [(2, 0, 0), (0, 1, 0), (0, 1, 1)]


async def test_tier_center_rows_leave_no_trace_beyond_the_center(db: Database) -> None:
    report = await send(db, body(org_row(), row(CANARY, tier="center", summary={"zh": CANARY})), publish=True)
    assert report["rows"][1]["status"] == "published"
    async with db.transaction() as session:
        rows = await (await driver(session)).fetch("SELECT topic, headers, body FROM journal")
    assert all(CANARY not in r["headers"] and CANARY.encode() not in r["body"] for r in rows)
    assert {r["topic"] for r in rows} == {"ctta.east.listing.state"}  # the organisation's


async def test_each_row_has_a_trace_of_its_own_linked_to_the_import(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(imports, "service_tracer", lambda service: provider.get_tracer("test"))
    rows = list(lines(body(org_row(), row("T-1"), row("T-2")), "jsonl"))
    with provider.get_tracer("test").start_as_current_span("import") as importing:
        async with db.transaction() as session:
            await imports.import_rows(session, OFFICER, rows, publish=True)
    kept = [span for span in spans.get_finished_spans() if span.name == "import row"]
    assert len({span.context.trace_id for span in kept if span.context} | {importing.get_span_context().trace_id}) == 3
    assert all(span.links[0].context.trace_id == importing.get_span_context().trace_id for span in kept)
    async with db.transaction() as session:
        sent = await (await driver(session)).fetch("SELECT headers FROM journal WHERE type = $1", ListingState.type)
    announced = {orjson.loads(r["headers"])["traceparent"].split("-")[1] for r in sent}
    assert announced == {trace.format_trace_id(span.context.trace_id) for span in kept if span.context}
