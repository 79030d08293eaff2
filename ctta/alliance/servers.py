"""The alliance's PostgreSQL and broker: those that the environment names, else the embedded ones, kept running."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from ctta.embedded import EmbeddedBroker, EmbeddedPostgres
from shared.settings import Settings

POSTGRES: Final = {"max_connections": "300", "shared_buffers": "96MB", "max_wal_size": "512MB"}


class Servers:
    """`kafka` and `postgres` are addresses once `start` has returned."""

    def __init__(self, home: Path, settings: Settings) -> None:
        named = settings.model_fields_set
        self.kafka = settings.kafka if "kafka" in named else ""
        self.postgres = settings.postgres.get_secret_value() if "postgres" in named else ""
        self.idempotent = settings.kafka_idempotent if self.kafka else False
        self.broker = None if self.kafka else EmbeddedBroker(home)
        self.database = None if self.postgres else EmbeddedPostgres(home, POSTGRES)

    def start(self) -> None:
        """Start the embedded ones side by side. Raises EmbeddedError."""
        with ThreadPoolExecutor(2) as pool:
            broker = pool.submit(self.broker.start) if self.broker else None
            database = pool.submit(self.database.start) if self.database else None
            self.kafka = broker.result() if broker else self.kafka
            self.postgres = database.result() if database else self.postgres

    def mend(self) -> list[str]:
        """Start again what has died, on its old port; returns what that was. Raises EmbeddedError."""
        mended = []
        if self.database and not self.database.running():
            self.database.kill()
            self.database.start(self._port(self.postgres))
            mended.append("postgres")
        if self.broker and self.broker.pid is None:
            self.broker.kill()
            self.broker.start(self._port(self.kafka))
            mended.append("kafka")
        return mended

    def stop(self) -> None:
        """Stop the embedded ones in order."""
        if self.broker:
            self.broker.stop()
        if self.database:
            self.database.stop()

    @staticmethod
    def _port(address: str) -> int:
        return int(address.rsplit(":", 1)[1])
