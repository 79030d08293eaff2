"""The page's own doors: files with their headers, the center, the spans of a story."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.console.files import read_files
from services.console.trace import SPANS_MAX
from tests.console.fake import FakeProcess


@pytest.fixture
def process(tmp_path: Path) -> FakeProcess:
    return FakeProcess(tmp_path)


@pytest.fixture
async def client(process: FakeProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(process), base_url="http://east") as one:
        yield one


def bearer(process: FakeProcess, *roles: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {process.token(*roles)}"}


async def test_the_page_is_asked_for_again_and_sent_once(client: httpx.AsyncClient) -> None:
    first = await client.get("/")
    assert first.status_code == 200
    assert first.headers["content-type"].startswith("text/html")
    assert first.headers["cache-control"] == "no-cache"
    again = await client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_everything_is_sent_with_the_policy(client: httpx.AsyncClient) -> None:
    for path in ("", *(f"page/{name}" for name in read_files())):
        answer = await client.get(f"/{path}")
        assert answer.status_code == 200, path
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_file_names_another_place() -> None:
    allowed = {"http://www.w3.org/2000/svg"}
    for name, file in read_files().items():
        for word in file.body.decode().replace('"', " ").replace("'", " ").split():
            assert "://" not in word or word in allowed, f"{name}: {word}"


def test_the_page_is_small() -> None:
    assert sum(len(file.body) for file in read_files().values()) < 120_000


@pytest.mark.parametrize("path", ["/page/../app.py", "/page/%2e%2e/app.py", "/page/nothing.js", "/nothing"])
async def test_nothing_else_is_there(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_who_we_are_is_told_to_anybody(client: httpx.AsyncClient) -> None:
    told = (await client.get("/center")).json()
    assert told["id"] == "east"
    assert told["hubs"] == ["beijing", "south"]
    assert {one["id"]: one["role"] for one in told["centers"]} == {"beijing": "hub", "south": "hub", "east": "spoke"}
    assert told["name"] == {"zh": "上海", "en": "Shanghai"}


async def test_the_spans_of_a_deal(client: httpx.AsyncClient, process: FakeProcess) -> None:
    deal = process.market.deals[0].id
    told = (await client.get(f"/trace/deal/{deal}", headers=bearer(process))).json()
    assert told["spans_total"] == len(process.market.spans) == len(told["spans"]) < SPANS_MAX
    assert told["services"] == ["escrow", "listing", "matching", "notify"]
    assert told["centers"] == ["beijing", "east"]
    first, last = told["spans"][0], told["spans"][-1]
    assert (first["start_us"], first["duration_us"], first["parent_id"]) == (0, 14_000, "")
    assert (last["error"], last["start_us"]) == ("ConnectError", 240_085_000)
    sent = next(span for span in told["spans"] if span["name"].startswith("send"))
    assert (sent["topic"], sent["event_type"]) == (
        "ctta.east.matching.to.beijing",
        "ctta.matching.interest.expressed.v1",
    )


async def test_the_spans_of_one_trace(client: httpx.AsyncClient, process: FakeProcess) -> None:
    trace = process.market.spans[0].trace_id
    told = (await client.get(f"/trace/trace/{trace}", headers=bearer(process))).json()
    assert {span["trace_id"] for span in told["spans"]} == {trace}


async def test_a_trace_is_for_staff(client: httpx.AsyncClient, process: FakeProcess) -> None:
    deal = process.market.deals[0].id
    assert (await client.get(f"/trace/deal/{deal}")).status_code == 401
    refused = await client.get(f"/trace/deal/{deal}", headers=bearer(process, "member") | {"Accept-Language": "zh"})
    assert (refused.status_code, refused.json()["title"]) == (403, "role-missing")


async def test_a_trace_that_is_not_here(client: httpx.AsyncClient, process: FakeProcess) -> None:
    answer = await client.get("/trace/deal/dea_0", headers=bearer(process))
    assert (answer.status_code, answer.json()["title"]) == (404, "not-found")
    odd = await client.get('/trace/deal/x" || true', headers=bearer(process))
    assert odd.status_code == 422
