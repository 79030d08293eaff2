"""Listings through HTTP on a real database: lifecycle, versions, edits, who may what, what is announced."""

from typing import Any

import pytest

from services.listing.app import service
from shared.db import Database, driver
from shared.schemas.listing import (
    ListingPublished,
    ListingState,
    ListingSubmitted,
    ListingWithdrawn,
    OrganisationState,
)
from tests.fixtures import OpenDatabase, client, emitted
from tests.listing.market import CANARY, member, officer, organisation, published, registered, technology


@pytest.fixture
async def db(open_database: OpenDatabase) -> Database:
    return await open_database(service)


async def test_an_organisation_is_registered_changed_and_announced(db: Database) -> None:
    async with officer(db) as http:
        made = await http.post(
            "/listing/organisations", json=organisation(external_id="O/1", uscc="91350100M000100Y43")
        )
        assert made.status_code == 201, made.text
        again = await http.put("/listing/organisations/external/O/2", json=organisation())
        same = await http.put("/listing/organisations/external/O/2", json=organisation())
        bad = await http.post("/listing/organisations", json=organisation(uscc="91350100M000100Y44"))
        path = f"/listing/organisations/{made.json()['organisation_id']}"
        stale = await http.put(path, json=organisation(kind="institute"), headers={"If-Match": '"7"'})
        edited = await http.put(path, json=organisation(kind="institute"), headers={"If-Match": made.headers["etag"]})
    assert (again.status_code, same.status_code, stale.status_code, edited.status_code) == (201, 200, 412, 200)
    assert (bad.status_code, bad.json()["title"]) == (422, "bad-uscc")
    states = await emitted(db, OrganisationState)
    assert [(state.kind, state.center) for state in states if isinstance(state, OrganisationState)] == [
        ("university", "east"), ("university", "east"), ("institute", "east"),
    ]  # fmt: skip


async def test_from_draft_to_withdrawn_with_a_version_for_every_step(db: Database) -> None:
    own = await registered(db)
    async with member(db, own) as mei, officer(db) as olga:
        draft = await mei.post("/listing/listings", json=technology() | {"organisation_id": own})
        path = f"/listing/listings/{draft.json()['listing_id']}"
        assert (await mei.post(f"{path}/publication")).json()["title"] == "role-missing"
        assert (await olga.post(f"{path}/publication")).json()["title"] == "illegal-move"
        assert (await mei.post(f"{path}/submission")).json()["status"] == "submitted"
        assert (await olga.post(f"{path}/publication")).json()["status"] == "published"
        assert (await mei.post(f"{path}/withdrawal", json={"reason": " "})).json()["title"] == "reason-missing"
        gone = await mei.post(f"{path}/withdrawal", json={"reason": "sold"})
        assert (await mei.post(f"{path}/submission")).json()["title"] == "illegal-move"
    assert (gone.json()["status"], gone.json()["listing_version"]) == ("withdrawn", 4)
    events = [event for event in await emitted(db) if not isinstance(event, OrganisationState)]
    assert [type(event) for event in events] == [
        ListingSubmitted, ListingPublished, ListingState, ListingWithdrawn, ListingState,
    ]  # fmt: skip
    states = [event for event in events if isinstance(event, ListingState)]
    assert [(state.status, state.listing_version) for state in states] == [("published", 3), ("withdrawn", 4)]
    assert states[0].organisation_name.zh == "燕麓医科大学"
    assert states[0].price.max_minor == 200
    async with db.transaction() as session:
        kept = await (await driver(session)).fetch(
            "SELECT version, status, by, reason, content->'title'->>'en' AS title FROM listing_version ORDER BY version"
        )
    assert [(row["version"], row["status"], row["reason"]) for row in kept] == [
        (1, "draft", ""), (2, "submitted", ""), (3, "published", ""), (4, "withdrawn", "sold"),
    ]  # fmt: skip
    assert all(row["title"] == "Salt from brine" for row in kept)
    assert kept[2]["by"].endswith("|olga")


