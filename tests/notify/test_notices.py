"""Subscriptions meet events; notices and inbox on a real database."""

import re
from dataclasses import replace
from typing import Any

import pytest
from httpx import AsyncClient

from services.notify.app import service
from shared.db import Database, driver
from shared.schemas.base import Event
from shared.schemas.notify import NoticeDelivered
from tests.fixtures import center_of, client, deliver, emitted, feed, retry_waiting, signed_record
from tests.notify import events
from tests.notify.conftest import Clock
from tests.notify.events import BUYER, DEAL, OTHER, SELLER


async def tell(db: Database, *told: tuple[str, Event]) -> None:
    for source, event in told:
        await deliver(db, service, event, source=source)


async def subscribe(http: AsyncClient, **wish: Any) -> dict[str, Any]:
    answer = await http.post("/notify/subscriptions", json={"channel": "inbox", **wish})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def inbox(http: AsyncClient) -> list[str]:
    return [notice["event"] for notice in (await http.get("/notify/inbox", params={"limit": 200})).json()["items"]][
        ::-1
    ]


@pytest.mark.parametrize(
    ("wish", "heard"),
    [
        ({"events": ["listing.published"], "kinds": ["technology"]}, ["listing.published"]),
        ({"events": ["listing.published"], "centers": ["south"]}, []),
        (
            {"kinds": ["demand"]},
            ["listing.published", "match.found", "interest.expressed", "interest.accepted", "deal.opened"],
        ),
        (
            {"events": ["deal.opened", "milestone.released"], "centers": ["beijing"]},
            ["deal.opened", "milestone.released"],
        ),
        ({"deal_id": DEAL, "events": ["transfer.settled", "deal.completed"]}, ["transfer.settled", "deal.completed"]),
        ({"deal_id": "dea_other"}, []),
    ],
    ids=str,
)
async def test_by_event_kind_center_and_deal(db: Database, wish: dict[str, Any], heard: list[str]) -> None:
    async with client(db, service) as http:
        await subscribe(http, **wish)
        await tell(db, *events.all_of_it())
        assert await inbox(http) == heard


@pytest.mark.parametrize(("organisation", "hears"), [(BUYER, True), (SELLER, True), (OTHER, False)], ids=str)
async def test_a_member_hears_what_concerns_their_organisation(db: Database, organisation: str, hears: bool) -> None:
    async with client(db, service, roles={"member"}, organisation_id=organisation) as http:
        await subscribe(http, events=["match.found", "milestone.released", "listing.reserved"])
        await tell(db, *events.all_of_it())
        expected = ["match.found", "listing.reserved", "milestone.released"] if hears else ["listing.reserved"]
        assert await inbox(http) == expected


async def test_a_right_that_hangs_on_an_unknown_listing_waits_for_it(db: Database, clock: Clock) -> None:
    async with client(db, service, roles={"member"}, organisation_id=BUYER) as http:
        await subscribe(http, events=["match.found"])
        await tell(db, events.listed()[2])
        assert await inbox(http) == []
        await tell(db, *events.known())
        clock.turn(seconds=60)
        await retry_waiting(db, service)
        assert await inbox(http) == ["match.found"]


async def test_staff_need_not_wait(db: Database) -> None:
    async with client(db, service) as http:
        await subscribe(http, events=["match.found"])
        await tell(db, events.listed()[2])
        assert await inbox(http) == ["match.found"]


async def test_the_inbox_is_unread_first_and_ones_own(db: Database) -> None:
    async with client(db, service) as http, client(db, service, subject="bob") as other:
        await subscribe(http, events=["listing.published", "match.found", "deal.opened"])
        await tell(db, *events.all_of_it())
        first = (await http.get("/notify/inbox", params={"limit": 2})).json()
        assert [n["event"] for n in first["items"]] == ["deal.opened", "match.found"]
        assert first["items"][1]["sentence"]["en"] == (
            "A match (73%): “Reuse of dyeing brine” at Shanghai and “Salt separation” at Zhongguancun."
        )
        newest = first["items"][0]["id"]
        read = await http.post(f"/notify/inbox/{newest}/read")
        assert read.json()["read_at"] is not None
        assert (await other.post(f"/notify/inbox/{newest}/read")).status_code == 404
        seen, after = [], None
        while True:
            page = (await http.get("/notify/inbox", params={"limit": 1, **({"after": after} if after else {})})).json()
            seen += [n["event"] for n in page["items"]]
            if (after := page["next"]) is None:
                break
        assert seen == ["match.found", "listing.published", "listing.published", "deal.opened"]
        assert (await other.get("/notify/inbox")).json()["items"] == []


