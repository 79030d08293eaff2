"""Listings of the sample market: counts, references, codes, languages and lengths as its README promises."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from typing import Any

Row = dict[str, Any]

COUNTS = {"technology": 52, "demand": 42, "service": 14, "capital": 12}
ID_PARTS = {"technology": "tech", "demand": "demand", "service": "service", "capital": "capital"}
KEYS = [
    "external_id",
    "center",
    "kind",
    "organisation",
    "tier",
    "title",
    "summary",
    "problem",
    "solution",
    "advantages",
    "keywords",
    "livelihood",
    "ipc",
    "industry",
    "trl",
    "transfer_modes",
    "price",
    "region",
    "deadline",
    "details",
]
MAY_BE_ABSENT = {"problem", "solution", "advantages", "trl"}
TEXTS = ("title", "summary", "problem", "solution", "advantages")
LIVELIHOOD = {
    "environment",
    "health",
    "poverty_relief",
    "public_security",
    "agriculture",
    "energy",
    "manufacturing",
    "information",
    "materials",
    "marine",
}
TRANSFER_MODES = {
    "assignment",
    "licence_exclusive",
    "licence_sole",
    "licence_plain",
    "joint_development",
    "equity",
    "service",
}
PRICE_MODES = {"lump_sum", "instalments", "royalty", "upfront_royalty", "equity", "negotiable"}
DETAILS: dict[str, dict[str, set[str]]] = {
    "technology": {
        "ip_status": {"filed", "granted", "trade_secret"},
        "origin": {"civil", "military_to_civil", "civil_to_military"},
    },
    "demand": {"kind_of_need": {"technology", "financing", "testing"}},
    "service": {
        "agency_kind": {
            "ip",
            "legal",
            "asset_evaluation",
            "technical_evaluation",
            "testing",
            "certification",
            "incubation",
        }
    },
    "capital": {
        "form": {"loan", "fund", "investor", "grant"},
        "stage": {"seed", "early", "growth", "any"},
        "collateral": {"none", "ip_pledge", "guarantee", "equity"},
    },
}
OTHER_DETAILS = {
    "technology": {"ip_numbers", "inventors"},
    "demand": set[str](),
    "service": {"fee_note"},
    "capital": {"ticket_min_minor", "ticket_max_minor", "rate_percent_times_100"},
}
IPC_SYMBOL = re.compile(r"[A-H]\d{2}[A-Z][1-9]\d{0,3}/\d{2,6}")
INDUSTRY_CODE = re.compile(r"[A-T]\d{4}")


def test_counts_and_identity(listings: list[Row]) -> None:
    assert Counter(row["kind"] for row in listings) == COUNTS
    assert len({row["external_id"] for row in listings}) == len(listings)
    for row in listings:
        assert re.fullmatch(rf"{row['center']}-{ID_PARTS[row['kind']]}-\d{{3}}", row["external_id"])


def test_shape(listings: list[Row]) -> None:
    for row in listings:
        assert list(row) == [key for key in KEYS if key in row]
        assert set(KEYS) - set(row) <= MAY_BE_ABSENT
        for name in TEXTS:
            assert all(row.get(name, {"zh": "-"}).values()), row["external_id"]
            assert set(row.get(name, {"zh": "-"})) <= {"zh", "en"}


def test_owners_exist_at_the_same_center_and_every_organisation_owns_something(
    listings: list[Row], organisations: list[Row]
) -> None:
    center = {row["external_id"]: row["center"] for row in organisations}
    assert all(center[row["organisation"]] == row["center"] for row in listings)
    assert {row["organisation"] for row in listings} == set(center)


def test_four_never_leave_their_center(listings: list[Row]) -> None:
    assert Counter(row["tier"] for row in listings) == {"public": len(listings) - 4, "center": 4}


def test_codes_are_well_formed(listings: list[Row]) -> None:
    for row in listings:
        assert all(IPC_SYMBOL.fullmatch(symbol) for symbol in row["ipc"]), row["external_id"]
        assert all(INDUSTRY_CODE.fullmatch(code) for code in row["industry"]), row["external_id"]
        assert len(set(row["ipc"])) == len(row["ipc"])
        assert re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{1,3}", row["region"])
        assert row["livelihood"]
        assert set(row["livelihood"]) <= LIVELIHOOD
        assert set(row["transfer_modes"]) <= TRANSFER_MODES
        assert row["ipc"] or row["kind"] != "technology"


def test_every_transfer_mode_and_livelihood_field_is_shown(listings: list[Row]) -> None:
    assert {mode for row in listings for mode in row["transfer_modes"]} == TRANSFER_MODES
    assert {field for row in listings for field in row["livelihood"]} == LIVELIHOOD


def test_prices_are_ranges_in_fen(listings: list[Row]) -> None:
    for row in listings:
        price = row["price"]
        assert list(price) == ["mode", "min_minor", "max_minor", "currency"]
        assert price["mode"] in PRICE_MODES
        assert price["currency"] == "CNY"
        low, high = price["min_minor"], price["max_minor"]
        assert (low is None) == (high is None)
        assert low is None or 0 < low <= high
        assert price["mode"] != "negotiable" or low is None


def test_stage_and_deadline_by_kind(listings: list[Row]) -> None:
    for row in listings:
        if row["kind"] == "technology" or row["details"].get("kind_of_need") == "technology":
            assert row["trl"] in range(1, 10)
        else:
            assert "trl" not in row
        if row["kind"] == "demand":
            assert date.fromisoformat(row["deadline"]).year == 2027
        else:
            assert row["deadline"] is None


def test_details_by_kind(listings: list[Row]) -> None:
    for row in listings:
        closed, details = DETAILS[row["kind"]], row["details"]
        assert set(details) == set(closed) | OTHER_DETAILS[row["kind"]]
        assert all(details[name] in allowed for name, allowed in closed.items())
        if row["kind"] == "capital":
            assert 0 < details["ticket_min_minor"] < details["ticket_max_minor"]
            assert (details["rate_percent_times_100"] is not None) == (details["form"] == "loan")


def test_patent_numbers_are_marked_and_unique(listings: list[Row]) -> None:
    technologies = [row["details"] for row in listings if row["kind"] == "technology"]
    numbers = [number for details in technologies for number in details["ip_numbers"]]
    assert len(set(numbers)) == len(numbers)
    assert all(re.fullmatch(r"ILLUSTRATIVE-CN-\d{4}", number) for number in numbers)
    assert all(bool(details["ip_numbers"]) == (details["ip_status"] != "trade_secret") for details in technologies)


def test_languages_are_spread_in_thirds(listings: list[Row]) -> None:
    summaries = Counter(tuple(sorted(row["summary"])) for row in listings)
    assert all(summaries[languages] >= 36 for languages in (("zh",), ("en",), ("en", "zh")))
    assert sum(len(row["title"]) == 2 for row in listings) >= 80


def test_lengths(listings: list[Row]) -> None:
    for row in listings:
        title, summary = row["title"], row["summary"]
        assert 8 <= len(title.get("zh", "-" * 8)) <= 30, row["external_id"]
        assert 5 <= len(title.get("en", "- " * 5).split()) <= 14, row["external_id"]
        assert 60 <= len(summary.get("zh", "-" * 60)) <= 180, row["external_id"]
        assert 40 <= len(summary.get("en", "- " * 40).split()) <= 110, row["external_id"]
    assert sum("problem" in row or "solution" in row for row in listings) >= 50


def test_no_sentence_is_copied(listings: list[Row]) -> None:
    sentences = Counter(
        sentence.strip()
        for row in listings
        for name in TEXTS
        for text in row.get(name, {}).values()
        for sentence in re.split(r"[\u3002\uff1b;]|\.\s", text)
        if len(sentence) > 12
    )
    assert [sentence for sentence, times in sentences.items() if times > 1] == []
