"""Sends what is due. Attempts run beside each other and outlive a step: no endpoint waits for another's answer."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx

from services.notify.delivery import handlers, signing
from services.notify.delivery.domain import IN_FLIGHT_MAX, Answer
from services.notify.delivery.handlers import Attempted, Leased
from services.notify.delivery.sending import Resolve, new_client, resolve, send
from shared import telemetry
from shared.center import Center
from shared.db import Database
from shared.service import Worker

TURN_S: Final = 0.2
"""How long a step waits for an attempt to end before it looks again for what is due."""

log = telemetry.logger(__name__)


@dataclass
class Courier:
    """The attempts of this process that are under way, each for a database.

    A lease brings back what a killed process had taken.
    """

    client: Callable[[], httpx.AsyncClient] = new_client
    resolver: Resolve = resolve
    chance: Callable[[], float] = random.random
    running: dict["asyncio.Task[Attempted]", Database] = field(default_factory=dict)
    _client: httpx.AsyncClient | None = None

    async def step(self, worker: Worker) -> int:
        """Record what has ended, take what is due, send it. Returns how much was done or is going on."""
        try:
            recorded = await self._record(worker.database)
            leased = await self._lease(worker)
            mine = [task for task, database in self.running.items() if database is worker.database]
            if mine:
                await asyncio.wait(mine, timeout=TURN_S, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self.close()
            raise
        return recorded + leased + len(mine)

    async def close(self) -> None:
        """Drop what is under way: after its lease it is sent again."""
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        self.running.clear()
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _record(self, database: Database) -> int:
        ended = [task for task, its in self.running.items() if its is database and task.done()]
        if ended:
            async with database.transaction() as session:
                await handlers.record(session, [task.result() for task in ended])
            for task in ended:
                del self.running[task]
        return len(ended)

    async def _lease(self, worker: Worker) -> int:
        room = IN_FLIGHT_MAX - len(self.running)
        if room <= 0:
            return 0
        async with worker.database.transaction() as session:
            leased = await handlers.lease(session, room)
        if leased and self._client is None:
            self._client = self.client()
        for one in leased:
            self.running[asyncio.create_task(self._attempt(worker.center, one))] = worker.database
        return len(leased)

    async def _attempt(self, center: Center, leased: Leased) -> Attempted:
        started_at, clock = center.now(), time.monotonic()
        with (
            telemetry.continuing(leased.traceparent),
            telemetry.step("notify", "POST webhook", keep=True, **_ids(leased)) as span,
        ):
            try:
                answer = await self._send(center, leased, started_at)
            except Exception as error:  # a bug of ours fails this one attempt, not the courier
                log.error("webhook.bug", notice_id=leased.notice_id, error=repr(error)[:300])
                answer = Answer(error=f"bug.{type(error).__name__}")
            span.set_attribute("http.response.status_code", answer.status or 0)
        duration_ms = int((time.monotonic() - clock) * 1000)
        return Attempted(leased, started_at, duration_ms, answer, self.chance())

    async def _send(self, center: Center, leased: Leased, started_at: datetime) -> Answer:
        body = leased.body.encode()
        headers = signing.headers(leased.notice_id, started_at, body, leased.secret, center.keyring.signing_key)
        if traceparent := telemetry.current_context()[0]:
            headers["traceparent"] = traceparent
        client, private_ok = self._client, center.settings.webhook_private
        assert client is not None
        return await send(client, leased.url, headers, body, private_ok=private_ok, resolver=self.resolver)


def _ids(leased: Leased) -> dict[str, str | int]:
    """What a span may say: ids alone."""
    return {
        "messaging.message.conversation_id": leased.conversation,
        "ctta.notice_id": leased.notice_id,
        "ctta.subscription_id": leased.subscription_id,
        "ctta.attempt": leased.attempt,
    }
