"""The same servers as containers, where a container engine answers and has their images."""

from collections.abc import Mapping
from typing import Any

from ctta.embedded import metadata
from ctta.embedded.children import LOOPBACK, free_port, port_is_free, wait_until
from tests.servers import distribution
from tests.servers.kafka import PROPERTIES, READY_S, BrokerFailed

KAFKA_CONTROLLER_PORT = 9093
POSTGRES_PASSWORD = "ctta"


class KafkaContainer:
    """`apache/kafka` as a `Broker`, on a host port chosen beforehand, so that it can be advertised and kept."""

    real = True
    sasl_bootstrap = ""

    def __init__(self, image: str, properties: Mapping[str, str] | None = None) -> None:
        self.image = image
        self.properties = dict(properties or {})
        self.bootstrap = self.cluster_id = ""
        self._container: Any = None

    def start(self) -> None:
        """Make a new cluster in a new container. Raises BrokerFailed."""
        self.bootstrap = self.bootstrap or f"{LOOPBACK}:{free_port()}"
        self.cluster_id = distribution.new_id()
        port = int(self.bootstrap.rpartition(":")[2])
        from testcontainers.core.container import DockerContainer

        container = DockerContainer(self.image).with_bind_ports(port, port).with_env("CLUSTER_ID", self.cluster_id)
        for name, value in self._settings(port).items():
            container = container.with_env("KAFKA_" + name.replace("_", "__").replace(".", "_").upper(), value)
        self._container = container.start().get_wrapped_container()
        self._await()

    def stop(self) -> None:
        self._container.stop()

    def kill(self) -> None:
        self._container.kill()

    def restart(self) -> None:
        self._container.restart()
        self._await()

    def pause(self) -> None:
        self._container.pause()

    def resume(self) -> None:
        self._container.unpause()

    def replace_empty(self) -> None:
        self.close()
        wait_until(lambda: port_is_free(int(self.bootstrap.rpartition(":")[2])), READY_S)
        self.start()

    def close(self) -> None:
        if self._container is not None:
            self._container.remove(force=True, v=True)
            self._container = None

    def _settings(self, port: int) -> dict[str, str]:
        places = {
            "listeners": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://0.0.0.0:{KAFKA_CONTROLLER_PORT}",
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
            "controller.quorum.voters": f"1@localhost:{KAFKA_CONTROLLER_PORT}",
        }
        return PROPERTIES | places | self.properties

    def _await(self) -> None:
        if not wait_until(lambda: metadata.cluster_id(self.bootstrap) == self.cluster_id, READY_S):
            raise BrokerFailed(self._container.logs(tail=40).decode(errors="replace"))


class PostgresContainer:
    """`postgres` on a free host port, shared by a run."""

    def __init__(self, image: str) -> None:
        self.image = image
        self._container: Any = None

    def start(self) -> str:
        """Start it and return its URL without a database."""
        from testcontainers.postgres import PostgresContainer as Container

        self._container = Container(self.image, username="postgres", password=POSTGRES_PASSWORD).start()
        return f"postgresql://postgres:{POSTGRES_PASSWORD}@{LOOPBACK}:{self._container.get_exposed_port(5432)}"

    def close(self) -> None:
        if self._container is not None:
            self._container.stop()
