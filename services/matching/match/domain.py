"""Which listings belong together, what forbids a match, and what one is worth. Pure: `today` and `now` come in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from services.matching.index.domain import Query, answered, need_of
from shared.schemas.listing import ListingState, Status

MATCHES_MAX: Final = 10
"""Matches that one snapshot of a listing can bring about."""

TERMS_MAX: Final = 8
"""Terms that a match gives as its reason."""

ANSWERS: Final[dict[str, frozenset[str]]] = {
    "technology": frozenset({"technology"}),
    "service": frozenset({"service"}),
    "testing": frozenset({"service"}),
    "certification": frozenset({"service"}),
    "evaluation": frozenset({"service"}),
    "financing": frozenset({"capital"}),
}
"""What a demand needs (`details.kind_of_need`), and the kinds that answer it. A need not named here matches nothing."""


def counterpart_slots(listing: ListingState) -> list[str]:
    """The slots of the index (kinds; demands by need) that hold the counterparts of a listing."""
    if listing.kind == "demand":
        return sorted(ANSWERS.get(need_of(listing), ()))
    return sorted(f"demand/{need}" for need, kinds in ANSWERS.items() if listing.kind in kinds)


# -- filters: what forbids a match ------------------------------------------------------------------------------------


def _published(demand: ListingState, offer: ListingState, today: date) -> bool:
    return demand.status == offer.status == Status.PUBLISHED


def _kind(demand: ListingState, offer: ListingState, today: date) -> bool:
    return demand.kind == "demand" and offer.kind in ANSWERS.get(need_of(demand), frozenset())


def _tier(demand: ListingState, offer: ListingState, today: date) -> bool:
    """Snapshots are of tier `public`; one that says otherwise got here by mistake."""
    return all(listing.details.get("tier", "public") == "public" for listing in (demand, offer))


def _parties(demand: ListingState, offer: ListingState, today: date) -> bool:
    return bool(demand.organisation_id and offer.organisation_id) and demand.organisation_id != offer.organisation_id


def _deadline(demand: ListingState, offer: ListingState, today: date) -> bool:
    """The day of the deadline still counts."""
    return all(listing.deadline is None or listing.deadline >= today for listing in (demand, offer))


def _trl(demand: ListingState, offer: ListingState, today: date) -> bool:
    """A demand's TRL is the least it accepts. A technology that tells none does not reach it."""
    if demand.trl is None or offer.kind != "technology":
        return True
    return offer.trl is not None and offer.trl >= demand.trl


def _price(demand: ListingState, offer: ListingState, today: date) -> bool:
    """The least that is asked is within the budget, where both are told in one currency."""
    if offer.kind == "capital":
        return True
    asked, budget = offer.price.min_minor, demand.price.max_minor
    comparable = asked is not None and budget is not None and offer.price.currency == demand.price.currency
    return not comparable or asked <= budget  # type: ignore[operator]  # comparable says that both are there


def _ticket(demand: ListingState, offer: ListingState, today: date) -> bool:
    """The amount that is sought overlaps what the lender gives; a ticket in another currency, or one that is no
    amount (`details` are checked by the center they come from only), does not."""
    if offer.kind != "capital":
        return True
    sought = (demand.price.min_minor, demand.price.max_minor)
    ticket = (offer.details.get("ticket_min_minor"), offer.details.get("ticket_max_minor"))
    if not all(end is None or isinstance(end, int) for end in ticket):
        return False
    if sought == (None, None) or ticket == (None, None):
        return True
    return demand.price.currency == offer.price.currency and _overlap(sought, ticket)


Band = tuple[int | None, int | None]


def _overlap(one: Band, other: Band) -> bool:
    return all(low is None or high is None or low <= high for low, high in ((one[0], other[1]), (other[0], one[1])))


Filter = Callable[[ListingState, ListingState, date], bool]

FILTERS: Final[dict[str, Filter]] = {
    "published": _published,
    "kind": _kind,
    "tier": _tier,
    "parties": _parties,
    "deadline": _deadline,
    "trl": _trl,
    "price": _price,
    "ticket": _ticket,
}
"""Every one must hold before anything is scored; the names are told with the match."""


def failing(demand: ListingState, offer: ListingState, today: date) -> str | None:
    """The first filter that forbids the pair, or None."""
    return next((name for name, holds in FILTERS.items() if not holds(demand, offer, today)), None)


# -- score: what a match is worth -------------------------------------------------------------------------------------

WEIGHTS_VERSION: Final = 1
PARTS: Final = 10_000
"""A score is counted in ten-thousandths, so that its components sum to it exactly."""

LEXICAL_HALF: Final = 0.06
"""Share of the weight asked for that earns half of the lexical component; half of the true pairs of a
development set of government demands and project abstracts lie above it, one in ten of the best false ones."""

FRESH_HALF_DAYS: Final = 365.0


def _ipc(demand: ListingState, offer: ListingState, now: datetime) -> float | None:
    """Mean over the demand's symbols of the nearest of the offer's: same symbol, group, subclass or class."""
    if not demand.ipc or not offer.ipc:
        return None
    return sum(max(_near(one, other) for other in offer.ipc) for one in demand.ipc) / len(demand.ipc)


