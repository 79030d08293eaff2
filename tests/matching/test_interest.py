"""Interests between two centers: expressed, answered once, recorded on both sides."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.matching.app import service
from services.matching.interest import domain
from services.matching.interest.domain import NEXT, Status
from shared.db import Database, driver
from shared.schemas.matching import InterestAccepted, InterestDeclined, InterestExpressed, MatchFound
from tests.fixtures import OpenDatabase, Wire, client, deliver, emitted, retry_waiting
from tests.matching.market import changed, listing, publish

DEMAND = listing("demand", "east", "demand", title="Electrodialysis of dyeing brine for salt recovery")
OFFER = listing("offer", "south", title="Electrodialysis stack for salt recovery from brine")
PAIR = {"demand_id": DEMAND.listing_id, "offer_id": OFFER.listing_id}


@dataclass
class Alliance:
    """The demand's center and the offer's, with somebody of each party and what is said carried by hand."""

    east: Database
    south: Database
    wire: Wire
    seeker: httpx.AsyncClient
    owner: httpx.AsyncClient

    async def express(self, **fields: Any) -> httpx.Response:
        body = PAIR | {"message": "We treat 200 m3 a day."} | fields
        return await self.seeker.post("/matching/interests", json=body, headers=once())

    async def answer(self, interest_id: str, how: str, **body: str) -> httpx.Response:
        return await self.owner.post(f"/matching/interests/{interest_id}/{how}", json=body or None, headers=once())


def once() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


@pytest.fixture
async def alliance(open_database: OpenDatabase) -> AsyncIterator[Alliance]:
    east, south = await open_database(service, "east"), await open_database(service, "south")
    await publish([east, south], [DEMAND, OFFER])
    wire = Wire([(east, service), (south, service)], duplicate=True)
    await wire.carry()
    async with (
        client(east, service, roles={"member"}, subject="bo", organisation_id=DEMAND.organisation_id) as seeker,
        client(south, service, roles={"member"}, subject="cai", organisation_id=OFFER.organisation_id) as owner,
    ):
        yield Alliance(east, south, wire, seeker, owner)


async def kinds(db: Database) -> list[str]:
    events = await emitted(db, InterestExpressed, InterestAccepted, InterestDeclined)
    return [type(event).__name__ for event in events]


async def statuses(db: Database) -> list[tuple[str, str | None]]:
    async with db.transaction() as session:
        rows = await (await driver(session)).fetch("SELECT status, reason FROM interest ORDER BY expressed_at")
    return [(row["status"], row["reason"]) for row in rows]


async def test_an_interest_is_accepted(alliance: Alliance) -> None:
    (match,) = [event for event in await emitted(alliance.east, MatchFound) if isinstance(event, MatchFound)]
    response = await alliance.seeker.post("/matching/interests", json={"match_id": match.match_id}, headers=once())
    assert response.status_code == 201
    expressed = response.json()
    assert expressed["side"] == "seeker"
    assert expressed["demand_title"]["en"] == DEMAND.title.en
    within = datetime.fromisoformat(expressed["answer_by"]) - datetime.fromisoformat(expressed["expressed_at"])
    assert within == domain.ANSWER_WITHIN
    await alliance.wire.carry()
    (received,) = (await alliance.owner.get("/matching/interests", params={"status": "open"})).json()["items"]
    assert received["side"] == "owner"
    assert received["match_id"] == match.match_id
    assert received["answer_by"] == expressed["answer_by"]
    accepted = await alliance.answer(received["interest_id"], "acceptance")
    assert accepted.status_code == 200
    assert accepted.json()["status"] == "accepted"
    await alliance.wire.carry()
    assert await statuses(alliance.east) == await statuses(alliance.south) == [("accepted", None)]
    (event,) = [e for e in await emitted(alliance.south, InterestAccepted) if isinstance(e, InterestAccepted)]
    assert (event.to, event.seeker_center, event.owner_center) == ("east", "east", "south")
    assert event.seeker_organisation_id == DEMAND.organisation_id
    assert event.owner_organisation_id == OFFER.organisation_id
    assert await kinds(alliance.east) == ["InterestExpressed"]
    assert await kinds(alliance.south) == ["InterestAccepted"]


async def test_a_decline_needs_a_reason_and_frees_the_pair(alliance: Alliance) -> None:
    id = (await alliance.express()).json()["interest_id"]
    await alliance.wire.carry()
    for nothing in ("", "  "):
        refused = await alliance.answer(id, "decline", reason=nothing)
        assert (refused.status_code, refused.json()["title"]) == (422, "reason-required")
    assert (await alliance.answer(id, "decline", reason=" Sold out ")).json()["reason"] == "Sold out"
    await alliance.wire.carry()
    assert await statuses(alliance.east) == await statuses(alliance.south) == [("declined", "Sold out")]
    again = await alliance.express()
    assert again.status_code == 201
    assert (await alliance.seeker.get("/matching/interests", params={"status": "open"})).json()["items"] == [
        again.json()
    ]


async def test_one_open_interest_per_pair(alliance: Alliance) -> None:
    first, second = await asyncio.gather(alliance.express(), alliance.express())
    assert sorted([first.status_code, second.status_code]) == [201, 409]
    refused = next(one for one in (first, second) if one.status_code == 409)
    assert refused.json()["title"] == "interest-already-open"
    assert await kinds(alliance.east) == ["InterestExpressed"]


async def test_a_repeated_request_is_one_interest(alliance: Alliance) -> None:
    key = once()
    answers = [await alliance.seeker.post("/matching/interests", json=PAIR, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(await statuses(alliance.east)) == 1
    assert (await alliance.seeker.post("/matching/interests", json=PAIR)).status_code == 400, "a key is needed"


async def test_accept_and_decline_at_once_one_wins(alliance: Alliance) -> None:
    id = (await alliance.express()).json()["interest_id"]
    await alliance.wire.carry()
    answers = await asyncio.gather(
        *(alliance.answer(id, "acceptance") for _ in range(3)),
        *(alliance.answer(id, "decline", reason="Sold out") for _ in range(3)),
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert {answer.json()["title"] for answer in answers if answer.status_code == 409} == {"interest-already-answered"}
    assert len(await kinds(alliance.south)) == 1
    await alliance.wire.carry()
    assert await statuses(alliance.east) == await statuses(alliance.south)


async def test_an_interest_that_overtakes_its_listing_waits(open_database: OpenDatabase) -> None:
    south = await open_database(service, "south")
    event = expressed_event()
    await deliver(south, service, event, source="east")
    assert await statuses(south) == []
    await publish([south], [OFFER])
    await retry_waiting(south, service)
    assert await statuses(south) == [("open", None)]


def expressed_event(**fields: Any) -> InterestExpressed:
    values: dict[str, Any] = {
        "to": "south", "interest_id": "int_" + "1" * 32, "match_id": None, **PAIR, "seeker_center": "east",
        "seeker_organisation_id": DEMAND.organisation_id, "answer_by": datetime.now(UTC) + timedelta(days=3),
    }  # fmt: skip
    return InterestExpressed(**(values | fields))


async def test_an_interest_in_what_is_gone_is_declined_by_rule(alliance: Alliance) -> None:
    await publish([alliance.south], [changed(OFFER, status="withdrawn")])
    await alliance.express()
    await alliance.wire.carry()
    assert await statuses(alliance.east) == await statuses(alliance.south) == [("declined", domain.NO_LONGER_OFFERED)]


async def test_what_is_gone_meanwhile_is_not_accepted(alliance: Alliance) -> None:
    id = (await alliance.express()).json()["interest_id"]
    await alliance.wire.carry()
    await publish([alliance.south, alliance.east], [changed(OFFER, status="reserved")])
    refused = await alliance.answer(id, "acceptance")
    assert (refused.status_code, refused.json()["title"]) == (409, "not-offered")
    assert (await alliance.express()).json()["title"] == "not-offered"
    assert (await alliance.answer(id, "decline", reason="Reserved for another")).status_code == 200


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("beijing", {}),
        ("beijing", {"seeker_center": "beijing"}),
        ("east", {"offer_id": listing("other", "beijing").listing_id}),
    ],
)
async def test_nobody_speaks_for_another_party(alliance: Alliance, source: str, fields: dict[str, str]) -> None:
    await publish([alliance.south], [listing("other", "beijing")])
    await deliver(alliance.south, service, expressed_event(**fields), source=source)
    assert await statuses(alliance.south) == []
    async with alliance.south.transaction() as session:
        rule = await (await driver(session)).fetchval("SELECT rule FROM inbox WHERE outcome = 'refused'")
    assert rule == "not-the-party"


async def test_only_the_owner_answers(alliance: Alliance) -> None:
    interest = (await alliance.express()).json()
    answer = InterestAccepted(
        to="east", interest_id=interest["interest_id"], **PAIR, seeker_center="east",
        seeker_organisation_id=DEMAND.organisation_id, owner_center="south", owner_organisation_id="org",
    )  # fmt: skip
    await deliver(alliance.east, service, answer, source="beijing")
    assert await statuses(alliance.east) == [("open", None)]
    here = await alliance.seeker.post(f"/matching/interests/{interest['interest_id']}/acceptance", headers=once())
    assert (here.status_code, here.json()["title"]) == (409, "decided-at-another-center")


async def test_who_may_speak_for_whom(alliance: Alliance) -> None:
    path = "/matching/interests"
    async with client(alliance.east, service, roles={"member"}, organisation_id="org_other") as stranger:
        refused = await stranger.post(path, json=PAIR, headers=once())
        assert (refused.status_code, refused.json()["title"]) == (403, "not-your-listing")
    async with client(alliance.east, service, roles={"auditor"}) as auditor:
        assert (await auditor.post(path, json=PAIR, headers=once())).status_code == 403
    async with client(alliance.east, service, roles={"technology_manager"}) as manager:
        swapped = {"demand_id": PAIR["offer_id"], "offer_id": PAIR["demand_id"]}
        assert (await manager.post(path, json=swapped, headers=once())).json()["title"] == "decided-at-another-center"
        itself = {"demand_id": PAIR["demand_id"], "offer_id": PAIR["demand_id"]}
        assert (await manager.post(path, json=itself, headers=once())).json()["title"] == "not-a-pair"
        assert (await manager.post(path, json={"match_id": "mat_0"}, headers=once())).status_code == 404
        assert (await manager.post(path, json=PAIR | {"offer_id": "lst_0"}, headers=once())).status_code == 404
        assert (await manager.post(path, json=PAIR | {"match_id": "mat_0"}, headers=once())).status_code == 422
        id = (await manager.post(path, json=PAIR, headers=once())).json()["interest_id"]
    async with client(alliance.east, service, roles={"member"}, organisation_id="org_other") as stranger:
        assert (await stranger.get(path)).json()["items"] == []
        assert (await stranger.get(f"{path}/{id}")).status_code == 404
    await alliance.wire.carry()
    async with client(alliance.south, service, roles={"member"}, organisation_id="org_other") as stranger:
        refused = await stranger.post(f"{path}/{id}/acceptance", headers=once())
        assert refused.json()["title"] == "not-your-listing"
    async with client(alliance.south, service, roles={"officer"}) as officer:
        assert (await officer.post(f"{path}/{id}/acceptance", headers=once())).status_code == 200
        assert (await officer.post(f"{path}/int_0/acceptance", headers=once())).status_code == 404


async def test_both_parties_at_one_center(open_database: OpenDatabase) -> None:
    south = await open_database(service, "south")
    demand = listing("demand", "south", "demand", title=DEMAND.title)
    await publish([south], [demand, OFFER])
    wire = Wire([(south, service)], duplicate=True)
    async with client(south, service, roles={"technology_manager"}) as manager:
        body = {"demand_id": demand.listing_id, "offer_id": OFFER.listing_id}
        interest = (await manager.post("/matching/interests", json=body, headers=once())).json()
        assert interest["side"] == "both"
        await wire.carry()
        path = f"/matching/interests/{interest['interest_id']}"
        assert (await manager.post(f"{path}/acceptance", headers=once())).status_code == 200
        await wire.carry()
        assert (await manager.get(path)).json()["status"] == "accepted"
    assert await kinds(south) == ["InterestExpressed", "InterestAccepted"]


async def test_lists_by_side_and_page(alliance: Alliance) -> None:
    others = [listing(f"offer {i}", "south", title=OFFER.title) for i in range(3)]
    await publish([alliance.east, alliance.south], others)
    for one in others:
        assert (await alliance.express(offer_id=one.listing_id)).status_code == 201
    path, seen, after = "/matching/interests", [], None
    while True:
        page = (await alliance.seeker.get(path, params={"limit": 1} | ({"after": after} if after else {}))).json()
        seen += [item["offer_id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [one.listing_id for one in reversed(others)]
    assert (await alliance.seeker.get(path, params={"side": "owner"})).json()["items"] == []
    assert len((await alliance.seeker.get(path, params={"side": "seeker"})).json()["items"]) == 3
    of_one = await alliance.seeker.get(path, params={"listing_id": others[1].listing_id})
    assert [item["offer_id"] for item in of_one.json()["items"]] == [others[1].listing_id]


def test_every_move_is_in_the_table() -> None:
    for status in Status:
        for to in Status:
            if to in NEXT[status]:
                assert domain.move("int_1", status, to) is to
            else:
                with pytest.raises(domain.AlreadyAnswered):
                    domain.move("int_1", status, to)


def test_an_answer_is_late_after_its_time() -> None:
    now = datetime(2026, 1, 20, tzinfo=UTC)
    due = domain.answer_by(now)
    assert not domain.overdue(due, None, due)
    assert domain.overdue(due, None, due + timedelta(seconds=1))
    assert not domain.overdue(due, now, due + timedelta(days=9)), "it was answered in time"
    assert domain.overdue(due, due + timedelta(days=1), due + timedelta(days=1))
