"""Webhooks over real sockets: what arrives, what fails, what waits, and what nobody may reach."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from httpx import AsyncClient
from standardwebhooks.webhooks import Webhook

from services.notify.app import service
from services.notify.delivery.courier import Courier
from services.notify.delivery.domain import DISABLE_AFTER, LEASE
from services.notify.delivery.handlers import lease
from shared.db import Database, driver
from shared.http import cursor
from shared.schemas.notify import NoticeDelivered, SubscriptionDisabled
from shared.service import Worker
from tests.fixtures import center_of, client, deliver, emitted, feed, signed_record
from tests.notify import events
from tests.notify.conftest import Clock, Receiver
from tests.notify.events import DEAL, OFFER, SELLER


@pytest.fixture
async def courier() -> AsyncIterator[Courier]:
    made = Courier(chance=lambda: 1.0)
    yield made
    await made.close()


@pytest.fixture
async def http(db: Database) -> AsyncIterator[AsyncClient]:
    async with client(db, service) as made:
        yield made


async def subscribe(http: AsyncClient, url: str, **wish: Any) -> dict[str, Any]:
    answer = await http.post("/notify/subscriptions", json={"channel": "webhook", "url": url, **wish})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def publish(db: Database, *numbers: int) -> None:
    for n in numbers:
        await deliver(db, service, events.published(f"lst_{n:032x}", "beijing", SELLER), source="beijing")


async def finish(courier: Courier, worker: Worker) -> None:
    """Until nothing is due and nothing under way."""
    async with asyncio.timeout(20):
        while await courier.step(worker):
            pass


async def log(http: AsyncClient, **filters: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await http.get("/notify/deliveries", params=filters)).json()["items"]
    return items


async def test_a_webhook_arrives_signed(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver
) -> None:
    made = await subscribe(http, receiver.url, events=["milestone.released"])
    for source, event in events.all_of_it():
        await deliver(db, service, event, source=source)
    await finish(courier, worker)
    [(headers, body)] = receiver.got
    told = Webhook(made["secret"]).verify(body, headers)
    assert told["type"] == "milestone.released"
    assert told["data"]["notice_id"] == headers["webhook-id"]
    assert told["data"]["sentence"]["zh"].startswith("上海批准第1个里程碑放款12万元")
    assert (told["data"]["told_by"], told["data"]["ids"]["deal_id"]) == ("east", DEAL)
    assert headers["content-type"] == "application/json"
    key = (await http.get("/notify/webhook-key", headers={"Authorization": ""})).json()
    assert key["kid"].startswith("east/notify/")
    assert key["key"].startswith("whpk_")
    [delivery] = await log(http)
    assert (delivery["state"], [a["status"] for a in delivery["attempts"]]) == ("delivered", [204])
    [delivered] = await emitted(db, NoticeDelivered)
    assert isinstance(delivered, NoticeDelivered)
    assert (delivered.channel, delivered.attempts, delivered.about) == ("webhook", 1, DEAL)
    assert made["secret"] not in json.dumps((await http.get("/notify/subscriptions")).json())


async def test_failures_are_tried_again_later_with_the_same_id_and_body(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver, clock: Clock
) -> None:
    await subscribe(http, receiver.url)
    receiver.answers = ["500 Oops", "302 Found", "201 Created"]
    await publish(db, 1)
    await finish(courier, worker)
    assert len(receiver.got) == 1, "not due yet"
    for pause in (5, 30):
        clock.turn(seconds=pause)
        await finish(courier, worker)
    assert len({(headers["webhook-id"], body) for headers, body in receiver.got}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in receiver.got}) == 3
    [delivery] = await log(http, state="delivered")
    assert [a["status"] for a in delivery["attempts"]] == [500, 302, 201]
    clock.turn(days=1)
    await finish(courier, worker)
    assert len(receiver.got) == 3
    assert [e.attempts for e in await emitted(db, NoticeDelivered) if isinstance(e, NoticeDelivered)] == [3]


async def test_retry_after_rests_the_endpoint(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver, clock: Clock
) -> None:
    await subscribe(http, receiver.url)
    receiver.answers = ["429 Too Many\r\nRetry-After: 600"]
    await publish(db, 1)
    await finish(courier, worker)
    await publish(db, 2)
    clock.turn(seconds=599)
    await finish(courier, worker)
    assert len(receiver.got) == 1
    clock.turn(seconds=1)
    await finish(courier, worker)
    assert len(receiver.got) == 3
    assert {d["state"] for d in await log(http)} == {"delivered"}


async def test_an_endpoint_that_is_gone_is_disabled_until_its_owner_enables_it(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver
) -> None:
    made = await subscribe(http, receiver.url)
    receiver.answers = ["410 Gone"]
    await publish(db, 1)
    await finish(courier, worker)
    await publish(db, 2)
    await finish(courier, worker)
    assert len(receiver.got) == 1
    path = f"/notify/subscriptions/{made['id']}"
    assert (await http.get(path)).json()["disabled_rule"] == "endpoint-gone"
    assert await emitted(db, SubscriptionDisabled) == [
        SubscriptionDisabled(subscription_id=made["id"], rule="endpoint-gone")
    ]
    [notice] = (await http.get("/notify/inbox")).json()["items"]
    assert notice["sentence"]["en"] == (
        "Deliveries to a webhook at Shanghai were stopped (endpoint-gone); its owner can start them again."
    )
    assert (await http.post(path + "/enable")).json()["disabled_at"] is None
    await finish(courier, worker)
    assert sorted(d["state"] for d in await log(http)) == ["delivered", "exhausted"]
    gone = (await log(http, state="exhausted"))[0]["id"]
    assert (await http.post(f"/notify/deliveries/{gone}/resend")).status_code == 202
    await finish(courier, worker)
    assert {d["state"] for d in await log(http)} == {"delivered"}


async def test_days_of_failures_disable_an_endpoint(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver, clock: Clock
) -> None:
    made = await subscribe(http, receiver.url)
    receiver.answers = ["500 Oops"] * 100
    await publish(db, 1)
    await finish(courier, worker)
    clock.turn(seconds=DISABLE_AFTER.total_seconds())
    await finish(courier, worker)
    assert (await http.get(f"/notify/subscriptions/{made['id']}")).json()["disabled_rule"] == "failing-too-long"


async def test_a_hanging_endpoint_slows_no_other(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver
) -> None:
    hanging = Receiver(answers=["hang"] * 10)
    server = await asyncio.start_server(hanging.serve, "127.0.0.1", 0)
    hanging.port = server.sockets[0].getsockname()[1]
    try:
        await subscribe(http, hanging.url)
        await publish(db, 1, 2, 3)
        await courier.step(worker)
        await subscribe(http, receiver.url)
        await publish(db, *range(4, 14))
        async with asyncio.timeout(10):  # a hanging answer alone takes longer
            while len(receiver.got) < 10:
                await courier.step(worker)
        assert 1 <= len(hanging.got) <= 4, "an endpoint has a few attempts side by side, no more"
    finally:
        await courier.close()
        server.close()


async def test_in_order_the_next_of_a_deal_waits(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver, clock: Clock
) -> None:
    await subscribe(
        http, receiver.url, in_order=True, events=["deal.funded", "milestone.delivered", "listing.released"]
    )
    receiver.answers = ["500 Oops"]
    for source, event in events.all_of_it():
        await deliver(db, service, event, source=source)
    await finish(courier, worker)
    clock.turn(seconds=5)
    await finish(courier, worker)
    told = [json.loads(body)["type"] for _, body in receiver.got]
    assert [name for name in told if name != "listing.released"] == [
        "deal.funded",
        "deal.funded",
        "milestone.delivered",
    ]
    assert "listing.released" in told


async def test_what_a_killed_sender_had_leased_comes_back(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver, clock: Clock
) -> None:
    await subscribe(http, receiver.url)
    await publish(db, 1)
    async with db.transaction() as session:
        assert len(await lease(session, 10)) == 1
    await finish(courier, worker)
    assert receiver.got == [], "somebody else has it"
    clock.turn(seconds=LEASE.total_seconds())
    await finish(courier, worker)
    assert len(receiver.got) == 1
    assert [a["number"] for a in (await log(http))[0]["attempts"]] == [2]


async def test_a_subscription_cancelled_in_flight_leaves_nothing(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver
) -> None:
    made = await subscribe(http, receiver.url)
    await publish(db, 1)
    await courier.step(worker)
    await http.delete(f"/notify/subscriptions/{made['id']}")
    await finish(courier, worker)
    assert await log(http) == []
    async with db.transaction() as session:
        assert await (await driver(session)).fetchval("SELECT count(*) FROM attempt") == 0


async def test_resending_is_for_ones_own_webhooks(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver
) -> None:
    await subscribe(http, receiver.url)
    await publish(db, 1)
    await finish(courier, worker)
    [delivery] = await log(http)
    async with client(db, service, subject="eve") as eve:
        assert (await eve.post(f"/notify/deliveries/{delivery['id']}/resend")).status_code == 404
        assert (await eve.get("/notify/deliveries")).json()["items"] == []
    assert (await http.post(f"/notify/deliveries/{delivery['id']}/resend")).json()["state"] == "pending"
    await finish(courier, worker)
    assert len({body for _, body in receiver.got}) == 1
    assert len(receiver.got) == 2


async def test_private_networks_are_refused_at_the_door_and_at_the_connection(
    db: Database, http: AsyncClient, worker: Worker, receiver: Receiver
) -> None:
    db.center = replace(db.center, settings=db.center.settings.model_copy(update={"webhook_private": False}))
    refused = await http.post("/notify/subscriptions", json={"channel": "webhook", "url": "https://127.0.0.1/hook"})
    assert refused.json()["title"] == "private-network"
    await subscribe(http, f"https://rebind.example:{receiver.port}/hook")
    await publish(db, 1)

    async def rebound(host: str, port: int) -> list[str]:
        return ["93.184.215.14", "127.0.0.1"]

    courier = Courier(resolver=rebound)
    await finish(courier, Worker(db.center, db))
    await courier.close()
    assert receiver.got == []
    assert (await log(http))[0]["attempts"][0]["error"] == "private-network"


async def test_the_trace_of_the_cause_goes_on(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver
) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    await subscribe(http, receiver.url)
    beijing = center_of(db.center.settings.trust, "beijing", "listing")
    record = signed_record(beijing, events.published(OFFER, "beijing", SELLER))
    headers = [(name, value) for name, value in record.headers if name != "traceparent"]
    headers.append(("traceparent", f"00-{trace_id}-00f067aa0ba902b7-01".encode()))
    await feed(db, service, [replace(record, headers=tuple(headers))])
    await finish(courier, worker)
    assert receiver.got[0][0]["traceparent"].split("-")[1] == trace_id
    [step] = (await http.get("/notify/story")).json()["items"]
    assert step["trace_id"] == trace_id


async def test_pages_of_the_delivery_log(
    db: Database, http: AsyncClient, courier: Courier, worker: Worker, receiver: Receiver
) -> None:
    await subscribe(http, receiver.url)
    await publish(db, 1, 2, 3)
    await finish(courier, worker)
    first = (await http.get("/notify/deliveries", params={"limit": 2})).json()
    rest = (await http.get("/notify/deliveries", params={"after": first["next"]})).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    for path, bad in (("deliveries", cursor(2**63 - 1)), ("inbox", cursor(True, -1)), ("deliveries", "%%")):
        assert (await http.get(f"/notify/{path}", params={"after": bad})).json()["title"] == "bad-cursor"
