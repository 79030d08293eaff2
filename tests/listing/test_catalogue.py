"""The catalogue: complete from the .state topics alone, in any order, whatever newer centers say in them."""

from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson
import pytest

from services.listing.app import service
from shared.db import Database, driver
from shared.http import cursor
from shared.schemas.base import Event, Text
from shared.schemas.listing import ListingState, OrganisationState
from tests.fixtures import OpenDatabase, Record, center_of, client, deliver, feed, signed_record
from tests.listing.market import member, officer, published, registered


@pytest.fixture
async def db(open_database: OpenDatabase) -> Database:
    return await open_database(service)


def state(listing_id: str = "lst_1", center: str = "beijing", version: int = 1, **said: Any) -> ListingState:
    given = {
        "listing_id": listing_id, "center": center, "organisation_id": "org_1", "organisation_name": Text(en="Acme"),
        "kind": "technology", "status": "published", "listing_version": version, "title": Text(en=listing_id),
        "published_at": datetime(2026, 5, int(listing_id[4:]), tzinfo=UTC),
    }  # fmt: skip
    return ListingState.model_validate(given | said)


async def tell(db: Database, *told: tuple[Event, int], source: str = "beijing") -> None:
    """States with their sequences, in one batch of the real runner."""
    speaker = center_of(db.center.settings.trust, source, "listing")
    await feed(db, service, [signed_record(speaker, event, sequence=sequence) for event, sequence in told])


async def found(db: Database, **filters: Any) -> list[str]:
    """Ids of a search."""
    async with client(db, service, roles={"member"}) as http:
        answer = await http.get("/listing/catalogue", params=filters)
    assert answer.status_code == 200, answer.text
    return [item["listing_id"] for item in answer.json()["items"]]


async def rows(db: Database) -> list[tuple[Any, ...]]:
    async with db.transaction() as session:
        kept = await (await driver(session)).fetch(
            "SELECT listing_id, center, listing_version, status FROM catalogue_listing ORDER BY 1"
        )
    return [tuple(row) for row in kept]


@pytest.mark.parametrize("seed", range(3))
async def test_states_in_any_order_and_repeated_leave_the_newest(db: Database, seed: int) -> None:
    said = [
        (state(f"lst_{n}", version=v, status="published" if v < 3 else "withdrawn"), v)
        for n in (1, 2)
        for v in (1, 2, 3)
    ]
    told = said * 2
    Random(seed).shuffle(told)
    half = len(told) // 2
    await tell(db, *told[:half])
    await tell(db, *told[half:])
    assert await rows(db) == [("lst_1", "beijing", 3, "withdrawn"), ("lst_2", "beijing", 3, "withdrawn")]


async def test_a_withdrawn_listing_leaves_the_search_and_stays_readable(db: Database) -> None:
    await tell(db, (state(), 1))
    assert await found(db) == ["lst_1"]
    await tell(db, (state(version=2, status="withdrawn"), 2))
    assert await found(db) == []
    assert await found(db, status="withdrawn") == ["lst_1"]
    async with client(db, service, roles={"member"}) as http:
        one = await http.get("/listing/catalogue/lst_1")
        none = await http.get("/listing/catalogue/lst_9")
    assert (one.json()["status"], none.status_code) == ("withdrawn", 404)


async def test_kinds_and_states_nobody_here_knows_are_kept(db: Database) -> None:
    await tell(db, (state("lst_1", kind="facility"), 1), (state("lst_2", status="expired"), 1))
    assert await found(db, kind="facility") == ["lst_1"]
    assert await found(db, status="expired") == ["lst_2"]


async def test_no_center_lists_for_another_nor_takes_its_listing(db: Database) -> None:
    await tell(db, (state("lst_1"), 1))
    await tell(db, (state("lst_2"), 1), (state("lst_3", center="south"), 1), source="south")
    await tell(db, (state("lst_1", center="south", version=9), 1), source="south")
    assert await rows(db) == [("lst_1", "beijing", 1, "published"), ("lst_3", "south", 1, "published")]


