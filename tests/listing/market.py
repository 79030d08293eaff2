"""What tests of the listing service say and register: small, and with canaries that must not travel."""

from typing import Any

import httpx

from services.listing.app import service
from shared.db import Database
from tests.fixtures import client

CANARY = "CANARY-5f1d"
"""Stands in every text of listings that must not leave their center."""


def organisation(name: str = "燕麓医科大学", **said: Any) -> dict[str, Any]:
    """What is said about an organisation."""
    return {"kind": "university", "name": {"zh": name, "en": "Yanlu Medical University"}, "region": "CN-BJ"} | said


def technology(called: str = "Salt from brine", **said: Any) -> dict[str, Any]:
    """What a technology's listing says."""
    return {
        "kind": "technology",
        "title": {"en": called, "zh": "分盐"},
        "summary": {"en": "Electrodialysis separates salt."},
        "keywords": {"en": ["brine"]},
        "livelihood": ["environment"],
        "ipc": ["C02F1/469"],
        "trl": 8,
        "transfer_modes": ["licence_plain"],
        "price": {"mode": "lump_sum", "min_minor": 100, "max_minor": 200},
        "region": "CN-BJ",
        "deadline": "2027-01-31",
    } | said


def officer(db: Database, **options: Any) -> httpx.AsyncClient:
    """An officer's client."""
    return client(db, service, roles={"officer"}, subject="olga", **options)


def member(db: Database, organisation_id: str, **options: Any) -> httpx.AsyncClient:
    """A member's client."""
    return client(db, service, roles={"member"}, subject="mei", organisation_id=organisation_id, **options)


async def registered(db: Database, **said: Any) -> str:
    """The id of an organisation registered by an officer."""
    async with officer(db) as http:
        answer = await http.post("/listing/organisations", json=organisation(**said))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["organisation_id"])


async def published(db: Database, organisation_id: str, **said: Any) -> str:
    """The id of a listing drafted, submitted and published by an officer."""
    async with officer(db) as http:
        draft = await http.post("/listing/listings", json=technology(**said) | {"organisation_id": organisation_id})
        assert draft.status_code == 201, draft.text
        listing_id = str(draft.json()["listing_id"])
        for step in ("submission", "publication"):
            answer = await http.post(f"/listing/listings/{listing_id}/{step}")
            assert answer.status_code == 200, answer.text
    return listing_id
