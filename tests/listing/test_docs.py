"""docs/import.md: its examples run, its report is what comes back, its tables are complete."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.listing.app import service
from services.listing.organisation import domain as organisation_rules
from services.listing.organisation.domain import OrganisationKind
from services.listing.resource import refusals
from services.listing.resource.columns import CELLS, HEADINGS
from services.listing.resource.content import PriceMode, TransferMode
from shared.db import Database
from shared.errors import Refused
from shared.schemas.listing import Kind, Tier
from tests.fixtures import OpenDatabase
from tests.listing.market import officer

PAGE = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
NOT_OF_ROWS = {
    "illegal-move", "reason-missing", "speaks-for-another", "not-held", "held-for-another-deal", "not-offered",
    "unknown-listing", "wrong-seller",
}  # fmt: skip


@pytest.fixture
async def db(open_database: OpenDatabase) -> Database:
    return await open_database(service)


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


async def send(db: Database, text: str, media: str) -> dict[str, Any]:
    async with officer(db) as olga:
        answer = await olga.post(
            "/listing/imports", params={"publish": True}, content=text.encode(), headers={"Content-Type": media}
        )
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


async def test_the_examples_give_the_report_that_is_printed(db: Database) -> None:
    report = await send(db, block("jsonl"), "application/x-ndjson")
    for row in report["rows"]:
        row["id"] = row["id"] and row["id"][:4] + "..."
    assert report == orjson.loads(block("json"))
    again = await send(db, block("jsonl"), "application/x-ndjson")
    assert (again["unchanged"], again["refused"]) == (2, 1)
    csv = await send(db, block("csv"), "text/csv")
    results = [(row["result"], row["status"]) for row in csv["rows"]]
    assert results == [("updated", "published"), ("created", "published")]


def test_every_column_and_every_value_is_told() -> None:
    for field, chinese in HEADINGS.items():
        assert f"`{field}`" in PAGE, field
        for heading in (f"`{field.replace('.', '_')}`", *chinese):
            assert heading in PAGE, heading
    for values in (Kind, OrganisationKind, Tier, PriceMode, TransferMode):
        for member in values:
            assert f"`{member.value}`" in PAGE, member
    for meanings in CELLS.values():
        for value in meanings.values():
            assert f"`{value}`" in PAGE, value


def test_every_rule_of_a_row_is_told() -> None:
    everything = [*vars(refusals).values(), *vars(organisation_rules).values()]
    rules = {one.rule for one in everything if isinstance(one, type) and issubclass(one, Refused)} - {"refused"}
    assert {rule for rule in rules if f"`{rule}`" not in PAGE} == NOT_OF_ROWS