def _near(one: str, other: str) -> float:
    one, other = one.replace(" ", "").upper(), other.replace(" ", "").upper()
    steps = ((one == other, 1.0), (one.split("/")[0] == other.split("/")[0], 0.8), (one[:4] == other[:4], 0.5))
    return next((value for same, value in steps if same), 0.2 if one[:3] == other[:3] else 0.0)


def _share(asked: list[str], given: list[str]) -> float | None:
    return len(set(asked) & set(given)) / len(set(asked)) if asked and given else None


def _livelihood(demand: ListingState, offer: ListingState, now: datetime) -> float | None:
    return _share(demand.livelihood, offer.livelihood)


def _industry(demand: ListingState, offer: ListingState, now: datetime) -> float | None:
    return _share([code[:3] for code in demand.industry], [code[:3] for code in offer.industry])


def _readiness(demand: ListingState, offer: ListingState, now: datetime) -> float | None:
    return None if demand.trl is None or offer.trl is None else 1.0


def _affordable(demand: ListingState, offer: ListingState, now: datetime) -> float | None:
    """1 where the whole range asked is within the budget, a half where only its low end is."""
    asked, budget = offer.price.max_minor or offer.price.min_minor, demand.price.max_minor
    if asked is None or budget is None or offer.price.currency != demand.price.currency or offer.kind == "capital":
        return None
    return 1.0 if asked <= budget else 0.5


def _region(demand: ListingState, offer: ListingState, now: datetime) -> float | None:
    if not demand.region or not offer.region:
        return None
    same_country = demand.region.split("-")[0] == offer.region.split("-")[0]
    return 1.0 if demand.region == offer.region else 0.5 if same_country else 0.0


def _fresh(demand: ListingState, offer: ListingState, now: datetime) -> float | None:
    if offer.published_at is None:
        return None
    days = max(0.0, (now - offer.published_at).total_seconds() / 86_400)
    return float(0.5 ** (days / FRESH_HALF_DAYS))


Criterion = Callable[[ListingState, ListingState, datetime], float | None]

CRITERIA: Final[tuple[tuple[str, int, Criterion], ...]] = (
    ("taxonomy", 1_500, _ipc),
    ("taxonomy", 400, _livelihood),
    ("taxonomy", 400, _industry),
    ("fit", 400, _readiness),
    ("fit", 400, _affordable),
    ("fit", 300, _region),
    ("freshness", 600, _fresh),
)
"""Component, weight in ten-thousandths, judgement in 0..1. The lexical component has the rest, and the weight of
whatever a listing does not tell: silence is no fault and no merit."""

FLOOR: Final = 4_300
"""Least score of a match that its words speak for, in ten-thousandths."""

LEXICAL_FLOOR: Final = 0.4
WORDS_MIN: Final = 3
"""Words speak for a match from this lexical judgement (0..1) on, and when this many terms met."""

CLASSIFIED_FLOOR: Final = 2_000
IPC_NEAR: Final = 0.9
"""Least score of a match that its classification speaks for, and the IPC nearness (0..1) that does: the same symbols,
one in two perhaps of a neighbour in the same main group. So a Chinese demand and an English offer find each other."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What a pair is worth. `components` sum to `score` (ten-thousandths both); `terms` give each met term's share."""

    score: int
    components: dict[str, int]
    terms: dict[str, float]
    plausible: bool


def score(demand: ListingState, offer: ListingState, asked: Query, offered: Mapping[str, int], now: datetime) -> Scored:
    """Judge one pair. `asked` is the demand's query, `offered` the offer's terms."""
    components = {"lexical": 0, "taxonomy": 0, "fit": 0, "freshness": 0}
    spent = 0
    for component, weight, judge in CRITERIA:
        value = judge(demand, offer, now)
        if value is not None:
            spent += weight
            components[component] += round(weight * value)
    raw, met = answered(asked, offered)
    lexical = raw / (raw + LEXICAL_HALF)
    components["lexical"] = round((PARTS - spent) * lexical)
    total = sum(components.values())
    by_words = total >= FLOOR and lexical >= LEXICAL_FLOOR and len(met) >= WORDS_MIN
    by_class = total >= CLASSIFIED_FLOOR and (_ipc(demand, offer, now) or 0.0) >= IPC_NEAR
    shares = {term: part / raw for term, part in met.items()}
    return Scored(total, components, shares, plausible=by_words or by_class)


def shared(demand: ListingState, offer: ListingState) -> dict[str, list[str]]:
    """The classification that both sides have: IPC subclasses, livelihood fields, industries; empty ones left out."""
    found = {
        "ipc": {symbol[:4] for symbol in demand.ipc} & {symbol[:4] for symbol in offer.ipc},
        "livelihood": set(demand.livelihood) & set(offer.livelihood),
        "industry": {code[:3] for code in demand.industry} & {code[:3] for code in offer.industry},
    }
    return {name: sorted(values) for name, values in found.items() if values}
