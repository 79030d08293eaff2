"""From `emit` to the committed effect in a subscriber's table, on Apache Kafka and PostgreSQL, one process per side.

`python -m bench.bus --json` starts private servers and prints events_per_s, p50_ms and p99_ms (percentiles at 200
events/s), floor_events_per_s and ratio. The floor is raw aiokafka and asyncpg over the same journal and inbox tables,
unsigned and unvalidated, in the same run.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import asyncpg
import uvloop

from bench import floor
from shared.db import driver
from shared.db.migrate import migrate
from shared.directory import LiveDirectory
from shared.events import emit
from shared.events.logs import Logs
from shared.events.received import Received
from shared.events.runner import Runner
from shared.process import Running
from shared.schemas.base import Text
from shared.schemas.listing import ListingPublished
from shared.service import Service
from shared.settings import Settings
from shared.topics.plan import plan
from shared.trust import KNOWN_CENTERS, create_development_alliance

CENTERS: Final = ("beijing", "south", "east")
PER_TRANSACTION: Final = 20
WRITERS: Final = 4
KEYS: Final = 2000
LATENCY_RATE: Final = 200
LATENCY_S: Final = 15
WARM_UP: Final = 2000
TITLE: Final = Text(
    zh="一种用于高盐废水的膜蒸馏装置", en="Membrane distillation for high-salinity waste water " + "x" * 260
)

Spec = dict[str, Any]


def event(number: int, at: float) -> ListingPublished:
    """About 500 bytes; `kind` carries the time of emission."""
    return ListingPublished(
        listing_id=f"lst_{number % KEYS:032d}", center="beijing", organisation_id="org_1", kind=repr(at),
        listing_version=number, title=TITLE,
    )  # fmt: skip


def settings(spec: Spec, center: str) -> Settings:
    return Settings(
        center=center, trust_dir=Path(spec["trust"]), kafka=spec["kafka"], postgres=spec["postgres"], trace_ratio=0.01
    )


async def emitter(spec: Spec, pipe: Any) -> None:
    """The announcing side: WRITERS concurrent writers and the relay, in one process."""
    config = settings(spec, "beijing")
    side = Running(Service("listing", package="bench"), config, LiveDirectory(config), Logs(config))
    await side.start()
    try:
        while (order := await asyncio.to_thread(pipe.recv)) is not None:
            kind, start, count = order
            began = time.time()
            if kind == "flood":
                await asyncio.gather(*(_flood(side, start + w, count, WRITERS) for w in range(WRITERS)))
            else:
                await _pace(side, start, count)
            pipe.send(began)
    finally:
        await side.stop()


async def _flood(side: Running, start: int, count: int, stride: int) -> None:
    for first in range(start, start + count, PER_TRANSACTION * stride):
        async with side.database.transaction() as session:
            for number in range(first, first + PER_TRANSACTION * stride, stride):
                emit(session, event(number, time.time()))


async def _pace(side: Running, start: int, count: int) -> None:
    begin = time.perf_counter()
    for step in range(count):
        delay = begin + step / LATENCY_RATE - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        async with side.database.transaction() as session:
            emit(session, event(start + step, time.time()))


async def subscriber(spec: Spec, pipe: Any) -> None:
    """The applying side. Reports how many effects are committed, and the delays of those it was asked to time."""
    service = Service("matching", package="bench")
    service.react_many(ListingPublished, _store, noun="bench")
    config = settings(spec, "east")
    side = Running(service, config, LiveDirectory(config), Logs(config))
    watch = Watch(side)
    await side.start()
    while not all(side.is_ready().values()):  # noqa: ASYNC110  # readiness has no event to wait for
        await asyncio.sleep(0.05)
    pipe.send("ready")
    try:
        while (order := await asyncio.to_thread(pipe.recv)) is not None:
            pipe.send(await watch.until(order))
    finally:
        await side.stop()


async def _store(session: Any, received: list[Received[ListingPublished]]) -> None:
    await (await driver(session)).execute(
        "INSERT INTO effect (id, listing, at) SELECT * FROM unnest($1::uuid[], $2::text[], $3::float8[])",
        [r.cause.id for r in received], [r.event.listing_id for r in received], [float(r.event.kind) for r in received],
    )  # fmt: skip


class Watch:
    """Sees each batch after its commit: the runner's `apply` is wrapped, nothing else is touched."""

    def __init__(self, side: Running) -> None:
        self.done, self.last = 0, 0.0
        self.delays: list[float] = []
        runner = side.subscribers[0].runner
        inner = runner.apply

        async def apply(batch: list[Any], positions: list[Any]) -> None:
            await inner(batch, positions)
            self.last = time.time()
            self.done += len(batch)
            self.delays += [self.last - float(i.event.kind) for i in batch if i.event is not None]

        side.subscribers[0].runner = TimedRunner(**{f: getattr(runner, f) for f in runner.__dataclass_fields__})
        side.subscribers[0].runner.timed = apply

    async def until(self, count: int) -> Spec:
        """Wait for `count` more effects than last time."""
        while self.done < count:  # noqa: ASYNC110  # a coarse poll that costs the measured side nothing
            await asyncio.sleep(0.02)
        answer = {"last": self.last, "delays": self.delays}
        self.done, self.delays = self.done - count, []
        return answer


