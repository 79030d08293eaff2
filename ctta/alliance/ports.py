"""Ports of the centers: from `--port` upwards, else those of the last start where they are free, else free ones."""

import json
from pathlib import Path

from ctta.cli.words import Exit, Failure
from ctta.embedded.children import free_port, port_is_free


def choose(remembered: Path, centers: list[str], first: int | None) -> dict[str, int]:
    """A port for each center, kept in the file `remembered`. Raises Failure when an asked-for port is taken."""
    ports = _asked(centers, first) if first is not None else _free(_read(remembered), centers)
    remembered.write_text(json.dumps(ports))
    return ports


def _asked(centers: list[str], first: int) -> dict[str, int]:
    ports = {center: first + n for n, center in enumerate(centers)}
    for center, port in ports.items():
        if not port_is_free(port):
            raise Failure(
                f"Port {port}, meant for center {center}, is in use. Stop the program that holds it "
                f"(`ss -ltnp 'sport = :{port}'` shows it), choose another "
                "with --port, or none: then free ones are taken.",
                f"为中心 {center} 指定的端口 {port} 已被占用。请停止占用它的程序"
                f"（用 `ss -ltnp 'sport = :{port}'` 查看），或用 --port 指定其他端口；不指定则自动选择空闲端口。",
                Exit.ENVIRONMENT,
            )
    return ports


def _free(last: dict[str, int], centers: list[str]) -> dict[str, int]:
    ports: dict[str, int] = {}
    for center in centers:
        port = last.get(center, 0)
        while not port or port in ports.values() or not port_is_free(port):
            port = free_port()
        ports[center] = port
    return ports


def _read(remembered: Path) -> dict[str, int]:
    try:
        return {str(center): int(port) for center, port in json.loads(remembered.read_text()).items()}
    except (OSError, ValueError):
        return {}
