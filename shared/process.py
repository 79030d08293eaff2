"""A process of a center: one or several services, their relays, subscriptions, steps and HTTP, started and drained."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import asyncpg
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from shared import metrics, telemetry
from shared.center import Center
from shared.db.database import Database, driver
from shared.directory import LiveDirectory, publish, publishes
from shared.events import inbox
from shared.events.logs import Logs
from shared.events.relay import Relay
from shared.events.runner import Runner
from shared.events.subscriber import Subscriber
from shared.http.app import build_app
from shared.kafka import broker
from shared.service import Service, Step, Worker
from shared.settings import Settings
from shared.topics.plan import plan
from shared.transient import is_transient
from shared.trust import load_keyring

WATCH_S: Final = 2.0
WAITING_POLL_S: Final = 0.5
HOUSEKEEPING_S: Final = 3600.0
KEY_PATIENCE_S: Final = 60.0
"""How long a record may wait for its key's directory entry, which comes by another topic (and perhaps a mirror)."""
PRUNE_MAX: Final = 10_000
STEP_BACKOFF_S: Final = 2.0
LAST_WORDS_S: Final = 3.0
"""How long a process that ends goes on sending what is announced; the rest goes out at the next start."""

log = telemetry.logger(__name__)


class Running:
    """One service of one center, running."""

    def __init__(self, service: Service, settings: Settings, live: LiveDirectory, logs: Logs) -> None:
        keyring = replace(load_keyring(settings.trust, settings.center, service.name), directory=live)
        self.service = service
        self.live = live
        self.logs = logs
        self.center = Center(settings.center, service.name, settings, keyring)
        self.database = Database(settings.database_url(service.name), self.center, pool_size=settings.pool_size)
        self.relay = Relay(self.center, self.database, logs)
        self.database.committed = self.relay.wake
        self.broker = broker(settings, service.name)
        self.worker = Worker(self.center, self.database)
        self.subscribers = [
            Subscriber(Runner(self.center, self.database, noun, KEY_PATIENCE_S), logs, self.broker)
            for noun in service.nouns.values()
        ]
        self.app: FastAPI = build_app(service, self.database, self.is_ready, self.is_alive)
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        """Start everything; returns when the subscriptions have been started (readiness comes with assignment)."""
        for first in self.service.on_start:
            await first(self.worker)
        await make_partitions(self.worker)
        await self._tell_directory()
        await self.check_topics()
        await self.relay.check_logs()
        loops: list[tuple[str, Awaitable[Any]]] = [("relay", self.relay.run()), ("watch", self._watch())]
        loops.append(("housekeeping", self._loop(Step("housekeeping", housekeeping, HOUSEKEEPING_S))))
        loops += [(step.name, self._loop(step)) for step in self.service.steps]
        loops += [(f"waiting.{s.runner.noun.name}", self._retry_waiting(s.runner)) for s in self.subscribers]
        self._tasks = [asyncio.create_task(work, name=name) for name, work in loops]  # type: ignore[arg-type]
        await self.broker.connect()
        await asyncio.gather(*(subscriber.start() for subscriber in self.subscribers))

    async def check_topics(self) -> None:
        """Make own topics that are missing: a new peer's, or all of them after a broker was replaced."""
        directory = self.live()
        hub = publishes(self.center.id, self.service.name, directory)
        await self.logs.ensure(plan(self.center.id, self.center.centers, hub=hub, services=[self.service.name]))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            looks = (
                self._tell_directory,
                self.check_topics,
                self.relay.check_logs,
                self._check_subscribers,
                self._measure,
            )
            for look in looks:
                try:
                    await look()
                except Exception as error:  # one that fails (topics that only an operator may make) stops no other
                    log.warning("watch.failed", service=self.service.name, what=look.__name__, error=repr(error)[:300])

    async def _tell_directory(self) -> None:
        self.live.reread()
        if publishes(self.center.id, self.service.name, self.live()):
            await publish(self.database, self.live)

    async def _check_subscribers(self) -> None:
        ids = await self.logs.ids({p.topic for s in self.subscribers for p in s.assigned})
        for subscriber in self.subscribers:
            await subscriber.check(ids)

    async def _measure(self) -> None:
        async with self.database.transaction(read_only=True) as session:
            await measure(await driver(session), self.service.name, [s.runner.group for s in self.subscribers])
        for subscriber in self.subscribers:
            metrics.level("ctta.lag", await subscriber.lag(), group=subscriber.runner.group)

    async def _retry_waiting(self, runner: Runner) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WAITING_POLL_S):
                    await runner.woken.wait()
            runner.woken.clear()
            try:
                await runner.retry_waiting()
            except Exception as error:
                log.warning("waiting.failed", group=runner.group, error=repr(error)[:300])
                await asyncio.sleep(STEP_BACKOFF_S)

    async def _loop(self, step: Step) -> None:
        while True:
            try:
                while await step.run(self.worker):
                    pass
                await asyncio.sleep(step.seconds)
            except Exception as error:
                say = log.warning if is_transient(error) else log.error
                say("step.failed", service=self.service.name, step=step.name, error=repr(error)[:500])
                metrics.count("ctta.steps.failed", step=step.name)
                await asyncio.sleep(max(step.seconds, STEP_BACKOFF_S))

    def is_ready(self) -> dict[str, bool]:
        """Readiness by part: each noun has its partitions and knows its position."""
        return {subscriber.runner.noun.name: subscriber.ready for subscriber in self.subscribers}

    def is_alive(self) -> dict[str, bool]:
        """Liveness by part: poll loops and tasks move."""
        parts = {subscriber.runner.noun.name: subscriber.alive for subscriber in self.subscribers}
        return parts | {task.get_name(): not task.done() for task in self._tasks}

    async def stop(self) -> None:
        """Finish batches, store positions, leave groups, send what is announced, close."""
        await asyncio.gather(*(subscriber.stop() for subscriber in self.subscribers), return_exceptions=True)
        relay = [task for task in self._tasks if task.get_name() == "relay"]
        await _cancelled([task for task in self._tasks if task not in relay])
        self.relay.end()
        if relay:
            await asyncio.wait(relay, timeout=LAST_WORDS_S)
        await _cancelled(relay)
        with suppress(Exception):
            await self.broker.stop()
        await self.database.close()


