"""A demo as a process of its own: what it says line by line, what it ends with, and its parts to kill."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctta.alliance.state import AllianceState
from ctta.embedded.children import wait_until

KEYS = {
    "listings", "matches", "cross_center_matches", "interests", "deals_settled", "notices_delivered", "trace_spans",
    "trace_services", "trace_centers", "ledger_balanced", "parked", "seconds",
}  # fmt: skip
END_S = 60.0


@dataclass
class Told:
    """A demo that ended."""

    code: int
    figures: dict[str, Any]
    lines: list[str] = field(default_factory=list)


def environment(lang: str = "en") -> dict[str, str]:
    """Nothing of the tester's own settings, in the language `lang`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CTTA_") and name != "CI"}
    return kept | {"LANG": "zh_CN.UTF-8" if lang == "zh" else "C.UTF-8", "CTTA_LANG": lang}


def play(home: Path, *options: str, on_line: Callable[[str], None] = lambda line: None, lang: str = "en") -> Told:
    """Run `ctta demo --once --json` to its end; `on_line` gets each line as it is said."""
    argv = [sys.executable, "-m", "ctta", "demo", "--once", "--json", "--home", str(home), *options]
    lines: list[str] = []
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(lang)
    ) as demo:
        assert demo.stderr is not None
        assert demo.stdout is not None
        for line in demo.stderr:
            lines.append(line.rstrip())
            on_line(line)
        printed = demo.stdout.read().splitlines()
    return Told(demo.returncode, json.loads(printed[-1]) if printed else {}, lines)


def state_of(home: Path) -> AllianceState:
    """What runs there now."""
    return AllianceState.model_validate_json((home / "alliance.json").read_bytes())


def kill_center(home: Path, center: str) -> None:
    """SIGKILL a center's process, and wait until its supervisor has started another."""
    before = state_of(home).centers[center]
    os.kill(before.pid, signal.SIGKILL)
    assert wait_until(lambda: state_of(home).centers[center].starts > before.starts, END_S)


def kill_broker(home: Path) -> None:
    """SIGKILL the broker: another one, empty, takes its place."""
    before = state_of(home).kafka_pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: state_of(home).kafka_pid not in (None, before), END_S)


def processes(home: Path) -> Iterator[int]:
    """Every process of the alliance, the supervisor first."""
    state = state_of(home)
    yield state.pid
    for pid in (*(one.pid for one in state.centers.values()), state.kafka_pid, state.postgres_pid):
        if pid:
            yield pid