async def test_an_edit_names_the_version_it_read(db: Database) -> None:
    own = await registered(db)
    async with member(db, own) as mei:
        draft = await mei.post("/listing/listings", json=technology() | {"organisation_id": own})
        path = f"/listing/listings/{draft.json()['listing_id']}"
        first = {"If-Match": draft.headers["etag"]}
        assert (await mei.put(path, json=technology(trl=7))).status_code == 428
        edited = await mei.put(path, json=technology(trl=7), headers=first)
        assert (edited.status_code, edited.json()["trl"], edited.headers["etag"]) == (200, 7, '"2"')
        late = await mei.put(path, json=technology(trl=6), headers=first)
        assert (late.status_code, late.json()["title"]) == (412, "stale")
        assert (await mei.get(path)).json()["trl"] == 7


async def test_an_officer_publishes_what_was_read_and_nothing_else(db: Database) -> None:
    own = await registered(db)
    async with member(db, own) as mei, officer(db) as olga:
        draft = await mei.post("/listing/listings", json=technology() | {"organisation_id": own})
        path = f"/listing/listings/{draft.json()['listing_id']}"
        await mei.post(f"{path}/submission")
        read = await olga.get(path)
        edited = await mei.put(path, json=technology(trl=1), headers={"If-Match": read.headers["etag"]})
        assert edited.json()["status"] == "draft"
        await mei.post(f"{path}/submission")
        late = await olga.post(f"{path}/publication", headers={"If-Match": read.headers["etag"]})
    assert (late.status_code, late.json()["title"]) == (412, "stale")


async def test_a_published_listing_is_changed_by_an_officer_and_stays_published(db: Database) -> None:
    own = await registered(db)
    listing_id = await published(db, own)
    path = f"/listing/listings/{listing_id}"
    async with member(db, own) as mei, officer(db) as olga:
        refused = await mei.put(path, json=technology(trl=9), headers={"If-Match": "*"})
        hidden = await olga.put(path, json=technology(tier="center"), headers={"If-Match": "*"})
        done = await olga.put(path, json=technology(trl=9), headers={"If-Match": '"3"'})
    assert refused.json()["title"] == "published-needs-officer"
    assert hidden.json()["title"] == "fixed-field"
    assert (done.json()["status"], done.json()["listing_version"]) == ("published", 4)
    states = [event for event in await emitted(db, ListingState) if isinstance(event, ListingState)]
    assert [(state.listing_version, state.trl) for state in states] == [(3, 8), (4, 9)]


async def test_tier_center_leaves_no_trace_beyond_the_center(db: Database) -> None:
    own = await registered(db)
    said: dict[str, Any] = {
        "title": {"en": CANARY},
        "summary": {"zh": CANARY},
        "details": {"note": CANARY},
        "tier": "center",
    }
    listing_id = await published(db, own, **said)
    async with officer(db) as olga:
        path = f"/listing/listings/{listing_id}"
        edited = await olga.put(path, json=technology(**said) | {"trl": 9}, headers={"If-Match": "*"})
        assert edited.status_code == 200
        await olga.post(f"{path}/withdrawal", json={"reason": CANARY})
        found = await olga.get("/listing/listings", params={"tier": "center"})
        assert [row["status"] for row in found.json()["items"]] == ["withdrawn"]
    async with db.transaction() as session:
        rows = await (await driver(session)).fetch("SELECT topic, type, headers, body FROM journal")
    assert all(CANARY not in row["headers"] and CANARY.encode() not in row["body"] for row in rows)
    about = [row for row in rows if listing_id in row["headers"] or listing_id.encode() in row["body"]]
    assert {row["topic"] for row in about} == {"ctta.east.listing.own"}


