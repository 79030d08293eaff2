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
from services.notify.story.tail import Tail
from shared.db import Database, driver
from shared.http import Caller

router = APIRouter(prefix="/notify", tags=["story"])

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
    state = request.app.state
    if not hasattr(state, "story_tail"):
        state.story_tail = Tail(state.database)
    stopping: asyncio.Event = getattr(state, "stopping", None) or asyncio.Event()
    lines = follow(state.story_tail, reader(who), n, conversation, stopping, life_s=life_s)
    return StreamingResponse(
        lines, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


async def follow(
    tail: Tail,
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
    ends = clock() + life_s
    async with tail.watched():
        n = tail.n if n is None else min(n, tail.n)  # a cursor from before the story was rebuilt begins now
        yield f"retry: 1000\nid: {n}\n\n"
        while not stopping.is_set() and clock() < ends:
            end = tail.n
            steps = await _after(tail.database, who, n, conversation) if end > n else []
            for step in steps:
                yield f"id: {step.cursor}\nevent: step\ndata: {step.model_dump_json()}\n\n"
            if len(steps) == STEPS_AT_ONCE:
                n = int(steps[-1].cursor)
                continue
            n = max(n, end, *(int(step.cursor) for step in steps))
            await tail.grow(n, stopping, min(heartbeat_s, max(ends - clock(), 0)))
            if tail.n <= n:
                yield ": alive\n\n"


async def _after(database: Database, who: Reader, n: int, conversation: str | None) -> list[StepView]:
    async with database.transaction(read_only=True) as session:
        return await handlers.after(await driver(session), who, n, conversation, STEPS_AT_ONCE)
