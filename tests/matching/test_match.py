"""Snapshots in, matches out: through the real runner, on a real database."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from services.matching import Row
from services.matching.app import service
from services.matching.index.handlers import index_of, search, warm
from services.matching.match.domain import MATCHES_MAX
from shared.db import Database, driver
from shared.ids import derived_id
from shared.schemas.base import Text
from shared.schemas.listing import ListingState, Price
from shared.schemas.matching import MatchFound
from shared.service import Worker
from tests.fixtures import OpenDatabase, Wire, client, deliver, emitted, feed
from tests.matching.market import changed, id_of, listing, publish, record_of, sample_pairs, samples

TEXT = "Electrodialysis membrane stack for salt recovery from dyeing brine by nanofiltration"
DEMAND = listing("demand", "east", "demand", title=TEXT)
OFFER = listing("offer", "south", title=TEXT)


async def rows(db: Database, query: str, *values: Any) -> list[dict[str, Any]]:
    async with db.transaction() as session:
        return [dict(row) for row in await (await driver(session)).fetch(query, *values)]


async def standing(db: Database) -> list[tuple[str, str, str | None, int, int]]:
    found = await rows(db, "SELECT * FROM match ORDER BY match_id")
    return [
        (row["match_id"], row["status"], row["closed_because"], row["demand_version"], row["offer_version"])
        for row in found
    ]


async def told(db: Database) -> list[MatchFound]:
    return [event for event in await emitted(db, MatchFound) if isinstance(event, MatchFound)]


MATCH = derived_id("mat", DEMAND.listing_id, OFFER.listing_id)


@pytest.mark.parametrize("order", [[[DEMAND], [OFFER]], [[OFFER], [DEMAND]], [[DEMAND, OFFER]], [[OFFER, DEMAND]]])
async def test_a_pair_is_one_match_whoever_comes_first(
    open_database: OpenDatabase, order: Sequence[Sequence[ListingState]]
) -> None:
    east, south = await open_database(service, "east"), await open_database(service, "south")
    for batch in order:
        await publish([east, south], batch)
    assert [(one.match_id, one.to) for one in await told(east)] == [(MATCH, "south")]
    assert await told(south) == [], "decided at the demand's center only"
    await Wire([(east, service), (south, service)], duplicate=True).carry()
    assert await standing(east) == await standing(south) == [(MATCH, "open", None, 1, 1)]
    (row,) = await rows(south, "SELECT * FROM match")
    (event,) = await told(east)
    assert row["score"] == event.score == pytest.approx(sum(event.components.values()), abs=1e-9)
    assert row["rules"] == "told by east"
    assert event.filters[:2] == ["published", "kind"]
    assert "membrane" in {term.term for term in event.terms}


async def test_both_sides_at_one_center(open_database: OpenDatabase) -> None:
    south = await open_database(service, "south")
    await publish([south], [listing("demand", "south", "demand", title=TEXT), OFFER])
    await Wire([(south, service)]).carry()
    ((_, status, *_),) = await standing(south)
    assert status == "open"
    (row,) = await rows(south, "SELECT rules FROM match")
    assert row["rules"].startswith("weights"), "what was decided here is not overwritten by its own announcement"


async def test_snapshots_again_change_nothing(open_database: OpenDatabase) -> None:
    east = await open_database(service, "east")
    for _ in range(3):
        await publish([east], [DEMAND, OFFER])
    assert len(await told(east)) == 1


async def test_an_older_snapshot_changes_nothing(open_database: OpenDatabase) -> None:
    east = await open_database(service, "east")
    await publish([east], [DEMAND, changed(OFFER)])
    await publish([east], [OFFER])
    assert [one.offer_version for one in await told(east)] == [2]
    assert [row["version"] for row in await rows(east, "SELECT version FROM candidate WHERE kind = 'technology'")] == [
        2
    ]


async def test_a_withdrawal_closes_on_both_sides_and_a_release_opens_again(open_database: OpenDatabase) -> None:
    east, south = await open_database(service, "east"), await open_database(service, "south")
    wire = Wire([(east, service), (south, service)])
    await publish([east, south], [DEMAND, OFFER])
    await wire.carry()
    reserved = changed(OFFER, status="reserved")
    await publish([east, south], [reserved])
    await wire.carry()
    assert await standing(east) == await standing(south) == [(MATCH, "closed", "reserved", 1, 1)]
    await publish([east, south], [changed(reserved, status="published")])
    await wire.carry()
    assert await standing(east) == await standing(south) == [(MATCH, "open", None, 1, 3)]
    await publish([east, south], [changed(DEMAND, status="withdrawn")])
    assert await standing(east) == await standing(south) == [(MATCH, "closed", "withdrawn", 1, 3)]


async def test_an_edit_is_decided_anew(open_database: OpenDatabase) -> None:
    east, south = await open_database(service, "east"), await open_database(service, "south")
    wire = Wire([(east, service), (south, service)])
    await publish([east, south], [DEMAND, OFFER])
    await wire.carry()
    dearer = changed(OFFER, summary=Text(en="Now with a second stage"))
    await publish([east, south], [dearer])
    await wire.carry()
    assert await standing(east) == await standing(south) == [(MATCH, "open", None, 1, 2)]
    gone = changed(dearer, title=Text(en="Hearing aid with noise reduction"), summary=Text())
    await publish([east, south], [gone])
    await wire.carry()
    assert await standing(east) == await standing(south) == [(MATCH, "closed", "changed", 1, 2)]
    assert len(await told(east)) == 2


async def test_a_match_told_after_its_listing_left_is_closed_at_once(open_database: OpenDatabase) -> None:
    east, south = await open_database(service, "east"), await open_database(service, "south")
    await publish([east], [DEMAND, OFFER])
    await publish([south], [OFFER, changed(OFFER, status="withdrawn")])
    await Wire([(east, service), (south, service)]).carry()
    assert await standing(south) == [(MATCH, "closed", "withdrawn", 1, 1)]


async def test_a_match_may_arrive_before_its_listings(open_database: OpenDatabase) -> None:
    east, south = await open_database(service, "east"), await open_database(service, "south")
    await publish([east], [DEMAND, OFFER])
    await Wire([(east, service), (south, service)]).carry()
    assert await standing(south) == [(MATCH, "open", None, 1, 1)]
    await publish([south], [DEMAND, OFFER])
    assert await standing(south) == [(MATCH, "open", None, 1, 1)]


@pytest.mark.parametrize(
    "offer",
    [
        OFFER.model_copy(update={"organisation_id": DEMAND.organisation_id}),
        OFFER.model_copy(update={"deadline": date(2020, 1, 1)}),
        OFFER.model_copy(update={"kind": "capital"}),
        OFFER.model_copy(update={"price": Price(min_minor=10**9)}),
    ],
)
async def test_filters_come_before_the_score(open_database: OpenDatabase, offer: ListingState) -> None:
    east = await open_database(service, "east")
    await publish([east], [DEMAND.model_copy(update={"price": Price(max_minor=10**8)}), offer])
    assert await standing(east) == []


async def test_no_center_speaks_for_anothers_listing(open_database: OpenDatabase) -> None:
    east = await open_database(service, "east")
    await publish([east], [DEMAND])
    await feed(east, service, [record_of(east, OFFER, speaker="beijing")])
    taken = OFFER.model_copy(update={"listing_id": DEMAND.listing_id, "listing_version": 9})
    await publish([east], [taken, OFFER])
    assert await rows(east, "SELECT rule FROM inbox WHERE outcome = 'refused'") == [{"rule": "not-its-center"}]
    kept = await rows(east, "SELECT center, version FROM candidate WHERE listing_id = $1", DEMAND.listing_id)
    assert kept == [{"center": "east", "version": 1}]
    assert [status for _, status, *_ in await standing(east)] == ["open"], "the rest of the batch was taken"


async def test_no_center_tells_matches_of_anothers_demand(open_database: OpenDatabase) -> None:
    east, south = await open_database(service, "east"), await open_database(service, "south")
    await publish([east], [DEMAND, OFFER])
    (event,) = await told(east)
    await deliver(south, service, event, source="beijing")
    assert await standing(south) == []
    assert await rows(south, "SELECT rule FROM inbox WHERE outcome = 'refused'") == [{"rule": "not-the-decider"}]


async def test_a_popular_listing_keeps_its_best_matches(open_database: OpenDatabase) -> None:
    east = await open_database(service, "east")
    offers = [listing(f"offer {i}", "south", title=TEXT + " and more" * i) for i in range(MATCHES_MAX + 5)]
    await publish([east], offers)
    await publish([east], [DEMAND])
    found = await told(east)
    assert len(found) == MATCHES_MAX
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


async def test_a_rolled_back_batch_leaves_no_trace(open_database: OpenDatabase) -> None:
    """What a batch put into the index and never committed is taken back; what it replaced comes back."""
    east = await open_database(service, "east")
    await publish([east], [OFFER])
    connection = await east.connect()
    try:
        await connection.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;"
            "CREATE TRIGGER fail BEFORE INSERT ON match FOR EACH ROW EXECUTE FUNCTION fail()"
        )
        moved = changed(OFFER, title=Text(en=TEXT + " zirconia"))
        await publish([east], [DEMAND, moved])
        assert await rows(east, "SELECT listing_id, version FROM candidate") == [
            {"listing_id": OFFER.listing_id, "version": 2}
        ], "the demand's match could not be written, so the demand was not either"
        await connection.execute("DROP TRIGGER fail ON match")
    finally:
        await connection.close()
    await publish([east], [listing("other", "south", title="Laser welding of copper hairpins")])
    async with east.transaction() as session:
        found = {id for id, _ in await search(session, "brine laser zirconia", kind=None, limit=9)}
        assert found == {OFFER.listing_id, listing("other").listing_id}


async def test_another_process_sees_what_was_written(open_database: OpenDatabase) -> None:
    """A second process of the same center has its own index and follows the table."""
    one = await open_database(service, "east")
    other = Database(one.url, one.center)
    try:
        await publish([one], [OFFER])
        async with other.transaction() as session:
            assert [id for id, _ in await search(session, "brine", kind=None, limit=9)] == [OFFER.listing_id]
        await publish([other], [DEMAND])
        assert [status for _, status, *_ in await standing(one)] == ["open"]
        await publish([one], [changed(OFFER, title=Text(en="Laser"), summary=Text())])
        async with other.transaction() as session:
            assert [id for id, _ in await search(session, "brine", kind=None, limit=9)] == [DEMAND.listing_id]
    finally:
        await other.close()


async def test_two_processes_at_once_miss_no_pair(open_database: OpenDatabase) -> None:
    """A demand in one process's batch and its offer in another's, at the same time: neither has committed."""
    one = await open_database(service, "east")
    other = Database(one.url, one.center)
    pairs = [(listing(f"d{i}", "east", "demand", title=TEXT), listing(f"o{i}", "south", title=TEXT)) for i in range(6)]
    try:
        for demand, offer in pairs:
            await asyncio.gather(publish([one], [demand]), publish([other], [offer]))
        found = {(match_id, status) for match_id, status, *_ in await standing(one)}
        assert found >= {(derived_id("mat", a.listing_id, b.listing_id), "open") for a, b in pairs}
    finally:
        await other.close()


async def test_the_index_is_there_before_the_first_question(open_database: OpenDatabase) -> None:
    one = await open_database(service, "east")
    await publish([one], [OFFER])
    other = Database(one.url, one.center)
    try:
        await warm(Worker(other.center, other))
        async with other.transaction() as session:
            assert index_of(session).text.search(["brine"], kind=None, limit=9) == [OFFER.listing_id]
    finally:
        await other.close()


async def test_terms_of_older_text_rules_are_made_again(open_database: OpenDatabase) -> None:
    one = await open_database(service, "east")
    await publish([one], [OFFER])
    connection = await one.connect()
    await connection.execute("UPDATE candidate SET text_version = 0, terms = '{\"old\": 1}'")
    await connection.close()
    other = Database(one.url, one.center)
    try:
        async with other.transaction() as session:
            assert [id for id, _ in await search(session, "brine", kind=None, limit=9)] == [OFFER.listing_id]
            assert await search(session, "old", kind=None, limit=9) == []
    finally:
        await other.close()


async def test_the_sample_market_finds_its_pairs(open_database: OpenDatabase) -> None:
    databases = [await open_database(service, center) for center in ("beijing", "south", "east")]
    listings = {one.listing_id: one for one in samples()}
    await publish(databases, list(listings.values()))
    await Wire([(db, service) for db in databases]).carry()
    found = {(row["demand_id"], row["offer_id"]) for db in databases for row in await rows(db, "SELECT * FROM match")}
    pairs = [(id_of(pair["demand"]), id_of(pair["offer"])) for pair in sample_pairs()]
    public = [
        pair
        for pair in pairs
        if pair[0] in listings
        and pair[1] in listings
        and listings[pair[0]].organisation_id != listings[pair[1]].organisation_id
    ]
    missed = [(listings[a].title.say("en"), listings[b].title.say("en")) for a, b in public if (a, b) not in found]
    assert len(public) >= 40
    assert missed == []
    assert len(found) <= 2 * len(public), "and not much else"


async def test_matches_over_http(open_database: OpenDatabase) -> None:
    east = await open_database(service, "east")
    offers = [listing(f"offer {i}", "south", title=TEXT + " and more" * i) for i in range(3)]
    await publish([east], [DEMAND, *offers])
    async with client(east, service) as officer:
        first = (await officer.get("/matching/matches", params={"limit": 2})).json()
        rest = (await officer.get("/matching/matches", params={"limit": 2, "after": first["next"]})).json()
        items = first["items"] + rest["items"]
        assert len({item["match_id"] for item in items}) == 3
        assert rest["next"] is None
        assert [item["score"] for item in items] == sorted((item["score"] for item in items), reverse=True)
        one = (await officer.get(f"/matching/matches/{items[0]['match_id']}")).json()
        assert one == items[0]
        assert one["demand_title"]["en"] == TEXT
        assert one["decided_here"] is True
        newest = [await officer.get("/matching/matches", params={"sort": "newest", "limit": 1})]
        while after := newest[-1].json()["next"]:
            newest.append(await officer.get("/matching/matches", params={"sort": "newest", "limit": 1, "after": after}))
        assert {page.json()["items"][0]["match_id"] for page in newest} == {item["match_id"] for item in items}
        of_one = await officer.get("/matching/matches", params={"listing_id": offers[1].listing_id})
        assert [item["offer_id"] for item in of_one.json()["items"]] == [offers[1].listing_id]
        assert (await officer.get("/matching/matches", params={"center": "beijing"})).json()["items"] == []
        assert (await officer.get("/matching/matches", params={"min_score": 1.0})).json()["items"] == []
        assert (await officer.get("/matching/matches", params={"status": "closed"})).json()["items"] == []
        assert (await officer.get("/matching/matches/mat_none")).status_code == 404
        for bad in ("x", "W10", "WyJ4IiwieSJd"):
            assert (await officer.get("/matching/matches", params={"after": bad})).status_code == 400
    async with client(east, service, roles={"member"}, organisation_id=DEMAND.organisation_id) as member:
        assert len((await member.get("/matching/matches")).json()["items"]) == 3
    async with client(east, service, roles={"member"}, organisation_id="org_other") as stranger:
        assert (await stranger.get("/matching/matches")).json()["items"] == []
        assert (await stranger.get(f"/matching/matches/{items[0]['match_id']}")).status_code == 404


async def test_search_over_http(open_database: OpenDatabase) -> None:
    east = await open_database(service, "east")
    chinese = listing("zh", "beijing", title=Text(zh="印染高盐废水电渗析"))
    await publish([east], [OFFER, DEMAND, chinese, changed(chinese, listing_id="lst_" + "0" * 32, status="withdrawn")])
    async with client(east, service, roles={"member"}) as member:
        found = (await member.get("/matching/search", params={"q": "电渗析 salt"})).json()["items"]
        assert {item["listing_id"] for item in found} == {chinese.listing_id, OFFER.listing_id, DEMAND.listing_id}
        of_kind = await member.get("/matching/search", params={"q": "brines", "kind": "demand"})
        assert [item["listing_id"] for item in of_kind.json()["items"]] == [DEMAND.listing_id]
        assert (await member.get("/matching/search", params={"q": "of the"})).json()["items"] == []
        assert (await member.get("/matching/search", params={"q": ""})).status_code == 422


async def test_rows_are_the_tables_that_the_migration_makes(open_database: OpenDatabase) -> None:
    east = await open_database(service, "east")
    for name, table in Row.metadata.tables.items():
        query = "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = $1"
        made = {row["column_name"]: row["is_nullable"] == "YES" for row in await rows(east, query, name)}
        assert made == {column.name: bool(column.nullable) for column in table.columns}, name