async def _cancelled(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def measure(connection: asyncpg.Connection, service: str, groups: Sequence[str]) -> None:
    """Say how old the journal's oldest unsent event is, and what is held and halted, group by group."""
    oldest = await connection.fetchval('SELECT id FROM journal WHERE "offset" IS NULL ORDER BY n LIMIT 1')
    age = time.time() - (oldest.int >> 80) / 1000 if oldest else 0.0
    metrics.level("ctta.journal.age", max(age, 0.0), service=service)
    rows = await connection.fetch("SELECT grp, state, count(*) AS n FROM held GROUP BY 1, 2")
    held = {(row["grp"], row["state"]): row["n"] for row in rows}
    halted = dict(await connection.fetch("SELECT grp, count(*) FROM halted GROUP BY 1"))
    for group in groups:
        metrics.level("ctta.halted", halted.get(group, 0), group=group)
        for state in ("waiting", "parked"):
            metrics.level("ctta.held", held.get((group, state), 0), group=group, state=state)


async def housekeeping(worker: Worker) -> int:
    """Make the journal's partitions of the coming days; prune inbox and idempotency rows that are past use."""
    await make_partitions(worker)
    async with worker.database.transaction() as session:
        connection = await driver(session)
        before = await connection.fetchval("SELECT now() - make_interval(days => $1)", inbox.PRUNED_DAYS)
        pruned = await inbox.prune(connection, before, PRUNE_MAX)
        await connection.execute("DELETE FROM idempotency WHERE at < $1", before)
    return pruned


async def make_partitions(worker: Worker) -> None:
    """In a transaction of its own: a new partition locks the whole journal until the commit."""
    async with worker.database.transaction() as session:
        await (await driver(session)).execute(
            "SELECT journal_ensure_partition((now() AT TIME ZONE 'utc')::date + ahead) FROM generate_series(0, 7) ahead"
        )


class _Server(uvicorn.Server):
    """uvicorn, which tells open streams to end when it is told to."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._stopping.set()
        super().handle_exit(sig, frame)


class Process:
    """All services of this process behind one port: `/listing`, `/matching`, `/escrow`, `/notify`, `/` the page."""

    def __init__(self, services: list[Service], settings: Settings, *, pages: Callable[..., Any] | None = None) -> None:
        self.settings = settings
        self.live = LiveDirectory(settings)
        self.logs = Logs(settings)
        self.running = [Running(service, settings, self.live, self.logs) for service in services]
        self.pages = pages
        self.stopping = asyncio.Event()
        for one in self.running:
            one.app.state.stopping = self.stopping
        self._follow: asyncio.Task[None] | None = None
        self.started_at = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route by the first part of the path; requests are finished before the process ends."""
        if scope["type"] != "http":
            return
        first = scope["path"].strip("/").split("/", 1)[0]
        for one in self.running:
            if one.service.name == first:
                await one.app(scope, receive, send)
                return
        if first in ("live", "ready"):
            await self._health(first)(scope, receive, send)
        elif self.pages is not None:
            await self.pages(scope, receive, send)
        else:
            await JSONResponse({"title": "not-found", "status": 404}, 404)(scope, receive, send)

    def _health(self, kind: str) -> JSONResponse:
        parts = {r.service.name: r.is_ready() if kind == "ready" else r.is_alive() for r in self.running}
        good = all(all(part.values()) for part in parts.values())
        return JSONResponse({"status": "ok" if good else "waiting", "parts": parts}, 200 if good else 503)

    def ready(self) -> bool:
        """Whether every part is ready."""
        return all(all(one.is_ready().values()) for one in self.running)

    async def start(self) -> None:
        """Start the services; HTTP is `serve`'s."""
        self._follow = asyncio.create_task(self.live.follow(), name="directory")
        await asyncio.gather(*(one.start() for one in self.running))

    async def stop(self) -> None:
        """Drain; with the requests that ended before, within the time that is set."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.drain_s / 2):
                await asyncio.gather(*(one.stop() for one in self.running), return_exceptions=True)
        if self._follow is not None:
            self._follow.cancel()
            await asyncio.gather(self._follow, return_exceptions=True)
        telemetry.flush()

    async def serve(self) -> None:
        """Run until SIGTERM or SIGINT, then drain."""
        config = uvicorn.Config(
            self, host=self.settings.http_host, port=self.settings.http_port, log_config=None, lifespan="off",
            access_log=False, timeout_graceful_shutdown=max(1, int(self.settings.drain_s / 2)), loop="none",
        )  # fmt: skip
        await self.start()
        try:
            await _Server(config, self.stopping).serve()
        finally:
            await self.stop()