async def test_filters(db: Database) -> None:
    await tell(
        db,
        (state("lst_1", ipc=["C02F1/469"], livelihood=["environment"], region="CN-BJ", trl=8), 1),
        (state("lst_2", ipc=["C02F 3/30", "A01H1/04"], livelihood=["health", "agriculture"], trl=3), 1),
        (state("lst_3", kind="demand", keywords={"zh": ["苦咸水"]}, solution=Text(en="100% pure_water")), 1),
        (state("lst_4", status="reserved"), 1),
    )
    assert await found(db) == ["lst_4", "lst_3", "lst_2", "lst_1"]
    assert await found(db, kind="demand") == ["lst_3"]
    assert await found(db, kind=["demand", "technology"], status="published") == ["lst_3", "lst_2", "lst_1"]
    assert await found(db, center="south") == []
    assert await found(db, livelihood=["health", "energy"]) == ["lst_2"]
    assert await found(db, ipc="C02F") == ["lst_2", "lst_1"]
    assert await found(db, ipc="C02F3") == ["lst_2"]
    assert await found(db, ipc="%") == []
    assert await found(db, region="CN-BJ") == ["lst_1"]
    assert await found(db, trl_min=4) == ["lst_1"]
    assert await found(db, trl_min=1, trl_max=5) == ["lst_2"]
    assert await found(db, text="苦咸") == ["lst_3"]
    assert await found(db, text="0% PURE_w") == ["lst_3"]
    assert await found(db, text="%") == ["lst_3"]
    assert await found(db, listed_since="2026-05-03T00:00:00Z") == ["lst_4", "lst_3"]


async def test_pages_follow_each_other_newest_first(db: Database) -> None:
    same_day = datetime(2026, 5, 1, tzinfo=UTC)
    await tell(db, *((state(f"lst_{n}", published_at=same_day), 1) for n in range(1, 6)))
    async with client(db, service, roles={"member"}) as http:
        seen, after = list[str](), ""
        for _ in range(3):
            answer = await http.get("/listing/catalogue", params={"limit": "2"} | ({"after": after} if after else {}))
            seen += [item["listing_id"] for item in answer.json()["items"]]
            after = answer.json()["next"] or ""
        places = [("x", "y"), ("2026-05-01", "y"), ("0001-01-01T00:00:00+14:00", "y"), ("2026-05-01T00:00:00Z", "\0")]
        bad = [await http.get("/listing/catalogue", params={"after": cursor(*place)}) for place in places]
        old = await http.get("/listing/catalogue", params={"listed_since": "0001-01-01T00:00:00+14:00"})
    assert seen == ["lst_5", "lst_4", "lst_3", "lst_2", "lst_1"]
    assert (after, [answer.status_code for answer in bad], old.status_code) == ("", [400] * 4, 422)


async def test_organisations_and_counts(db: Database) -> None:
    org = OrganisationState(organisation_id="org_1", center="beijing", kind="university", name=Text(zh="旧名"))
    await tell(db, (org, 1), (state("lst_1"), 1), (state("lst_2", kind="demand"), 1))
    await tell(db, (org.model_copy(update={"name": Text(zh="新名")}), 2))
    await tell(db, (org, 1))
    await deliver(db, service, state("lst_3", center="south"), source="south")
    async with client(db, service, roles={"member"}) as http:
        organisations = await http.get("/listing/catalogue/organisations")
        counts = await http.get("/listing/catalogue/counts")
    assert [item["name"]["zh"] for item in organisations.json()["items"]] == ["新名"]
    assert [(c["center"], c["kind"], c["listings"]) for c in counts.json()] == [
        ("beijing", "demand", 1), ("beijing", "technology", 1), ("south", "technology", 1),
    ]  # fmt: skip


async def test_a_joiners_catalogue_is_complete_from_the_state_topics_alone(open_database: OpenDatabase) -> None:
    east, joiner = await open_database(service), await open_database(service, "south")
    own = await registered(east)
    open_ids = [await published(east, own), await published(east, own)]
    hidden = await published(east, own, tier="center")
    async with officer(east) as olga:
        await olga.post(f"/listing/listings/{open_ids[0]}/withdrawal", json={"reason": "sold"})
    async with east.transaction() as session:
        kept = await (await driver(session)).fetch(
            "SELECT DISTINCT ON (topic, key) topic, key, headers, body, n FROM journal"
            " WHERE topic = 'ctta.east.listing.state' ORDER BY topic, key, n DESC"
        )  # what compaction leaves
    await feed(joiner, service, [_record(row) for row in kept])
    assert await found(joiner) == [open_ids[1]]
    assert [row[0] for row in await rows(joiner)] == sorted(open_ids)
    assert hidden not in {row[0] for row in await rows(joiner)}
    async with member(joiner, "org_x") as http:
        assert len((await http.get("/listing/catalogue/organisations")).json()["items"]) == 1


def _record(row: Any) -> Record:
    headers = tuple((name, value.encode()) for name, value in orjson.loads(row["headers"]).items())
    return Record(row["topic"], 0, row["n"], row["key"].encode(), row["body"], headers)
