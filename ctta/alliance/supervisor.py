"""Brings the embedded alliance up, keeps it up, takes it down."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from typing import Final

from ctta.alliance import ports
from ctta.alliance.centers import CenterProcess
from ctta.alliance.home import Home
from ctta.alliance.servers import Servers
from ctta.alliance.state import AllianceState, write_state
from ctta.cli.words import Exit, Failure, say
from ctta.embedded import EmbeddedError
from shared.events.logs import Logs
from shared.settings import Settings
from shared.topics import plan
from shared.trust import KNOWN_CENTERS, Directory, create_development_alliance

CENTERS: Final = ("beijing", "south", "east")
READY_S: Final = 120.0
STARTS_MAX: Final = 5
POLL_S: Final = 0.1
SESSION_TIMEOUT_MS: Final = 3000
"""Joining a group of the embedded broker takes half of it."""

Say = Callable[[str], None]


class Alliance:
    """Three centers on this machine. `start` returns when they are ready; `watch` keeps them running."""

    def __init__(self, settings: Settings, *, port: int | None = None, fresh: bool = False, tell: Say = print) -> None:
        self.settings = settings
        self.home = Home(settings.home)
        self.centers: dict[str, CenterProcess] = {}
        self.ready_s = 0.0
        self._port, self._fresh, self._tell = port, fresh, tell
        self._servers: Servers | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def start(self) -> AllianceState:
        """Servers, keys, topics, databases, centers. Raises EmbeddedError, Failure; then nothing is left running."""
        began = time.monotonic()
        self.home.take(fresh=self._fresh)
        try:
            self._servers = Servers(self.home.path, self.settings)
            self._servers.start()
            self._tell(say("Servers are up.", "服务器已启动。"))
            directory = self._trust()
            asyncio.run(self._topics(directory))
            self._start_centers()
            self._wait(began)
        except BaseException:
            self.stop()
            raise
        return self.state

    @property
    def state(self) -> AllianceState:
        """What runs where."""
        servers = self._servers
        assert servers is not None
        return AllianceState(
            pid=os.getpid(),
            home=str(self.home.path),
            kafka=servers.kafka,
            postgres=servers.postgres,
            kafka_pid=servers.broker.pid if servers.broker else None,
            postgres_pid=servers.database.pid if servers.database else None,
            kafka_idempotent=servers.idempotent,
            centers={name: center.state for name, center in self.centers.items()},
            ready=self.ready_s > 0,
            ready_s=round(self.ready_s, 1),
        )

    def _trust(self) -> Directory:
        facts = {name: tuple(KNOWN_CENTERS[name]) for name in CENTERS}
        return create_development_alliance(self.settings.trust, facts)  # type: ignore[arg-type]  # tuple(NamedTuple)

    def _settings(self) -> Settings:
        assert self._servers is not None
        return self.settings.model_copy(update={"kafka": self._servers.kafka})

    async def _topics(self, directory: Directory) -> None:
        logs = Logs(self._settings())
        wanted = [topic for name in CENTERS for topic in plan(name, directory.centers, hub=name in directory.hubs)]
        await logs.ensure(wanted)

    def _start_centers(self) -> None:
        chosen = ports.choose(self.home.path / "ports.json", list(CENTERS), self._port)
        for name, port in chosen.items():
            self.centers[name] = CenterProcess(name, port, self.home.logs, self._environment(name, port))
            self.centers[name].start()
        write_state(self.home.state, self.state)

    def _environment(self, center: str, port: int) -> dict[str, str]:
        assert self._servers is not None
        return {
            "CTTA_CENTER": center,
            "CTTA_HOME": str(self.home.path),
            "CTTA_KAFKA": self._servers.kafka,
            "CTTA_KAFKA_IDEMPOTENT": str(self._servers.idempotent).lower(),
            "CTTA_KAFKA_SESSION_TIMEOUT_MS": str(
                SESSION_TIMEOUT_MS if self._servers.broker else self.settings.kafka_session_timeout_ms
            ),
            "CTTA_POSTGRES": self._servers.postgres,
            "CTTA_HTTP_HOST": "127.0.0.1",
            "CTTA_HTTP_PORT": str(port),
            "CTTA_LANG": self.settings.lang,
            "CTTA_WEBHOOK_PRIVATE": "true",
            "MALLOC_ARENA_MAX": "2",
        }

    def _wait(self, began: float) -> None:
        waiting = dict(self.centers)
        while waiting:
            if time.monotonic() - began > READY_S:
                raise self._not_ready(next(iter(waiting.values())))
            for name, center in list(waiting.items()):
                if center.starts > STARTS_MAX:
                    raise self._not_ready(center)
                if center.ready():
                    del waiting[name]
                    self._tell(say(f"Center {name} is ready: {center.url}", f"中心 {name} 已就绪：{center.url}"))
            self.mend()
            self._stopping.wait(POLL_S)
        self.ready_s = time.monotonic() - began
        write_state(self.home.state, self.state)

    def _not_ready(self, center: CenterProcess) -> Failure:
        return Failure(
            f"Center {center.center} did not become ready. Its log is {center.log}; the last lines:\n"
            + center.last_words(),
            f"中心 {center.center} 未能就绪。日志文件：{center.log}；最后几行：\n{center.last_words()}",
            Exit.ENVIRONMENT,
        )

    def mend(self) -> None:
        """Start again what has died."""
        with self._lock:
            if self._stopping.is_set() or self._servers is None:
                return
            mended = self._servers.mend() + [name for name, center in self.centers.items() if center.mend()]
        if mended:
            write_state(self.home.state, self.state)
            for name in mended:
                self._tell(say(f"{name} had ended and was started again.", f"{name} 已退出，现已重新启动。"))

    def watch(self) -> None:
        """Keep everything running until `stop`; for a thread of its own, or for `ctta up`."""
        while not self._stopping.wait(POLL_S):
            try:
                self.mend()
            except EmbeddedError as error:
                self._tell(error.say("zh" if self.settings.lang == "zh" else "en"))
                self._stopping.wait(1.0)

    def stop(self) -> None:
        """Centers drain side by side, then the servers stop."""
        self._stopping.set()
        if not self.home.taken:
            return  # another supervisor's: its state file stays
        with self._lock:
            for center in self.centers.values():
                center.ask_to_stop()
            for center in self.centers.values():
                center.stop()
            if self._servers is not None:
                self._servers.stop()
        self.home.state.unlink(missing_ok=True)
        self.home.leave()
