"""A batch of snapshots becomes candidates, index and matches; a match decided elsewhere is written down."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from services.matching.index import domain as index_domain
from services.matching.index.handlers import LOCK, LiveIndex, Prepared, entry_of, index_of, prepare, store, terms_of
from services.matching.index.text import TEXT_VERSION, listing_text
from services.matching.match import domain, rows
from services.matching.match.wording import told as told_terms
from shared.db import Session, driver
from shared.errors import Refused
from shared.events import Received, emit
from shared.ids import derived_id
from shared.schemas.base import Envelope
from shared.schemas.listing import ListingState, Status
from shared.schemas.matching import MatchFound

RETRIEVED_MAX: Final = 30
"""Counterparts that the index proposes for one listing, before filters and score decide."""

RULES: Final = f"weights {domain.WEIGHTS_VERSION}, text {TEXT_VERSION}"
"""By which rules a match was decided."""

Pair = tuple[str, str]
"""Ids of a demand and an offer."""


class NotTheDecider(Refused):
    """A match is told by the demand's center, to the offer's center."""

    rule = "not-the-decider"
    status = 403
    en = "Match {match} is decided at {decider}, not at {speaker}, and told to the offer's center."
    zh = "匹配 {match} 由 {decider} 判定，而非 {speaker}，并告知供给方所在中心。"


@dataclass(frozen=True, slots=True)
class Side:
    """One listing of a pair, as the table has it in this transaction."""

    listing: ListingState
    terms: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Decided:
    """A pair that is a match."""

    demand: Side
    offer: Side
    scored: domain.Scored

    @property
    def pair(self) -> Pair:
        return self.demand.listing.listing_id, self.offer.listing.listing_id


async def match_listings(session: Session, received: Sequence[Received[ListingState]]) -> None:
    """Take in a batch of snapshots, and decide every match they bring about where the demand is of this center.

    Raises NotItsCenter.
    """
    here, now = session.info["center"].id, session.info["center"].now()
    prepared = await asyncio.to_thread(prepare, received)
    connection = await driver(session)
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    live = index_of(session)
    async with live.busy:
        await live.settle(session)
        stored = await store(session, prepared)
        changed = [item for item in prepared if item.received.event.listing_id in stored]
        await live.add(changed)
        proposed = await asyncio.to_thread(_proposed, live, changed, here)
    closed = await rows.close_outdated(connection, stored, now)
    pairs = dict.fromkeys([*proposed, *((demand, offer) for demand, offer, center in closed if center == here)])
    sides = await _sides(connection, changed, pairs)
    found = await asyncio.to_thread(_found, live.text.statistics, pairs, sides, stored, now)
    await rows.write(connection, found.values(), rules=RULES, closed_because=None, now=now)
    causes = {item.received.event.listing_id: item.received.cause for item in changed}
    for pair, event in found.items():
        emit(session, event, cause=_cause(pair, causes))


async def record_told(session: Session, event: MatchFound, cause: Envelope) -> None:
    """Write down a match that a demand's center decided for an offer of ours. Raises NotTheDecider."""
    here = session.info["center"].id
    if cause.center != event.demand_center or event.offer_center != here:
        raise NotTheDecider(match=event.match_id, decider=event.demand_center, speaker=cause.center)
    if event.demand_center == here:
        return  # decided here, in the transaction that announced it
    connection = await driver(session)
    outdated = await rows.why_outdated(connection, event)
    now = session.info["center"].now()
    await rows.write(connection, [event], rules=f"told by {cause.center}", closed_because=outdated, now=now)


def _proposed(live: LiveIndex, changed: Iterable[Prepared], here: str) -> list[Pair]:
    """Pairs that the index holds for likely: our demands among the changed with any offer, changed offers with ours."""
    pairs: list[Pair] = []
    for item in changed:
        listing = item.received.event
        is_demand = listing.kind == "demand"
        if listing.status != Status.PUBLISHED or (is_demand and listing.center != here):
            continue
        asking = index_domain.query(item.terms, live.text.statistics)
        boosts = {term: item.terms[term] / (item.terms[term] + 1) for terms in asking.values() for term in terms}
        center = None if is_demand else here
        slots = domain.counterpart_slots(listing)
        ids = live.text.counterparts(entry_of(item), boosts, slots=slots, center=center, limit=RETRIEVED_MAX)
        pairs += [(listing.listing_id, other) if is_demand else (other, listing.listing_id) for other in ids]
    return pairs


