"""The sample market, read as a person's tool would read it: line by line, JSON, UTF-8."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[2] / "ctta" / "samples"

Row = dict[str, Any]


def read_rows(name: str) -> list[Row]:
    """Every line of one file of the sample market; blank lines are an error of the file."""
    return [json.loads(line) for line in (SAMPLES / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def organisations() -> list[Row]:
    return read_rows("organisations.jsonl")


@pytest.fixture(scope="session")
def listings() -> list[Row]:
    return read_rows("listings.jsonl")


@pytest.fixture(scope="session")
def pairs() -> list[Row]:
    return read_rows("pairs.jsonl")