class TimedRunner(Runner):
    """A runner that says when a batch is committed."""

    timed: Any

    async def apply(self, batch: list[Any], positions: list[Any]) -> None:
        await self.timed(batch, positions)


def _side(work: Any, spec: Spec, pipe: Any) -> None:
    if profile := os.environ.get("CTTA_BENCH_PROFILE"):
        import cProfile

        cProfile.runctx("uvloop.run(work(spec, pipe))", globals(), locals(), f"{profile}.{work.__name__}")
    else:
        uvloop.run(work(spec, pipe))


class Side:
    """One side in a process of its own."""

    def __init__(self, work: Any, spec: Spec) -> None:
        self.pipe, theirs = multiprocessing.get_context("spawn").Pipe()
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=_side, args=(work, spec, theirs), daemon=True)
        self.process.start()

    def ask(self, order: Any) -> Any:
        self.pipe.send(order)
        return self.pipe.recv()

    def end(self) -> None:
        self.pipe.send(None)
        self.process.join(30)


async def prepare(spec: Spec) -> None:
    """Databases, topics, and the table of effects."""
    for center, service in (("beijing", "listing"), ("east", "matching")):
        url = settings(spec, center).database_url(service)
        await migrate(url, None)
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS effect (id uuid, listing text, at float8)")
    await connection.close()
    await Logs(settings(spec, "beijing")).ensure(plan("beijing", CENTERS, hub=True))


def measure(spec: Spec, count: int) -> dict[str, float]:
    """Flood for the rate, then a steady 200 events/s for the percentiles; the floor in the same run."""
    asyncio.run(prepare(spec))
    receiving = Side(subscriber, spec)
    assert receiving.pipe.recv() == "ready"
    sending = Side(emitter, spec)
    rate, _ = _round(sending, receiving, "flood", 0, WARM_UP)
    rate, _ = _round(sending, receiving, "flood", WARM_UP, count)
    _, delays = _round(sending, receiving, "pace", WARM_UP + count, LATENCY_RATE * LATENCY_S)
    sending.end()
    receiving.end()
    bottom = floor.measure(spec, count, PER_TRANSACTION, WRITERS)
    cuts = statistics.quantiles(delays, n=100)
    return {
        "events_per_s": round(rate),
        "p50_ms": round(cuts[49] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
        "floor_events_per_s": round(bottom),
        "ratio": round(rate / bottom, 2),
    }


def _round(sending: Side, receiving: Side, kind: str, start: int, count: int) -> tuple[float, list[float]]:
    receiving.pipe.send(count)
    began = sending.ask((kind, start, count))
    answer = receiving.pipe.recv()
    return count / (answer["last"] - began), answer["delays"]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark on servers from the environment (CTTA_TEST_KAFKA, CTTA_TEST_POSTGRES) or private ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--events", type=int, default=40_000, help="events in the measured flood")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="ctta-bench-"))
    os.chmod(folder, 0o755)
    create_development_alliance(folder / "trust", {c: KNOWN_CENTERS[c] for c in CENTERS})
    try:
        with floor.servers(folder) as (kafka, postgres, kind):
            spec = {"trust": str(folder / "trust"), "kafka": kafka, "postgres": postgres}
            result = measure(spec, options.events)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(result))
    else:
        print(f"on {kind}, {os.cpu_count()} cores, {options.events} events, {PER_TRANSACTION} a transaction")
        for name, value in result.items():
            print(f"{name:>20}  {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
