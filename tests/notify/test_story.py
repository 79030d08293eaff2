"""The story on a real database: order, who may read what, one deal from listing to payment, the live stream."""

import asyncio
import json

import pytest

from services.notify.app import service
from services.notify.story.handlers import Reader
from services.notify.story.stream import follow
from services.notify.story.tail import Tail
from shared.db import Database
from tests.fixtures import client, deliver
from tests.notify import events
from tests.notify.events import BUYER, DEAL, DEMAND, OFFER, OTHER, SELLER

STAFF = Reader(True, None)


async def tell(db: Database, *told: tuple[str, object]) -> None:
    for source, event in told:
        await deliver(db, service, event, source=source)  # type: ignore[arg-type]  # events of several classes


async def test_the_story_of_a_deal_follows_its_ids(db: Database) -> None:
    stranger = "lst_9" + "0" * 31
    await tell(db, ("south", events.published(stranger, "south", OTHER)), *events.all_of_it())
    async with client(db, service) as http:
        steps = (await http.get(f"/notify/stories/{DEAL}")).json()
        assert (await http.get("/notify/stories/dea_none")).status_code == 404
    names = " ".join(step["event_type"].split(".", 2)[2].removesuffix(".v1") for step in steps)
    assert names == (
        "listing.published listing.published match.found interest.expressed interest.accepted deal.opened "
        "reservation.granted listing.reserved terms.proposed terms.agreed deal.funded milestone.delivered "
        "milestone.accepted milestone.released transfer.prepared transfer.decided transfer.settled "
        "deal.completed listing.released"
    )
    said = {step["event_type"].split(".", 2)[2]: step["sentence"] for step in steps}
    assert said["milestone.released.v1"] == {
        "en": "Shanghai released milestone 1 (CNY 120,000.00) to Zhongguancun's Shuoyu University.",
        "zh": "上海批准第1个里程碑放款12万元，付给中关村的朔屿理工大学。",
    }
    assert said["deal.completed.v1"]["en"] == (
        "The deal on “Salt separation” between East Bank Dyeing Park and Shuoyu University is complete: transacted."
    )
    assert said["deal.funded.v1"]["zh"] == "东岸印染园已将12万元存入上海托管。"


@pytest.mark.parametrize(
    ("organisation", "reads"), [(BUYER, True), (SELLER, True), (OTHER, False), (None, False)], ids=str
)
async def test_members_read_what_is_open_or_concerns_them(db: Database, organisation: str | None, reads: bool) -> None:
    await tell(db, *events.all_of_it())
    async with client(db, service, roles={"member"}, organisation_id=organisation) as http:
        steps = (await http.get("/notify/story", params={"limit": 500})).json()["items"]
        whole = await http.get(f"/notify/stories/{DEAL}")
    scopes = {step["event_type"].split(".")[1] for step in steps}
    assert scopes == ({"listing", "matching", "escrow"} if reads else {"listing"})
    assert len(steps) == (19 if reads else 4)
    assert whole.status_code == (200 if reads else 404)


async def test_a_story_is_told_once_and_in_order(db: Database) -> None:
    told = [*events.known(), *events.listed()]
    await tell(db, *told)
    await tell(db, *told)  # the same facts, said again as new events: they happened twice
    async with client(db, service) as http:
        first = (await http.get("/notify/story", params={"after": "0", "limit": 2})).json()
        second = (await http.get("/notify/story", params={"after": first["next"], "limit": 10})).json()
        newest = (await http.get("/notify/story", params={"limit": 2})).json()
        about = (await http.get("/notify/story", params={"conversation": OFFER})).json()
        assert (await http.get("/notify/story", params={"after": "x"})).json()["title"] == "bad-cursor"
    assert (len(first["items"]), len(second["items"])) == (2, 4)
    assert newest["items"] == second["items"][-2:]
    assert newest["next"] == second["next"]
    assert {step["subject"] for step in about["items"]} == {OFFER}


async def test_a_center_tells_only_of_its_own(db: Database) -> None:
    forged = events.published(DEMAND, "east", BUYER)
    await deliver(db, service, forged, source="south")
    await deliver(db, service, events.state(OFFER, "beijing", OTHER), source="south")
    async with client(db, service) as http:
        assert (await http.get("/notify/story")).json()["items"] == []
    async with db.transaction() as session:
        from shared.db import driver

        connection = await driver(session)
        rules = await connection.fetch("SELECT grp, rule FROM inbox WHERE outcome = 'refused' ORDER BY grp")
        assert await connection.fetchval("SELECT count(*) FROM subject") == 0
    assert {row["rule"] for row in rules} == {"speaks-for-another"}


async def test_a_third_center_adds_nothing_to_a_deal(db: Database) -> None:
    await tell(db, *events.known(), *events.listed(), *events.agreed())
    await deliver(db, service, events.paid()[0][1].model_copy(update={"to": "east"}), source="south")
    async with client(db, service) as http:
        steps = (await http.get(f"/notify/stories/{DEAL}")).json()
    assert "south" not in {step["center"] for step in steps}


async def test_the_stream_tells_what_happens_and_resumes(db: Database) -> None:
    await tell(db, *events.known(), events.listed()[0])
    stopping = asyncio.Event()
    tail = Tail(db)
    lines = follow(tail, STAFF, None, None, stopping, heartbeat_s=0.05)
    assert "id: 1\n" in await anext(lines)
    assert await anext(lines) == ": alive\n\n", "nothing new yet"
    await tell(db, events.listed()[1], events.listed()[2])
    async with asyncio.timeout(10):
        seen = [step async for step in _steps(lines, 2)]
    assert [step["subject"] for step in seen] == [OFFER, events.MATCH]
    stopping.set()
    assert [line async for line in lines if "event: step" in line] == [], "it ends when the process stops"
    resumed = follow(tail, STAFF, 2, None, asyncio.Event())
    assert "id: 2\n" in await anext(resumed)
    assert [step["subject"] async for step in _steps(resumed, 1)] == [events.MATCH]
    await resumed.aclose()
    await lines.aclose()


async def test_a_stream_of_one_conversation_skips_the_rest(db: Database) -> None:
    tail, stopping = Tail(db), asyncio.Event()
    lines = follow(tail, STAFF, None, OFFER, stopping, heartbeat_s=0.05)
    await anext(lines)
    await tell(db, *events.known(), *events.listed())
    async with asyncio.timeout(10):
        assert [step["subject"] async for step in _steps(lines, 1)] == [OFFER]
    assert await anext(lines) == ": alive\n\n"
    await lines.aclose()


async def _steps(lines, count: int):  # type: ignore[no-untyped-def]  # an iterator of lines to one of steps
    async for line in lines:
        if "event: step" in line:
            yield json.loads(line.partition("data: ")[2])
            count -= 1
            if not count:
                return


async def test_the_stream_over_http(db: Database) -> None:
    await tell(db, *events.known(), *events.listed())
    async with client(db, service) as http:
        answer = await http.get("/notify/stream", params={"life_s": 0.1}, headers={"Last-Event-ID": "1"}, timeout=10)
        refused = await http.get("/notify/stream", headers={"Authorization": "none"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("event: step") == 2
    assert refused.status_code == 401
