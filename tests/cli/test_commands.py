"""Each command on one small embedded alliance."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ctta.alliance.state import AllianceState, read_state
from ctta.embedded.children import command_line, wait_until
from tests.demo.playing import environment, kill_center, state_of

pytestmark = pytest.mark.timeout(240)

READY_S = 150.0
ROWS = [
    {"type": "organisation", "external_id": "o-1", "kind": "university", "name": {"en": "Sample University"}},
    {"type": "listing", "external_id": "l-1", "organisation": "o-1", "kind": "technology", "tier": "public",
     "title": {"en": "Membrane that keeps salt"}, "summary": {"en": "A membrane for brine."}, "trl": 6},
    {"type": "listing", "external_id": "l-2", "organisation": "nobody", "kind": "technology", "tier": "public",
     "title": {"en": "Of nobody"}, "summary": {"en": "x"}},
]  # fmt: skip


def ctta(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ctta", *arguments],
        env=environment() | {"CTTA_HOME": str(home)} | more, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def said(home: Path, *arguments: str) -> Any:
    """The object a command prints with --json."""
    ran = ctta(home, *arguments, "--json")
    assert ran.stdout, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A running alliance: `ctta up` with its state file; ended by Ctrl-C."""
    folder = Path(tempfile.mkdtemp(prefix="ctta-cli-"))
    folder.chmod(0o755)
    log = (folder.parent / f"{folder.name}.log").open("w+")
    argv = [sys.executable, "-m", "ctta", "up", "--home", str(folder)]
    with subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, env=environment()) as up:
        try:
            ready = wait_until(lambda: up.poll() is not None or bool((s := read_state(folder)) and s.ready), READY_S)
            assert ready, (folder / "logs" / "east.log").read_text()[-2000:]
            assert up.poll() is None, Path(log.name).read_text()
            yield folder
        finally:
            up.send_signal(signal.SIGINT)
            assert up.wait(60) == 0
    log.close()
    Path(log.name).unlink()
    assert not (folder / "alliance.json").exists()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def imported(home: Path) -> dict[str, Any]:
    """The report of an import at east."""
    file = home / "rows.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in ROWS))
    report: dict[str, Any] = said(home, "import", str(file), "--center", "east", "--publish")
    return report


def test_help_is_there_at_once() -> None:
    """0.5 s of computing at most: wall time on a busy machine says nothing."""
    argv = [sys.executable, "-X", "importtime", "-m", "ctta", "--help"]
    ran = subprocess.run(argv, capture_output=True, text=True, env=environment(), check=True)
    loaded = {line.rsplit("|", 1)[-1].strip() for line in ran.stderr.splitlines()}
    assert not loaded & {"sqlalchemy", "faststream", "pydantic", "rich.console", "confluent_kafka", "aiokafka", "httpx"}


def test_the_doctor_finds_nothing(home: Path) -> None:
    found = said(home, "doctor")
    assert found["good"], [finding for finding in found["findings"] if not finding["good"]]


def test_topics_are_as_planned(home: Path) -> None:
    assert said(home, "topics", "plan")["differences"] == []
    assert ctta(home, "topics", "apply").returncode == 0


def test_acls_are_lines_for_kafka_acls(home: Path) -> None:
    lines = ctta(home, "topics", "acls", "--center", "east").stdout.splitlines()
    assert (
        "kafka-acls.sh --add --allow-principal 'User:east.escrow' --operation Write --topic 'ctta.east.escrow.own'"
        in "".join(
            line.removesuffix(" --resource-pattern-type literal")
            for line in lines
            if "escrow.own" in line and "Write" in line
        )
    )
    assert not [line for line in lines if "Write" in line and "'ctta.south" in line]


def test_databases_are_up_to_date(home: Path) -> None:
    found = said(home, "migrate", "--check", "--all")
    assert len(found) == 12
    assert not any(one["behind"] for one in found)


def test_an_import_names_what_was_refused_and_changes_nothing_the_second_time(
    home: Path, imported: dict[str, Any]
) -> None:
    assert (imported["created"], imported["refused"]) == (2, 1)
    assert imported["rows"][2]["rule"] == "unknown-organisation"
    again = ctta(home, "import", str(home / "rows.jsonl"), "--center", "east", "--publish")
    assert again.returncode == 1
    assert "0 created, 0 updated, 2 unchanged, 1 refused." in again.stdout


def test_a_listing_is_followed_to_every_center(home: Path, imported: dict[str, Any]) -> None:
    listing = imported["rows"][1]["id"]

    def everywhere() -> bool:
        ran = ctta(home, "trace", "listing", listing, "--json")
        return ran.returncode == 0 and json.loads(ran.stdout)["centers"] == ["beijing", "east", "south"]

    assert wait_until(everywhere, 60)
    shown = ctta(home, "trace", "listing", listing)
    assert "process ctta.east.listing.state" in shown.stdout
    one = said(home, "trace", "listing", listing)["spans"][0]
    assert said(home, "trace", "trace", one["trace_id"])["spans"]
    assert ctta(home, "trace", "deal", "dea_none").returncode == 1


def test_a_token_opens_the_door_of_its_center_only(home: Path) -> None:
    token = ctta(home, "token", "--center", "east", "--role", "officer").stdout.strip()
    state = state_of(home)
    asked = {
        name: httpx.get(f"{center.url}/listing/listings", headers={"Authorization": f"Bearer {token}"}).status_code
        for name, center in state.centers.items()
    }
    assert asked["east"] == 200
    assert {asked["beijing"], asked["south"]} <= {401, 403}
    assert ctta(home, "token", "--center", "east", "--role", "emperor").returncode == 2


def test_the_books_are_right(home: Path) -> None:
    assert said(home, "ledger", "audit", "--all")["balanced"] is True


def test_nothing_is_held(home: Path) -> None:
    assert said(home, "dlq", "list") == {"held": [], "halted": []}
    assert ctta(home, "dlq", "replay", "--all", "--who", "me", "--why", " ").returncode == 2
    assert ctta(home, "dlq", "show", "no-uuid").returncode == 2


def test_a_second_supervisor_is_refused(home: Path) -> None:
    ran = ctta(home, "up")
    assert ran.returncode == 4
    assert str(state_of(home).pid) in ran.stderr  # whose state file is left alone


def test_a_killed_center_is_started_again(home: Path) -> None:
    kill_center(home, "south")
    url = state_of(home).centers["south"].url

    def ready() -> bool:
        try:
            return httpx.get(f"{url}/ready").status_code == 200
        except httpx.HTTPError:
            return False

    assert wait_until(ready, 90)


def test_a_center_that_is_asked_to_end_drains_and_ends_well(home: Path) -> None:
    before = state_of(home).centers["beijing"]
    os.kill(before.pid, signal.SIGTERM)
    assert wait_until(lambda: command_line(before.pid) is None, 30)
    assert wait_until(lambda: state_of(home).centers["beijing"].starts > before.starts, 30)
    assert "Traceback" not in Path(before.log).read_text()


def test_the_state_file_is_for_its_owner_only(home: Path) -> None:
    assert (home / "alliance.json").stat().st_mode & 0o777 == 0o600
    assert isinstance(state_of(home), AllianceState)
