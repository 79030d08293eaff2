"""What operators see in figures: documented, and true on a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import metrics as api
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sqlalchemy import text

from shared import metrics
from shared.db import driver
from shared.events import emit
from shared.process import measure
from shared.schemas.matching import InterestDeclined
from tests.fixtures import feed
from tests.runtime.conftest import OpenProbe, Probe
from tests.runtime.test_runner import record

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
GROUP = "east.matching.probe"


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    """A reader of its own for this test; instruments are made anew."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(api, "get_meter", provider.get_meter)
    for made in (metrics._counters, metrics._gauges, metrics._histograms):
        made.clear()
    yield reader
    for made in (metrics._counters, metrics._gauges, metrics._histograms):
        made.clear()
    provider.shutdown()


def points(reader: InMemoryMetricReader, name: str) -> dict[tuple[str, ...], float]:
    """Value (count, of a histogram) by the values of its labels, sorted by label."""
    found = {}
    data = reader.get_metrics_data()
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points if metric.name == name else ():
                    labels = tuple(str(value) for _, value in sorted((point.attributes or {}).items()))
                    found[labels] = float(getattr(point, "value", getattr(point, "count", 0)))
    return found


def test_every_metric_is_documented() -> None:
    page = OPERATIONS.read_text("utf-8")
    assert [name for name, says in metrics.NAMES.items() if f"| `{name}` | {says} |" not in page] == []


async def test_what_is_processed_and_parked_shows(open_probe: OpenProbe, reader: InMemoryMetricReader) -> None:
    probe = Probe()
    probe.broken = {"poison"}
    db = await open_probe(probe)
    await feed(db, probe.service, [record(db, "a"), record(db, "b", "poison")])
    async with db.transaction() as session:
        await measure(await driver(session), "matching", [GROUP])
    assert points(reader, "ctta.events.parked") == {(GROUP, "bug.ValueError"): 1}
    assert points(reader, "ctta.held") == {(GROUP, "parked"): 1, (GROUP, "waiting"): 0}
    assert points(reader, "ctta.halted") == {(GROUP,): 0}
    took = points(reader, "messaging.process.duration")
    assert took[("", GROUP, "ctta.listing.listing.withdrawn.v1")] >= 1
    assert took[("ValueError", GROUP, "ctta.listing.listing.withdrawn.v1")] >= 3


async def test_an_unsent_event_ages(open_probe: OpenProbe, reader: InMemoryMetricReader) -> None:
    db = await open_probe(Probe())
    async with db.transaction() as session:
        emit(
            session, InterestDeclined(to="east", interest_id="int_1", offer_id="lst_1", owner_center="east", reason="x")
        )
    async with db.transaction() as session:
        await session.execute(text("SELECT pg_sleep(0.05)"))
        await measure(await driver(session), "matching", [])
    assert 0.05 <= points(reader, "ctta.journal.age")[("matching",)] < 60
