"""The process that keeps the run's shared servers: `python -m tests.servers.keeper FOLDER`.

The pytest process (the controller, where xdist runs several) starts one keeper and holds its standard input. Workers
ask it over a socket in the folder for `kafka` or `postgres`; each server is started when it is first asked for. When
standard input ends, because the run is over or was killed in whatever way, it stops the servers and goes. Nothing has
to be counted, and nothing outlives the run.
"""

import asyncio
import json
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import asyncpg

from ctta.embedded import EmbeddedPostgres
from tests.servers.choice import KAFKA_IMAGE, POSTGRES_IMAGE, Kind, choose, image
from tests.servers.databases import drop_databases
from tests.servers.kafka import ApacheKafka, EmbeddedKafka

ANSWER_S = 180.0  # the first run of a machine fetches the jars
POSTGRES_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "400"}  # the data end with the run
KAFKA_PROPERTIES = {"broker.session.timeout.ms": "18000"}  # is never restarted, and must bear a busy machine


class Keeper:
    """Starts each server once and remembers how to end it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.choice = choose()
        self.starts = {"kafka": self._start_kafka, "postgres": self._start_postgres}
        self.locks = {name: threading.Lock() for name in self.starts}
        self.answers: dict[str, str] = {}
        self.closers: list[Callable[[], None]] = []

    def answer(self, name: str) -> str:
        """Where the server is, or `error: ...`; starts it when it is asked for the first time."""
        with self.locks[name]:
            if name not in self.answers:
                try:
                    self.answers[name] = self.starts[name]()
                except Exception as failed:
                    self.answers[name] = f"error: {failed!r}"
            return self.answers[name]

    def close(self) -> None:
        """Stop what was started, last first, after any start that is under way."""
        for lock in self.locks.values():
            lock.acquire()
        for closer in reversed(self.closers):
            closer()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_kafka(self) -> str:
        if self.choice.kafka is Kind.NAMED:
            return os.environ["CTTA_TEST_KAFKA"]
        if self.choice.kafka is Kind.CONTAINER:
            from tests.servers.containers import KafkaContainer

            container = KafkaContainer(image(KAFKA_IMAGE) or KAFKA_IMAGE)
            self.closers.append(container.close)
            container.start()
            return container.bootstrap
        folder = self.folder / "kafka"
        java = self.choice.kafka is Kind.JAVA
        broker = ApacheKafka(folder, properties=KAFKA_PROPERTIES) if java else EmbeddedKafka(folder)
        self.closers.append(broker.close)
        broker.start()
        return broker.bootstrap

    def _start_postgres(self) -> str:
        if self.choice.postgres is Kind.NAMED:
            url = os.environ["CTTA_TEST_POSTGRES"]
            self.closers.append(lambda: asyncio.run(drop_databases(url, self.folder.name)))
            return url
        if self.choice.postgres is Kind.CONTAINER:
            from tests.servers.containers import PostgresContainer

            container = PostgresContainer(image(POSTGRES_IMAGE) or POSTGRES_IMAGE)
            self.closers.append(container.close)
            url = container.start()
            asyncio.run(accepts(url))
            return url
        postgres = EmbeddedPostgres(self.folder, POSTGRES_SETTINGS)
        self.closers.append(postgres.stop)
        return postgres.start()


async def accepts(url: str) -> None:
    """Return when the server accepts a connection; raises what asyncpg does when it never will."""
    await (await asyncpg.connect(f"{url}/postgres", timeout=30)).close()


def ask(folder: Path, name: str) -> str:
    """Ask the folder's keeper where a server is. Raises RuntimeError with the reason it could not be started."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(ANSWER_S)
        line.connect(str(folder / "keeper"))
        line.sendall(name.encode() + b"\n")
        with line.makefile() as reader:
            answer = str(json.loads(reader.readline()))
    if answer.startswith("error: "):
        raise RuntimeError(f"{name} for tests could not be started; {answer}")
    return answer


def main(folder: Path) -> None:
    """Serve until standard input ends."""
    keeper = Keeper(folder)
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(folder / "keeper.new"))
    door.listen()
    (folder / "keeper.new").rename(folder / "keeper")  # whoever sees it can connect

    def serve(line: socket.socket) -> None:
        with line, line.makefile("rw") as talk:
            talk.write(json.dumps(keeper.answer(talk.readline().strip())) + "\n")

    def accept() -> None:
        while True:
            line, _ = door.accept()
            threading.Thread(target=serve, args=(line,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()
    keeper.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
