"""Child processes that outlive a terminal's Ctrl-C until their parent stops them, and the ports and locks they need."""

import ctypes
import errno
import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ctta.embedded.errors import HomeInUse

LOOPBACK = "127.0.0.1"
POLL_S = 0.01
SERVER_PORTS = range(20_000, 32_700)
PORT_TRIES_MAX = 50
PR_SET_PDEATHSIG = 1  # prctl(2)
LOG_BYTES_MAX = 10_000_000

# The kernel sends a child its death signal when the *thread* that made it ends (prctl(2)), so all children are made by
# one thread that lives as long as the process.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawn")
_PRCTL: Callable[[int, int], int] | None = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """The account a child runs as, where it is not the parent's own."""

    name: str
    uid: int
    gid: int


def spawn(
    argv: Sequence[str],
    log: Path,
    *,
    account: Account | None = None,
    dies_with_parent: bool = False,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own (Ctrl-C in the terminal does not reach it), its output appended to `log`.

    `dies_with_parent`: the kernel kills it when this process ends in whatever way; on Linux only, elsewhere the next
    start has to find the orphan.
    """
    prctl = _PRCTL if dies_with_parent else None

    def die_with_parent() -> None:
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent if prctl else None,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                env=dict(env) if env is not None else None,
                cwd=cwd,
            )

    return _SPAWNER.submit(start).result()


def open_log(path: Path) -> int:
    """Rotate `path` (one older file is kept) when it has grown, and return where this start's output begins."""
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_suffix(".log.1"))
    path.touch()
    return path.stat().st_size


def command_line(pid: int) -> str | None:
    """The command of a running process, or None when there is none (a zombie counts as none)."""
    proc = Path("/proc")
    if (proc / "self" / "cmdline").exists():
        try:
            return (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace") or None
        except OSError:
            return None
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip() or None


def wait_until(met: Callable[[], bool], timeout_s: float) -> bool:
    """Poll `met` every 10 ms until it is true; False after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not met():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def stop_in_steps(pid: int, steps: Sequence[tuple[signal.Signals, float]], gone: Callable[[], bool]) -> None:
    """Send each signal in turn and give it its seconds, until the process is gone."""
    for number, patience_s in steps:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if wait_until(gone, patience_s):
            return


def port_is_free(port: int) -> bool:
    """Whether a server can listen on the loopback port now (connections of a previous one in TIME_WAIT don't count)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as refused:
            if refused.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_port() -> int:
    """A loopback port that nobody listens on at this moment.

    Below the range that systems give to outgoing connections (Linux from 32768, macOS from 49152): a port of that range
    is easily taken by some client while the server restarts.
    """
    for port in random.sample(SERVER_PORTS, PORT_TRIES_MAX):
        if port_is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


class HomeLock:
    """One live owner per server home. The kernel frees it when the owner ends, also by SIGKILL."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._fd is not None

    def take(self) -> None:
        """Raises HomeInUse when another process (or another object in this one) holds it."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(fd, 20).decode() or "?"
            os.close(fd)
            raise HomeInUse(path=self.path.parent, pid=owner) from None
        os.ftruncate(fd, 0)
        os.write(fd, str(os.getpid()).encode())
        self._fd = fd

    def free(self) -> None:
        """Let go; nothing happens when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