async def _sides(connection: asyncpg.Connection, changed: Iterable[Prepared], pairs: Iterable[Pair]) -> dict[str, Side]:
    """The listings of all pairs: the batch's own from memory, the others as the table has them now."""
    sides = {item.received.event.listing_id: Side(item.received.event, item.terms) for item in changed}
    missing = {listing_id for pair in pairs for listing_id in pair} - sides.keys()
    for row in await connection.fetch(_SIDES, sorted(missing)):
        sides[row["listing_id"]] = Side(ListingState.model_validate_json(row["snapshot"]), terms_of(row))
    return sides


_SIDES: Final = """
SELECT listing_id, snapshot::text AS snapshot, terms::text AS terms, text_version
FROM candidate WHERE listing_id = ANY($1::text[])
"""


def _decided(
    statistics: index_domain.Statistics, pairs: Iterable[Pair], sides: dict[str, Side], changed: set[str], now: datetime
) -> list[Decided]:
    """Filter and score; of each changed listing the best MATCHES_MAX stay. Best first, ties by id."""
    queries: dict[str, index_domain.Query] = {}
    matches: list[Decided] = []
    for demand_id, offer_id in pairs:
        demand, offer = sides.get(demand_id), sides.get(offer_id)
        if demand is None or offer is None or domain.failing(demand.listing, offer.listing, now.date()):
            continue
        if demand_id not in queries:
            queries[demand_id] = index_domain.query(demand.terms, statistics)
        scored = domain.score(demand.listing, offer.listing, queries[demand_id], offer.terms, now)
        if scored.plausible:
            matches.append(Decided(demand, offer, scored))
    matches.sort(key=lambda match: (-match.scored.score, match.pair))
    taken: Counter[str] = Counter()
    kept: list[Decided] = []
    for match in matches:
        open_for = [id for id in match.pair if id in changed and taken[id] < domain.MATCHES_MAX]
        taken.update(open_for)
        kept += [match] if open_for else []
    return kept


def _found(
    statistics: index_domain.Statistics, pairs: Iterable[Pair], sides: dict[str, Side], changed: set[str], now: datetime
) -> dict[Pair, MatchFound]:
    """The matches among the pairs, with their reasons. Runs beside the event loop: it is all computing."""
    return {match.pair: _reasoned(match) for match in _decided(statistics, pairs, sides, changed, now)}


def _reasoned(match: Decided) -> MatchFound:
    demand, offer = match.demand.listing, match.offer.listing
    return MatchFound(
        to=offer.center,
        match_id=match_id(demand.listing_id, offer.listing_id),
        demand_id=demand.listing_id,
        demand_version=demand.listing_version,
        offer_id=offer.listing_id,
        offer_version=offer.listing_version,
        demand_center=demand.center,
        offer_center=offer.center,
        offer_kind=offer.kind,
        score=match.scored.score / domain.PARTS,
        components={name: parts / domain.PARTS for name, parts in match.scored.components.items()},
        terms=told_terms(match.scored.terms, listing_text(demand), listing_text(offer)),
        shared=domain.shared(demand, offer),
        filters=list(domain.FILTERS),
    )


def match_id(demand_id: str, offer_id: str) -> str:
    """The same pair is the same match, whenever and from whichever side it is found."""
    return derived_id("mat", demand_id, offer_id)


def _cause(pair: Pair, causes: Mapping[str, Envelope]) -> Envelope:
    """The event that brought a pair about: where both listings came in one batch, the later."""
    return max(
        (causes[listing_id] for listing_id in pair if listing_id in causes), key=lambda cause: (cause.time, cause.id)
    )
