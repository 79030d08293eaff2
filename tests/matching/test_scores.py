"""What forbids a match, and what one is worth: pure rules."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.index.domain import Statistics, answered, query
from services.matching.index.text import GENERAL_TERMS, listing_terms
from services.matching.match import domain
from shared.schemas.base import Text
from shared.schemas.listing import ListingState, Price
from tests.matching.market import MOMENT, listing

TODAY = MOMENT.date()
DEMAND = listing("demand", "east", "demand", trl=6, price=Price(max_minor=500), deadline=TODAY)
OFFER = listing("offer", "south", trl=7, price=Price(min_minor=400, max_minor=600))
LOAN = listing("loan", "south", "capital", details={"ticket_min_minor": 100, "ticket_max_minor": 900})
NEED = listing(
    "need", "east", "demand", details={"kind_of_need": "financing"}, price=Price(min_minor=500, max_minor=700)
)


def judge(demand: ListingState, offer: ListingState) -> domain.Scored:
    statistics = Statistics(general=GENERAL_TERMS)
    for one in (demand, offer):
        statistics.count(listing_terms(one))
    asked = query(listing_terms(demand), statistics)
    return domain.score(demand, offer, asked, listing_terms(offer), MOMENT)


def with_(one: ListingState, **fields: object) -> ListingState:
    return one.model_copy(update=fields)


FORBIDDEN = [
    ("published", with_(DEMAND, status="withdrawn"), OFFER),
    ("published", DEMAND, with_(OFFER, status="reserved")),
    ("published", DEMAND, with_(OFFER, status="a status of next year")),
    ("kind", with_(DEMAND, kind="technology"), OFFER),
    ("kind", DEMAND, with_(OFFER, kind="capital")),
    ("kind", with_(DEMAND, details={"kind_of_need": "a need of next year"}), OFFER),
    ("tier", DEMAND, with_(OFFER, details={"tier": "nda"})),
    ("parties", DEMAND, with_(OFFER, organisation_id=DEMAND.organisation_id)),
    ("parties", with_(DEMAND, organisation_id=""), with_(OFFER, organisation_id="")),
    ("deadline", with_(DEMAND, deadline=TODAY - timedelta(days=1)), OFFER),
    ("deadline", DEMAND, with_(OFFER, deadline=TODAY - timedelta(days=1))),
    ("trl", DEMAND, with_(OFFER, trl=5)),
    ("trl", DEMAND, with_(OFFER, trl=None)),
    ("price", DEMAND, with_(OFFER, price=Price(min_minor=501))),
    ("ticket", NEED, with_(LOAN, details={"ticket_min_minor": 701})),
    ("ticket", NEED, with_(LOAN, details={"ticket_max_minor": 499})),
    ("ticket", NEED, with_(LOAN, price=Price(currency="EUR"))),
    ("ticket", NEED, with_(LOAN, details={"ticket_min_minor": "a lot"})),
    ("kind", with_(DEMAND, details={"kind_of_need": ["x" * 100_000]}), OFFER),
]


@pytest.mark.parametrize(("rule", "demand", "offer"), FORBIDDEN)
def test_each_filter_forbids_by_itself(rule: str, demand: ListingState, offer: ListingState) -> None:
    assert domain.failing(demand, offer, TODAY) == rule
    others = [name for name, holds in domain.FILTERS.items() if not holds(demand, offer, TODAY)]
    assert others == [rule]


def test_every_filter_is_shown_to_matter() -> None:
    assert {rule for rule, _, _ in FORBIDDEN} == set(domain.FILTERS)


@pytest.mark.parametrize(
    ("demand", "offer"),
    [
        (DEMAND, OFFER),
        (NEED, LOAN),
        (with_(DEMAND, trl=None), with_(OFFER, trl=None)),
        (DEMAND, with_(OFFER, price=Price(min_minor=501, currency="EUR"))),
        (DEMAND, with_(OFFER, price=Price())),
        (with_(NEED, price=Price(currency="EUR")), LOAN),
    ],
)
def test_what_is_not_told_or_not_comparable_forbids_nothing(demand: ListingState, offer: ListingState) -> None:
    assert domain.failing(demand, offer, TODAY) is None


words = st.lists(st.sampled_from("membrane salt 电渗析 高盐废水 sensor laser 技术 biochar of".split()), max_size=12)  # noqa: SIM905
symbols = st.lists(st.sampled_from(["C02F1/44", "C02F 1/469", "C02F9/00", "C07D1/00", "G01N1/00"]), max_size=3)
listings = st.builds(
    lambda text, ipc, trl, region, low, published: listing(
        "any", summary=Text(en=" ".join(text)), ipc=ipc, trl=trl, region=region, published_at=published,
        price=Price(min_minor=low, max_minor=low),
    ),
    words, symbols, st.none() | st.integers(1, 9), st.sampled_from(["", "CN-SH", "CN-BJ", "DE-BY"]),
    st.none() | st.integers(0, 900), st.none() | st.just(MOMENT - timedelta(days=400)),
)  # fmt: skip


@given(listings, listings)
def test_components_sum_to_the_score_and_stay_within_it(demand: ListingState, offer: ListingState) -> None:
    scored = judge(demand, offer)
    assert sum(scored.components.values()) == scored.score
    assert 0 <= scored.score <= domain.PARTS + 1
    assert all(parts >= 0 for parts in scored.components.values())
    assert set(scored.components) == {"lexical", "taxonomy", "fit", "freshness"}
    assert judge(demand, offer) == scored
    if scored.terms:
        assert sum(scored.terms.values()) == pytest.approx(1)


def test_weights_are_convex() -> None:
    told = sum(weight for _, weight, _ in domain.CRITERIA)
    assert 0 < told < domain.PARTS // 2, "words carry at least half"


def test_silence_is_no_fault() -> None:
    """What nobody can judge gives its weight to the words, so a bare text is not held below the floor."""
    text = "Electrodialysis membrane stack for salt recovery from dyeing brine with nanofiltration"
    bare = judge(listing("a", kind="demand", title=text), listing("b", title=text, published_at=None))
    assert bare.components["lexical"] == bare.score
    assert bare.plausible


def test_one_common_word_is_no_match() -> None:
    demand = listing("a", kind="demand", title="Recycling of carbon fibre composites")
    offer = listing("b", title="Carbon monoxide alarm with long battery life")
    assert not judge(demand, offer).plausible


def test_classification_speaks_where_languages_differ() -> None:
    demand = listing("a", kind="demand", title=Text(zh="碳化硅衬底抛光液"), ipc=["C09G1/02"])
    offer = listing("b", title="Polishing slurry for silicon carbide wafers", ipc=["C09G1/02", "H01L21/306"])
    scored = judge(demand, offer)
    assert scored.plausible
    assert scored.components["lexical"] == 0
    assert not judge(demand, with_(offer, ipc=["C09G1/18"])).plausible, "the main group alone does not"


def test_nearer_classification_is_worth_more() -> None:
    demand = listing("a", kind="demand", ipc=["C02F1/469"])
    near = [["C02F1/469"], ["C02F 1/44"], ["C02F9/00"], ["C02H1/00"], ["G01N1/00"]]
    parts = [judge(demand, listing("b", ipc=ipc)).components["taxonomy"] for ipc in near]
    assert parts == sorted(parts, reverse=True)
    assert len(set(parts)) == len(near)


def test_older_offers_are_worth_less() -> None:
    demand = listing("a", kind="demand")
    scores = [judge(demand, listing("a", published_at=MOMENT - timedelta(days=days))).score for days in (0, 100, 1000)]
    assert scores == sorted(scores, reverse=True)
    ahead = judge(demand, listing("a", published_at=MOMENT + timedelta(days=9)))
    assert ahead.score == scores[0], "a clock that runs ahead gains nothing"


def test_every_kind_that_answers_is_looked_for_from_both_sides() -> None:
    for need, kinds in domain.ANSWERS.items():
        demand = listing("a", kind="demand", details={"kind_of_need": need})
        assert set(domain.counterpart_slots(demand)) == kinds
        for kind in kinds:
            assert f"demand/{need}" in domain.counterpart_slots(listing("b", kind=kind))
    assert domain.counterpart_slots(listing("c", kind="a kind of next year")) == []


def test_a_query_is_of_the_weightiest_terms_of_each_language() -> None:
    statistics = Statistics(general=GENERAL_TERMS)
    many = {f"word{i}": 1 for i in range(90)} | {"系统": 3, "渗析": 1}
    asked = query(many, statistics)
    assert {lang: len(terms) for lang, terms in asked.items()} == {"en": 40, "zh": 2}
    assert asked["zh"]["渗析"] > asked["zh"]["系统"], "a general word weighs less although it is repeated"


def test_a_text_answers_in_the_language_it_answers_best() -> None:
    statistics = Statistics()
    asked = query({"salt": 1, "brine": 1, "高盐": 1, "废水": 1}, statistics)
    share, met = answered(asked, {"salt": 1, "高盐": 1, "废水": 1})
    assert set(met) == {"高盐", "废水"}
    assert share == pytest.approx(sum(met.values()))
    assert answered(asked, {}) == (0.0, {})


def test_a_deadline_holds_until_the_day_is_over() -> None:
    assert domain.failing(DEMAND, OFFER, date(2026, 1, 5)) is None
    assert domain.failing(DEMAND, OFFER, date(2026, 1, 6)) == "deadline"
