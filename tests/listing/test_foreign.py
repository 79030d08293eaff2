"""Research records as import rows: everything kept, nothing raised, always the same center."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.listing.resource import domain, foreign
from services.listing.resource.content import Content
from services.listing.resource.rows import Line, entry
from shared.errors import Refused

DATA = Path(__file__).parents[3] / "shared" / "data" / "sbir"
CENTERS = ["beijing", "east", "south"]
DEMAND = {
    "id": "demand-1", "title": "Glucose control", "text": "Long text.", "agency": "Department of Defense",
    "branch": "Army", "released": "January 11, 2018",
}  # fmt: skip
OFFER = {
    "id": "offer-1", "title": "3D emulator", "text": "Abstract.", "organisation": "GAMING, INC.", "agency": "Navy",
    "year": 2008, "institution": None,
}  # fmt: skip


def stored(rows: list[dict[str, Any]]) -> Content:
    """The listing of the two rows, checked as the import does."""
    organisation, listing = (entry(Line(1, row), "east") for row in rows)
    assert listing.organisation == organisation.external_id
    assert isinstance(listing.said, Content)
    domain.check(listing.said)
    return listing.said


def test_a_demand_and_an_offer_become_rows() -> None:
    demand, offer = stored(foreign.demand_rows(DEMAND)), stored(foreign.offer_rows(OFFER))
    assert (demand.kind, demand.title.en, demand.summary.en) == ("demand", "Glucose control", "Long text.")
    assert demand.details == {"kind_of_need": "technology", "released": "2018-01-11"}
    assert (offer.kind, offer.details) == ("technology", {"funded_by": "Navy", "year": 2008})


def test_all_of_a_long_text_is_kept() -> None:
    text = "".join(f"{n} " for n in range(20_000)).strip()
    said = stored(foreign.demand_rows(DEMAND | {"text": text}))
    assert said.summary.en + said.problem.en + said.solution.en == text


def test_one_organisation_has_one_center_and_all_centers_get_some() -> None:
    assert foreign.place(OFFER, CENTERS) == foreign.place(OFFER | {"id": "offer-2", "title": "other"}, CENTERS)
    spread = Counter(foreign.place(OFFER | {"organisation": f"Firm {n}"}, CENTERS) for n in range(300))
    assert set(spread) == set(CENTERS)


odd = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.integers(), max_size=2)
record = st.fixed_dictionaries({}, optional=dict.fromkeys([*DEMAND, *OFFER], odd))


@given(record)
def test_odd_records_raise_nothing_but_refusals(raw: dict[str, Any]) -> None:
    assert foreign.place(raw, CENTERS) in CENTERS
    for rows in (foreign.demand_rows(raw), foreign.offer_rows(raw)):
        for row in rows:
            with suppress(Refused):
                entry(Line(1, json.loads(json.dumps(row))), "east")


def records(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        yield from (json.loads(line) for _, line in zip(range(500), file, strict=False))


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/sbir is not here")
@pytest.mark.parametrize(("name", "rows"), [("demands", foreign.demand_rows), ("offers", foreign.offer_rows)])
def test_real_records_are_all_accepted(name: str, rows: Any) -> None:
    for raw in records(name):
        said = stored(rows(raw))
        domain.check_complete(said)
