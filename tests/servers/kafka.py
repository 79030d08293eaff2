"""Brokers that a test may break: Apache Kafka in a JVM of its own, or the embedded broker where there is no Java."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ctta.embedded import EmbeddedBroker, metadata
from ctta.embedded.children import LOOPBACK, free_port, spawn, stop_in_steps, wait_until
from tests.servers import distribution

READY_S = 90.0
LAUNCHES_MAX = 3
STOP_STEPS = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0))
PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT",
    "broker.session.timeout.ms": "2000",  # a killed broker is refused by its controller until this has passed
    "broker.heartbeat.interval.ms": "500",
    "num.partitions": "3",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "log.cleaner.dedupe.buffer.size": "2097152",
}


class BrokerFailed(Exception):
    """A broker ended or stayed silent; the message is the end of its log."""


class Broker(Protocol):
    """What a test can do to its own broker. All calls block; in a coroutine use `asyncio.to_thread`."""

    real: bool
    """Apache Kafka itself."""
    bootstrap: str
    """host:port; stays the same across restart and replacement."""
    cluster_id: str

    def stop(self) -> None:
        """End it in order; what it holds is kept (by a real one)."""

    def kill(self) -> None:
        """SIGKILL."""

    def restart(self) -> None:
        """Bring it back on the same port after stop or kill, with what it held (the embedded one: empty)."""

    def pause(self) -> None:
        """SIGSTOP: it holds its connections and answers nothing."""

    def resume(self) -> None:
        """SIGCONT."""

    def replace_empty(self) -> None:
        """Kill it and put an empty broker of a new cluster id on the same port."""

    def close(self) -> None:
        """End it and delete what it held."""


class ApacheKafka:
    """One KRaft node as broker and controller, on loopback, about 300 MB resident.

    `principals` (user to password) adds a SASL/PLAIN listener, `sasl_bootstrap`, and turns the StandardAuthorizer on;
    the plaintext listener stays open and is the super user.
    """

    real = True

    def __init__(
        self,
        directory: Path,
        *,
        principals: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.principals = dict(principals or {})
        self.properties = dict(properties or {})
        self.bootstrap = self.sasl_bootstrap = self.cluster_id = ""
        self._ports: tuple[int, int, int] = (0, 0, 0)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make a new, empty cluster and wait until it answers. Raises BrokerFailed, DistributionError."""
        distribution.prepare()
        self.directory.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, LAUNCHES_MAX + 1):
            self._ports = (free_port(), free_port(), free_port())
            self.bootstrap, self.sasl_bootstrap = (f"{LOOPBACK}:{self._ports[i]}" for i in (0, 2))
            self.cluster_id = distribution.format_storage(self.directory / "data")
            try:
                return self.restart()
            except BrokerFailed as failed:
                if attempt == LAUNCHES_MAX or "Address already in use" not in str(failed):
                    raise

    def restart(self) -> None:
        self.stop()
        self._write_properties()
        log = self.directory / "server.log"
        process = spawn(
            distribution.broker_command(self.directory / "server.properties"),
            log,
            dies_with_parent=True,
            env=os.environ | {"LOG_DIR": str(self.directory)},
        )
        self._process = process
        wait_until(lambda: process.poll() is not None or self.answers(), READY_S)
        if process.poll() is not None or not self.answers():
            self.kill()
            raise BrokerFailed(log.read_text(errors="replace")[-3000:])

    def stop(self) -> None:
        self._end(STOP_STEPS)

    def kill(self) -> None:
        self._end(STOP_STEPS[-1:])

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def replace_empty(self) -> None:
        self.kill()
        self.cluster_id = distribution.format_storage(self.directory / "data")
        self.restart()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def answers(self) -> bool:
        """Whether this very cluster answers the protocol now."""
        return metadata.cluster_id(self.bootstrap) == self.cluster_id

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, steps: tuple[tuple[signal.Signals, float], ...]) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            stop_in_steps(process.pid, steps, lambda: process.poll() is not None)

    def _write_properties(self) -> None:
        plain, controller, sasl = self._ports
        listeners = f"PLAINTEXT://{LOOPBACK}:{plain}" + (f",SASL://{LOOPBACK}:{sasl}" if self.principals else "")
        lines = PROPERTIES | {
            "log.dirs": str(self.directory / "data"),
            "listeners": f"{listeners},CONTROLLER://{LOOPBACK}:{controller}",
            "advertised.listeners": listeners,
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
        }
        if self.principals:
            users = " ".join(f'user_{name}="{password}"' for name, password in self.principals.items())
            lines |= {
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": "User:ANONYMOUS",
                "sasl.enabled.mechanisms": "PLAIN",
                "listener.name.sasl.plain.sasl.jaas.config": (
                    f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
                ),
            }
        text = "\n".join(f"{name}={value}" for name, value in (lines | self.properties).items())
        (self.directory / "server.properties").write_text(text + "\n")


class EmbeddedKafka:
    """The embedded broker in the shape of `Broker`: keeps nothing, so a restart is a replacement."""

    real = False

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._broker = EmbeddedBroker(directory)
        self.bootstrap = self.cluster_id = ""

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.bootstrap = self._broker.start()
        self.cluster_id = self._broker.cluster_id

    def restart(self) -> None:
        self._broker.stop()
        self._broker.start(int(self.bootstrap.rpartition(":")[2]))
        self.cluster_id = self._broker.cluster_id

    def stop(self) -> None:
        self._broker.stop()

    def kill(self) -> None:
        self._broker.kill()

    def pause(self) -> None:
        if self._broker.pid is not None:
            os.kill(self._broker.pid, signal.SIGSTOP)

    def resume(self) -> None:
        if self._broker.pid is not None:
            os.kill(self._broker.pid, signal.SIGCONT)

    def replace_empty(self) -> None:
        self._broker.kill()
        self.restart()

    def close(self) -> None:
        self._broker.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