async def test_an_organisation_shares_its_inbox(db: Database) -> None:
    async with (
        client(db, service, roles={"member"}, organisation_id=BUYER) as http,
        client(db, service, roles={"member"}, subject="bob", organisation_id=BUYER) as colleague,
        client(db, service, roles={"officer"}, subject="eve") as officer,
    ):
        shared = await subscribe(http, events=["deal.completed"], shared=True)
        await tell(db, *events.all_of_it())
        assert await inbox(colleague) == ["deal.completed"]
        assert [s["id"] for s in (await colleague.get("/notify/subscriptions")).json()["items"]] == [shared["id"]]
        assert (await officer.post("/notify/subscriptions", json={"channel": "inbox", "shared": True})).json()[
            "title"
        ] == "no-organisation"
        assert (await officer.delete(f"/notify/subscriptions/{shared['id']}")).status_code == 404
        assert (await colleague.delete(f"/notify/subscriptions/{shared['id']}")).status_code == 204
        assert await inbox(http) == []


async def test_an_inbox_notice_is_announced_as_delivered_once(db: Database) -> None:
    async with client(db, service) as http:
        made = await subscribe(http, events=["deal.opened"])
    beijing = center_of(db.center.settings.trust, "east", "escrow")
    record = signed_record(beijing, events.opened())
    for _ in range(2):
        await feed(db, service, [record, replace(record, offset=record.offset + 1)])
    announced = await emitted(db, NoticeDelivered)
    assert len(announced) == 1
    delivered = announced[0]
    assert isinstance(delivered, NoticeDelivered)
    assert (delivered.subscription_id, delivered.channel, delivered.about) == (made["id"], "inbox", DEAL)
    assert re.fullmatch(r"ntc_[0-9a-f]{32}", delivered.notice_id)


async def test_a_deals_notice_is_part_of_its_story(db: Database) -> None:
    async with client(db, service) as http:
        await subscribe(http, deal_id=DEAL, events=["deal.completed"])
        await tell(db, *events.all_of_it())
        for announced in await emitted(db, NoticeDelivered):
            await deliver(db, service, announced)
        steps = (await http.get(f"/notify/stories/{DEAL}")).json()
    assert steps[-1]["sentence"]["en"] == "A notice (“deal.completed”) reached its subscriber by inbox."


async def test_a_burst_is_matched_in_one_go(db: Database) -> None:
    count = 400
    async with client(db, service) as http:
        for n in range(5):
            await subscribe(http, events=["listing.published"], kinds=["technology"] if n else [])
    beijing = center_of(db.center.settings.trust, "beijing", "listing")
    ids = [f"lst_{n:032x}" for n in range(count)]
    records = [signed_record(beijing, events.published(id, "beijing", SELLER)) for id in ids]
    await feed(db, service, records)
    async with db.transaction() as session:
        connection = await driver(session)
        assert await connection.fetchval("SELECT count(*) FROM notice") == count * 5
        assert await connection.fetchval("SELECT count(*) FROM step") == count
    assert len(await emitted(db, NoticeDelivered)) == count * 5


@pytest.mark.parametrize(
    ("wish", "rule"),
    [
        ({"channel": "inbox", "events": ["listing.burnt"]}, "unknown-event"),
        ({"channel": "webhook"}, "webhook-url"),
        ({"channel": "inbox", "url": "https://example.org"}, "webhook-url"),
        ({"channel": "webhook", "url": "ftp://example.org"}, "webhook-url"),
        ({"channel": "pigeon"}, "invalid-request"),
    ],
    ids=str,
)
async def test_what_can_not_be_subscribed_to(db: Database, wish: dict[str, Any], rule: str) -> None:
    async with client(db, service) as http:
        answer = await http.post("/notify/subscriptions", json=wish)
    assert (answer.status_code, answer.json()["title"]) == (422, rule)


async def test_subscriptions_are_paged_and_counted(db: Database) -> None:
    async with client(db, service) as http:
        made = [(await subscribe(http))["id"] for _ in range(3)]
        page = (await http.get("/notify/subscriptions", params={"limit": 2})).json()
        rest = (await http.get("/notify/subscriptions", params={"after": page["next"]})).json()
        one = (await http.get(f"/notify/subscriptions/{made[0]}")).json()
        refused = await http.post(f"/notify/subscriptions/{made[0]}/enable")
    assert [s["id"] for s in page["items"] + rest["items"]] == made
    assert "secret" not in one
    assert refused.json()["title"] == "not-a-webhook"


async def test_a_third_center_is_not_believed_about_a_deal(db: Database) -> None:
    async with client(db, service) as http:
        await subscribe(http, events=["deal.funded"])
        await tell(db, *events.known(), *events.agreed())
        forged = events.paid()[0][1].model_copy(update={"to": "east"})
        await deliver(db, service, forged, source="south")
        assert await inbox(http) == []
