"""Services of one center in one process, behind one port, with the page where it is installed."""

import asyncio
import errno
import signal
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ctta import services as catalogue
from ctta.cli.words import Exit, Failure
from ctta.embedded.children import port_is_free
from ctta.migrating import migrate_all
from shared import telemetry
from shared.process import Process
from shared.settings import Settings
from shared.traces import exporter

PAGE = "services.console.app"


def serve(names: Sequence[str], settings: Settings, *, migrates: bool = False) -> None:
    """Run until SIGTERM or Ctrl-C, then drain. Blocks."""
    telemetry.configure_logs(settings)
    loaded = catalogue.load(list(names))
    if settings.http_host in ("127.0.0.1", "0.0.0.0") and not port_is_free(settings.http_port):
        raise port_taken(settings.http_port)
    label = catalogue.ALL if len(loaded) > 1 else loaded[0].name
    telemetry.configure(settings, [service.name for service in loaded], exporter(settings, label))
    if migrates:
        migrate_all(settings, loaded)
    process = Process(loaded, settings)
    if find_spec(PAGE):
        process.pages = import_module(PAGE).pages(process)
    signal.signal(signal.SIGTERM, _end)
    try:
        _loop_runner()(process.serve())
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise port_taken(settings.http_port) from None
        raise


def _end(*_: object) -> None:
    """SIGTERM while starting ends at once. While serving uvicorn takes it, and raises it again when it has finished its
    requests: as an exception it lets the process drain, where the default would end it on the spot."""
    raise SystemExit(0)


def _loop_runner() -> Callable[[Coroutine[Any, Any, None]], None]:
    if find_spec("uvloop"):
        runner: Callable[[Coroutine[Any, Any, None]], None] = import_module("uvloop").run
        return runner
    return asyncio.run


def port_taken(port: int) -> Failure:
    """A port that was asked for is in use."""
    return Failure(
        f"Port {port} is in use. Stop the program that holds it (`ss -ltnp 'sport = :{port}'` shows it), or choose "
        "another with --port.",
        f"端口 {port} 已被占用。请停止占用它的程序（用 `ss -ltnp 'sport = :{port}'` 查看），或用 --port 指定其他端口。",
        Exit.ENVIRONMENT,
    )
