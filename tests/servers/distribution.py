"""Apache Kafka from Maven, kept in a cache outside the checkout: `${XDG_CACHE_HOME:-~/.cache}/ctta/kafka`.

libs/                 the jars of pom.xml (54 MB; 25 s to fetch, once)
bootstrap.checkpoint  what `StorageTool format` writes, the same for every cluster (saves 2-4 s per broker)
kafka.jsa             the JVM's class archive (48 MB; a broker is ready in 1.8 s with it, in 3.5 s without)
"""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctta.embedded import metadata
from ctta.embedded.children import LOOPBACK, free_port, spawn, stop_in_steps, wait_until

POM = Path(__file__).with_name("pom.xml")
QUIET = "-Xlog:disable"  # the JVM's remarks about class archives
ARCHIVE_S = 60.0
MAIN_JAR = "kafka_2.13-4.3.0.jar"
JAVA_FLAGS = (
    "-Xmx384m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


class DistributionError(Exception):
    """The jars can't be fetched: name a broker with CTTA_TEST_KAFKA, or give Maven its mirror (settings.xml)."""


def cache_folder() -> Path:
    """Where the distribution is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ctta" / "kafka"


def available() -> bool:
    """Whether Kafka can be started here: Java, and the jars or Maven to fetch them."""
    fetched = (cache_folder() / "libs" / MAIN_JAR).exists()
    return shutil.which("java") is not None and (fetched or shutil.which("mvn") is not None)


def java(main_class: str, *arguments: str, flags: tuple[str, ...] = ()) -> list[str]:
    """The command line for a class of the distribution."""
    return ["java", *JAVA_FLAGS, *flags, "-cp", f"{cache_folder() / 'libs'}/*", main_class, *arguments]


def broker_command(properties: Path) -> list[str]:
    """The command line of a broker, with the class archive (a JVM that it doesn't fit ignores it)."""
    archive = cache_folder() / "kafka.jsa"
    return java("kafka.Kafka", str(properties), flags=(f"-XX:SharedArchiveFile={archive}", "-Xshare:auto", QUIET))


def prepare() -> None:
    """Fetch the jars, format a template and make the class archive, once per machine. Raises DistributionError."""
    with _locked():
        if not (cache_folder() / "libs" / MAIN_JAR).exists():
            _fetch()
        if not (cache_folder() / "bootstrap.checkpoint").exists():
            _format()
        if not (cache_folder() / "kafka.jsa").exists():
            _archive_classes()


def format_storage(directory: Path, node_id: int = 1) -> str:
    """Make an empty log directory for a new cluster, as `StorageTool format` does; returns the cluster id."""
    cluster_id = new_id()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    shutil.copy(cache_folder() / "bootstrap.checkpoint", directory / "bootstrap.checkpoint")
    lines = ("version=1", f"node.id={node_id}", f"cluster.id={cluster_id}", f"directory.id={new_id()}")
    (directory / "meta.properties").write_text("\n".join(lines) + "\n")
    return cluster_id


def new_id() -> str:
    """A Kafka uuid: 16 bytes in URL-safe base64 without padding (and, as Kafka's own, without a leading dash)."""
    while (text := urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")).startswith("-"):
        pass
    return text


def _fetch() -> None:
    partial = cache_folder() / "libs.partial"
    shutil.rmtree(partial, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    fetched = subprocess.run(command, capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        raise DistributionError(f"{DistributionError.__doc__}\n{fetched.stdout[-2000:]}")
    shutil.rmtree(cache_folder() / "libs", ignore_errors=True)
    partial.rename(cache_folder() / "libs")


def _format() -> None:
    work = cache_folder() / "format"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    properties = _minimal_properties(work, free_port(), free_port())
    command = java("kafka.tools.StorageTool", "format", "-t", new_id(), "-c", str(properties))
    formatted = subprocess.run(command, capture_output=True, text=True, check=False)
    if formatted.returncode != 0:
        raise DistributionError(f"StorageTool could not format: {formatted.stderr[-2000:]}")
    (work / "data" / "bootstrap.checkpoint").rename(cache_folder() / "bootstrap.checkpoint")
    shutil.rmtree(work)


def _archive_classes() -> None:
    """Run a broker once and let the JVM write what it loaded. Failing is no harm: brokers then start slower."""
    work, port = cache_folder() / "archive", free_port()
    format_storage(work / "data")
    flags = (f"-XX:ArchiveClassesAtExit={cache_folder() / 'kafka.jsa'}", QUIET)
    command = java("kafka.Kafka", str(_minimal_properties(work, port, free_port())), flags=flags)
    process = spawn(command, work / "server.log", dies_with_parent=True, env=os.environ | {"LOG_DIR": str(work)})
    wait_until(lambda: process.poll() is not None or metadata.cluster_id(f"{LOOPBACK}:{port}") is not None, ARCHIVE_S)
    stop_in_steps(
        process.pid, ((signal.SIGTERM, ARCHIVE_S), (signal.SIGKILL, ARCHIVE_S)), lambda: process.poll() is not None
    )
    shutil.rmtree(work)


def _minimal_properties(work: Path, port: int, controller: int) -> Path:
    path = work / "server.properties"
    path.write_text(
        f"process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@{LOOPBACK}:{controller}\n"
        f"listeners=PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller}\n"
        f"controller.listener.names=CONTROLLER\nlog.dirs={work / 'data'}\n"
    )
    return path


@contextmanager
def _locked() -> Iterator[None]:
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
