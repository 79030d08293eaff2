"""Organisations of the sample market: unmistakably invented, formally correct."""

from __future__ import annotations

import re
from typing import Any

Row = dict[str, Any]

KEYS = ["external_id", "center", "kind", "name", "region", "country", "uscc", "illustrative"]
KINDS = {"university", "institute", "company", "agency", "lender", "investor"}
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I, O, S, V, Z
USCC_WEIGHTS = [pow(3, place, 31) for place in range(17)]
ORGANISATION_CODE_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714-1997
UNASSIGNED_DIVISIONS = {"beijing": "999901", "south": "999902", "east": "999903"}


def uscc_check(first_17: str) -> str:
    """The 18th character by GB 32100-2015: weights 3^i mod 31."""
    total = sum(USCC_ALPHABET.index(char) * weight for char, weight in zip(first_17, USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[(31 - total % 31) % 31]


def organisation_code_check(first_8: str) -> str:
    """The ninth character of the organisation code by GB 11714-1997; 10 is written X, 11 is written 0."""
    total = sum(int(char, 36) * weight for char, weight in zip(first_8, ORGANISATION_CODE_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def test_the_check_follows_a_published_code() -> None:
    assert uscc_check("91350100M000100Y4") == "3"  # the worked example that circulates with the standard


def test_counts_and_shape(organisations: list[Row]) -> None:
    assert 36 <= len(organisations) <= 40
    assert len({row["external_id"] for row in organisations}) == len(organisations)
    assert len({row["name"]["zh"] for row in organisations}) == len(organisations)
    assert len({row["name"]["en"] for row in organisations}) == len(organisations)
    for row in organisations:
        assert list(row) == KEYS
        assert re.fullmatch(rf"org-{row['center']}-\d{{3}}", row["external_id"])
        assert row["center"] in UNASSIGNED_DIVISIONS
        assert row["kind"] in KINDS
        assert row["illustrative"] is True
        assert re.fullmatch(rf"{row['country']}-[A-Z0-9]{{1,3}}", row["region"])


def test_every_credit_code_checks_and_names_no_real_division(organisations: list[Row]) -> None:
    codes = [row["uscc"] for row in organisations if row["uscc"] is not None]
    assert len(set(codes)) == len(codes)
    for row in organisations:
        if (code := row["uscc"]) is None:
            assert row["country"] != "CN"
            continue
        assert len(code) == 18
        assert code[2:8] == UNASSIGNED_DIVISIONS[row["center"]]
        assert code[16] == organisation_code_check(code[8:16])
        assert code[17] == uscc_check(code[:17])


def test_one_or_two_organisations_are_foreign(organisations: list[Row]) -> None:
    assert 1 <= sum(row["uscc"] is None for row in organisations) <= 2
