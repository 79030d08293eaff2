"""The servers and fresh databases that tests run on; tests/servers/README.md tells how to use them."""

import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from ctta.embedded import EmbeddedPostgres
from ctta.embedded.children import wait_until
from tests.servers import keeper
from tests.servers.choice import KAFKA_IMAGE, Choice, Kind, choose, image
from tests.servers.databases import Databases
from tests.servers.kafka import ApacheKafka, Broker, EmbeddedKafka

pytest_plugins = ["tests.fixtures"]

ROOT = Path(__file__).parent.parent
SLOW_FIRST = (
    "tests/demo/",
    "tests/faults/test_bus",
    "tests/deploy/test_image",
    "tests/cli/test_commands",
    "tests/faults/",
)
KEEPER_READY_S = 30.0
FOLDER, CHOICE, PROCESS = (
    pytest.StashKey[Path](),
    pytest.StashKey[Choice](),
    pytest.StashKey["subprocess.Popen[bytes]"](),
)


@dataclass(frozen=True)
class KafkaServer:
    """The run's shared broker: topic names must be unique to a test, and nobody may stop it."""

    bootstrap: str
    kind: Kind

    @property
    def real(self) -> bool:
        """Apache Kafka itself rather than the embedded broker."""
        return self.kind is not Kind.WHEEL


@dataclass(frozen=True)
class PostgresServer:
    """The run's shared PostgreSQL; `url` names no database."""

    url: str
    kind: Kind


class Servers:
    """The run's shared servers, each started when a test first asks for it."""

    def __init__(self, folder: Path, choice: Choice) -> None:
        self.run = folder.name
        self._folder, self._choice = folder, choice

    @cached_property
    def kafka(self) -> KafkaServer:
        return KafkaServer(keeper.ask(self._folder, "kafka"), self._choice.kafka)

    @cached_property
    def postgres(self) -> PostgresServer:
        return PostgresServer(keeper.ask(self._folder, "postgres"), self._choice.postgres)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[CHOICE] = choose()
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[FOLDER] = Path(worker["ctta_folder"])
    elif not config.option.collectonly:
        config.stash[FOLDER] = folder = Path(tempfile.mkdtemp(prefix="ctta-test-"))
        command = [sys.executable, "-m", "tests.servers.keeper", str(folder)]
        config.stash[PROCESS] = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT, start_new_session=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes begin first, so that the workers end together."""
    items.sort(key=lambda item: next((n for n, part in enumerate(SLOW_FIRST) if part in item.nodeid), len(SLOW_FIRST)))


def pytest_unconfigure(config: pytest.Config) -> None:
    process = config.stash.get(PROCESS, None)
    if process is not None:
        process.communicate()  # ends its standard input and waits: it stops the servers


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: tell each worker where the run's keeper is."""
    node.workerinput["ctta_folder"] = str(node.config.stash[FOLDER])


def pytest_report_header(config: pytest.Config) -> str:
    return f"servers: {config.stash[CHOICE]}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`real_kafka` tests skip where neither the shared nor a private broker is Apache Kafka."""
    if item.get_closest_marker("real_kafka"):
        choice = item.config.stash[CHOICE]
        needed = choice.private_kafka if "kafka_factory" in getattr(item, "fixturenames", ()) else choice.kafka
        if needed is Kind.WHEEL:
            pytest.skip(
                "needs Apache Kafka (CTTA_TEST_KAFKA, a container image, or Java and Maven); only Tansu is here"
            )


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """`.kafka.bootstrap/.real/.kind`, `.postgres.url/.kind`, `.run`."""
    folder = request.config.stash[FOLDER]
    if not wait_until((folder / "keeper").exists, KEEPER_READY_S):
        raise RuntimeError("the keeper of the test servers did not start; its error is above")
    return Servers(folder, request.config.stash[CHOICE])


@pytest.fixture
def unique() -> str:
    """A short random id for names that must not meet another test's."""
    return secrets.token_hex(4)


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder for a private server; outside tmp_path, whose parents other accounts may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="ctta-private-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def kafka_factory(request: pytest.FixtureRequest, server_folder: Path) -> Iterator[Callable[..., Broker]]:
    """`kafka_factory(**options)` starts a private broker (see `Broker`); all are closed at the end of the test."""
    made: list[Broker] = []
    kind = request.config.stash[CHOICE].private_kafka

    def start(**options: Any) -> Broker:
        folder = server_folder / f"kafka-{len(made)}"
        broker: ApacheKafka | EmbeddedKafka | Any
        if kind is Kind.JAVA:
            broker = ApacheKafka(folder, **options)
        elif kind is Kind.CONTAINER and "principals" not in options:
            from tests.servers.containers import KafkaContainer

            broker = KafkaContainer(image(KAFKA_IMAGE) or KAFKA_IMAGE, **options)
        elif options:
            pytest.skip(f"a private broker with {', '.join(options)} needs Java and Maven")
        else:
            broker = EmbeddedKafka(folder)
        made.append(broker)
        broker.start()
        return broker

    yield start
    for broker in made:
        broker.close()


@pytest.fixture
def postgres_factory(server_folder: Path) -> Iterator[Callable[..., EmbeddedPostgres]]:
    """`postgres_factory(**settings)` starts a private PostgreSQL of the wheel; `stop`, `kill`, `start` as you like."""
    made: list[EmbeddedPostgres] = []

    def start(**settings: str) -> EmbeddedPostgres:
        postgres = EmbeddedPostgres(server_folder / f"postgres-{len(made)}", settings)
        made.append(postgres)
        postgres.start()
        return postgres

    yield start
    for postgres in made:
        postgres.stop()


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[Databases]:
    """`await database(template, build)` gives the URL of a fresh database, dropped at the end of the test."""
    databases = Databases(servers.postgres.url, servers.run)
    yield databases
    await databases.drop()