async def test_a_center_listing_that_becomes_public_is_published_to_the_alliance_then(db: Database) -> None:
    own = await registered(db)
    listing_id = await published(db, own, tier="center")
    assert await emitted(db, ListingPublished, ListingState) == []
    async with officer(db) as olga:
        answer = await olga.put(f"/listing/listings/{listing_id}", json=technology(), headers={"If-Match": '"3"'})
    assert answer.status_code == 200
    assert [type(event) for event in await emitted(db, ListingPublished, ListingState)] == [
        ListingPublished,
        ListingState,
    ]


async def test_who_sees_what(db: Database) -> None:
    own, other = await registered(db), await registered(db, name="别家")
    theirs = await published(db, other, title={"en": "offered"}, tier="center")
    async with officer(db) as olga:
        hidden = await olga.post("/listing/listings", json=technology("hidden") | {"organisation_id": other})
    async with member(db, own) as mei:
        await mei.post("/listing/listings", json=technology("mine") | {"organisation_id": own})
        seen = await mei.get("/listing/listings")
        not_mine = await mei.get(f"/listing/listings/{hidden.json()['listing_id']}")
        forged = await mei.post("/listing/listings", json=technology() | {"organisation_id": other})
        touched = await mei.post(f"/listing/listings/{theirs}/withdrawal", json={"reason": "mine now"})
    assert [row["title"]["en"] for row in seen.json()["items"]] == ["mine", "offered"]
    assert (not_mine.status_code, not_mine.json()["title"]) == (404, "not-found")
    assert (forged.json()["title"], touched.json()["title"]) == ("not-your-organisation",) * 2
    async with client(db, service, roles={"auditor"}) as anna:
        assert len((await anna.get("/listing/listings")).json()["items"]) == 3


async def test_a_page_follows_a_page(db: Database) -> None:
    own = await registered(db)
    async with officer(db) as olga:
        for n in range(5):
            await olga.post("/listing/listings", json=technology(f"t{n}") | {"organisation_id": own})
        seen, after = [], None
        for _ in range(3):
            page = (
                await olga.get("/listing/listings", params={"limit": 2} | ({"after": after} if after else {}))
            ).json()
            seen += [row["title"]["en"] for row in page["items"]]
            after = page["next"]
        bad = await olga.get("/listing/listings", params={"after": "nonsense"})
    assert seen == ["t4", "t3", "t2", "t1", "t0"]
    assert after is None
    assert bad.status_code == 400


async def test_the_same_key_drafts_once_and_another_body_is_refused(db: Database) -> None:
    own = await registered(db)
    key = {"Idempotency-Key": "k-1"}
    async with officer(db) as olga:
        body = technology() | {"organisation_id": own}
        first = await olga.post("/listing/listings", json=body, headers=key)
        again = await olga.post("/listing/listings", json=body, headers=key)
        other = await olga.post("/listing/listings", json=body | {"trl": 1}, headers=key)
        count = len((await olga.get("/listing/listings")).json()["items"])
    assert again.json() == first.json()
    assert (other.status_code, count) == (409, 1)


async def test_external_ids_upsert_and_say_what_is_wrong_in_chinese(db: Database) -> None:
    own = await registered(db)
    async with officer(db, lang="zh") as olga:
        body = technology() | {"organisation_id": own}
        first = await olga.put("/listing/external/T-1", json=body, params={"publish": True})
        same = await olga.put("/listing/external/T-1", json=body)
        changed = await olga.put("/listing/external/T-1", json=body | {"trl": 9})
        wrong = await olga.put("/listing/external/T-1", json=body | {"kind": "demand"})
        lost = await olga.put("/listing/external/T-2", json=body | {"organisation_id": "nobody"})
    assert (first.status_code, first.json()["status"], first.json()["listing_version"]) == (201, "published", 1)
    assert (same.status_code, same.json()["listing_version"]) == (200, 1)
    assert (changed.json()["listing_version"], changed.json()["status"]) == (2, "published")
    assert (wrong.status_code, wrong.json()["title"]) == (409, "fixed-field")
    assert "不能再修改" in wrong.json()["detail"]
    assert lost.status_code == 404
