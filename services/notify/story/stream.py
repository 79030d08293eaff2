"""`/notify/stream`: the story as it happens, as server-sent events (HTML standard, section 9.2)."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from services.notify.story import handlers
from services.notify.story.handlers import Reader, StepView
from services.notify.story.routes import reader, step_number
from shared.db import Database, driver
from shared.http import Caller

router = APIRouter(prefix="/notify", tags=["story"])

LOOK_S: Final = 0.3
"""How often a stream looks for new steps."""
HEARTBEAT_S: Final = 15.0
"""Silence after which a comment line tells proxies and clients that the stream is alive."""
LIFE_S: Final = 3600.0
"""A stream ends after so long; the client comes back with Last-Event-ID and a token of then."""
STEPS_AT_ONCE: Final = 100


@router.get("/stream", response_class=StreamingResponse)
async def stream(
    request: Request,
    who: Caller,
    after: str | None = None,
    conversation: str | None = None,
    last_event_id: Annotated[str | None, Header()] = None,
    life_s: Annotated[float, Query(gt=0, le=LIFE_S)] = LIFE_S,
) -> StreamingResponse:
    """New steps as events `step`; each `id` is a cursor. Resumes behind `Last-Event-ID`, else `after`, else begins now.

    Ends after `life_s` seconds, or when the process is asked to stop.
    """
    start = last_event_id or after
    n = step_number(start) if start is not None else None
    database: Database = request.app.state.database
    stopping: asyncio.Event = getattr(request.app.state, "stopping", None) or asyncio.Event()
    lines = follow(database, reader(who), n, conversation, stopping, life_s=life_s)
    return StreamingResponse(
        lines, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


async def follow(
    database: Database,
    who: Reader,
    n: int | None,
    conversation: str | None,
    stopping: asyncio.Event,
    *,
    life_s: float = LIFE_S,
    heartbeat_s: float = HEARTBEAT_S,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[str]:
    """The lines of one stream, behind step `n` (None: from now on), until `stopping` or `life_s` seconds passed."""
    began = spoke = clock()
    if n is None:
        n = await _newest(database)
    yield f"retry: 1000\nid: {n}\n\n"
    while not stopping.is_set() and clock() - began < life_s:
        steps = await _after(database, who, n, conversation)
        for step in steps:
            n, spoke = int(step.cursor), clock()
            yield f"id: {step.cursor}\nevent: step\ndata: {step.model_dump_json()}\n\n"
        if clock() - spoke >= heartbeat_s:
            spoke = clock()
            yield ": alive\n\n"
        if len(steps) < STEPS_AT_ONCE:
            await _pause(stopping)


async def _pause(stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_S):
            await stopping.wait()
    except TimeoutError:
        return


async def _newest(database: Database) -> int:
    async with database.transaction(read_only=True) as session:
        n: int = await (await driver(session)).fetchval("SELECT coalesce(max(n), 0) FROM step")
        return n


async def _after(database: Database, who: Reader, n: int, conversation: str | None) -> list[StepView]:
    async with database.transaction(read_only=True) as session:
        return await handlers.after(await driver(session), who, n, conversation, STEPS_AT_ONCE)
