"""Waiting for a condition: asked again and again until it holds, never for a fixed time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ctta.cli.words import Failure

T = TypeVar("T")

PATIENCE_S: Final = 180.0
POLL_S: Final = 0.05
POLL_MAX_S: Final = 0.5


async def until(ask: Callable[[], Awaitable[T | None]], en: str, zh: str, *, patience_s: float = PATIENCE_S) -> T:
    """What `ask` gives once it gives something true. Raises Failure after `patience_s`, saying what did not happen."""
    deadline, pause = time.monotonic() + patience_s, POLL_S
    while not (found := await ask()):
        if time.monotonic() > deadline:
            raise Failure(
                f"Waited {patience_s:.0f} s in vain: {en}. `ctta doctor` and the logs in <home>/logs say more.",
                f"等待 {patience_s:.0f} 秒仍未完成：{zh}。请运行 `ctta doctor` 并查看 <home>/logs 中的日志。",
            )
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, POLL_MAX_S)
    return found
