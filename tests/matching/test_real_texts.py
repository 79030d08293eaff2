"""Long real English texts: enough plausible matches, quickly. Skipped where the development data is not at hand."""

import time
from random import Random
from typing import Final

import pytest

from services.matching.app import service
from services.matching.index.domain import Statistics, answered, query
from services.matching.index.text import GENERAL_TERMS, listing_terms
from shared.db import driver
from tests.fixtures import CENTERS, OpenDatabase, feed
from tests.matching.market import BATCH, SBIR, record_of, sbir, sbir_linked

pytestmark = pytest.mark.skipif(not SBIR.is_dir(), reason="needs ../shared/data/sbir, which is not part of the project")

CPU_MS_MAX: Final = 10.0
CROSS_MIN: Final = 100
MRR_MIN: Final = 0.8


@pytest.mark.timeout(300)
async def test_a_thousand_listings_at_three_centers(open_database: OpenDatabase) -> None:
    databases = [await open_database(service, center) for center in CENTERS]
    listings = sbir(500)
    Random(1).shuffle(listings)
    batches = [
        [record_of(databases[0], one) for one in listings[start : start + BATCH]]
        for start in range(0, len(listings), BATCH)
    ]
    cross, spent = 0, []
    for db in databases:
        began = time.process_time()
        for batch in batches:
            await feed(db, service, batch)
        spent.append((time.process_time() - began) * 1000 / len(listings))
        async with db.transaction() as session:
            connection = await driver(session)
            assert await connection.fetchval("SELECT count(*) FROM held") == 0
            cross += await connection.fetchval("SELECT count(*) FROM match WHERE demand_center <> offer_center")
    print(f"cross-center matches {cross}, CPU ms per listing and center {[round(ms, 1) for ms in spent]}")
    assert cross >= CROSS_MIN
    assert sum(spent) / len(spent) < CPU_MS_MAX


def test_known_pairs_are_ranked_high() -> None:
    """Mean reciprocal rank of the true offer among all offers of the links, by its text alone."""
    pairs = sbir_linked()
    offers = [listing_terms(offer) for _, offer in pairs]
    demands = [listing_terms(demand) for demand, _ in pairs]
    statistics = Statistics(general=GENERAL_TERMS)
    for terms in [*offers, *demands]:
        statistics.count(terms)
    reciprocal = 0.0
    for place, demand in enumerate(demands):
        asked = query(demand, statistics)
        shares = [answered(asked, terms)[0] for terms in offers]
        reciprocal += 1 / sum(share >= shares[place] for share in shares)
    print(f"MRR {reciprocal / len(pairs):.3f} over {len(pairs)} pairs")
    assert reciprocal / len(pairs) >= MRR_MIN
