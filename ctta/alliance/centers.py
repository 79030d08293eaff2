"""A center's process in the embedded alliance: started, watched, started again when it dies, stopped in order."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx

from ctta.alliance.state import CenterState
from ctta.embedded.children import LOOPBACK, open_log, spawn, stop_in_steps

BACKOFF_S: Final = 0.2
BACKOFF_MAX_S: Final = 5.0
STEADY_S: Final = 30.0
"""A process that lived this long starts without delay when it dies."""
STOP_STEPS: Final = ((signal.SIGTERM, 15.0), (signal.SIGKILL, 3.0))
HEALTH_TIMEOUT_S: Final = 2.0


class CenterProcess:
    """`ctta run all --center <id>` with its environment."""

    def __init__(self, center: str, port: int, logs: Path, environment: dict[str, str]) -> None:
        self.center = center
        self.port = port
        self.log = logs / f"{center}.log"
        self.starts = 0
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._due = 0.0
        self._delay = BACKOFF_S

    @property
    def url(self) -> str:
        """Where its HTTP answers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process, or None while there is none."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def state(self) -> CenterState:
        """Its part of the state file."""
        return CenterState(pid=self.pid or 0, port=self.port, url=self.url, log=str(self.log), starts=self.starts)

    def start(self) -> None:
        """Start it now."""
        open_log(self.log)
        argv = [sys.executable, "-m", "ctta", "run", "all", "--center", self.center, "--migrate"]
        self._process = spawn(argv, self.log, dies_with_parent=True, env=os.environ | self._environment)
        self._started_at = time.monotonic()
        self.starts += 1

    def mend(self) -> bool:
        """Start it again if it has died and its delay is over; each quick death doubles the delay."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is None:
            return False
        if self._process is not None:
            self._process = None
            steady = now - self._started_at > STEADY_S
            self._delay = BACKOFF_S if steady else min(self._delay * 2, BACKOFF_MAX_S)
            self._due = now + self._delay
        if now < self._due:
            return False
        self.start()
        return True

    def ready(self) -> bool:
        """Whether every part of it is ready."""
        try:
            return httpx.get(f"{self.url}/ready", timeout=HEALTH_TIMEOUT_S).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def ask_to_stop(self) -> None:
        """SIGTERM: it finishes what it has in hand."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def stop(self) -> None:
        """Stop it; by force after its time."""
        process = self._process
        if process is not None and process.poll() is None:
            stop_in_steps(process.pid, STOP_STEPS, lambda: process.poll() is not None)
        self._process = None

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])
