"""Counterparts of the sample market: enough of them across centers and across languages, and told apart honestly."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

Row = dict[str, Any]

TEXTS = ("title", "summary", "problem", "solution", "advantages", "keywords")
SHARED_MIN = 8  # word parts that a demand and its answer have in common when they share a language


@pytest.fixture(scope="module")
def by_id(listings: list[Row]) -> dict[str, Row]:
    return {row["external_id"]: row for row in listings}


def languages(row: Row) -> set[str]:
    """Every language that any text of the row is in."""
    return {language for name in TEXTS for language in row.get(name, {})}


def word_parts(row: Row) -> set[str]:
    """Chinese bigrams and the first six letters of English words of four or more, from every text."""
    texts = [value for name in TEXTS for value in row.get(name, {}).values()]
    text = " ".join(" ".join(value) if isinstance(value, list) else value for value in texts).lower()
    runs = re.findall(r"[\u4e00-\u9fff]{2,}", text)
    bigrams = {run[start : start + 2] for run in runs for start in range(len(run) - 1)}
    return bigrams | {word[:6] for word in re.findall(r"[a-z]{4,}", text)}


def test_references_resolve_and_are_unique(pairs: list[Row], by_id: dict[str, Row]) -> None:
    assert len({(pair["demand"], pair["offer"]) for pair in pairs}) == len(pairs)
    for pair in pairs:
        assert list(pair) == ["demand", "offer", "cross_center", "cross_language"]
        assert by_id[pair["demand"]]["kind"] == "demand"
        assert by_id[pair["offer"]]["kind"] in {"technology", "service", "capital"}


def test_flags_say_what_the_rows_say(pairs: list[Row], by_id: dict[str, Row]) -> None:
    for pair in pairs:
        demand, offer = by_id[pair["demand"]], by_id[pair["offer"]]
        assert pair["cross_center"] == (demand["center"] != offer["center"])
        assert pair["cross_language"] == (not languages(demand) & languages(offer))
        assert pair["cross_language"] or set(demand["summary"]) & set(offer["summary"])


def test_enough_pairs_of_each_sort(pairs: list[Row], by_id: dict[str, Row]) -> None:
    across = {pair["demand"] for pair in pairs if pair["cross_center"]}
    within = {pair["demand"] for pair in pairs if not pair["cross_center"]}
    assert len(across) >= 30
    assert len(within) >= 8
    assert sum(pair["cross_language"] for pair in pairs) >= 8
    offers = Counter(row["kind"] for row in by_id.values() if row["external_id"] not in {p["offer"] for p in pairs})
    assert offers["technology"] >= 8


def test_what_stays_in_its_center_answers_nobody_abroad(pairs: list[Row], by_id: dict[str, Row]) -> None:
    tiers = {by_id[pair[side]]["tier"] for pair in pairs if pair["cross_center"] for side in ("demand", "offer")}
    assert tiers == {"public"}


def test_a_demand_and_its_answer_speak_of_one_thing(pairs: list[Row], by_id: dict[str, Row]) -> None:
    for pair in pairs:
        demand, offer = by_id[pair["demand"]], by_id[pair["offer"]]
        assert set(demand["livelihood"]) & set(offer["livelihood"]), pair
        if offer["kind"] == "technology":
            assert {symbol[:4] for symbol in demand["ipc"]} & {symbol[:4] for symbol in offer["ipc"]}, pair
            assert offer["trl"] >= demand["trl"], pair
        if not pair["cross_language"]:
            assert len(word_parts(demand) & word_parts(offer)) >= SHARED_MIN, pair


def test_the_parties_could_come_to_terms(pairs: list[Row], by_id: dict[str, Row]) -> None:
    for pair in pairs:
        demand, offer = by_id[pair["demand"]], by_id[pair["offer"]]
        if offer["kind"] != "technology":
            continue
        assert set(demand["transfer_modes"]) & set(offer["transfer_modes"]), pair
        budget, asked = demand["price"]["max_minor"], offer["price"]["min_minor"]
        assert None in (budget, asked) or budget >= asked, pair
