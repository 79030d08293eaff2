"""The whole story, disturbed and undisturbed, on an embedded alliance of its own."""

import os
import signal
from pathlib import Path

import pytest

from ctta.alliance.state import read_state
from ctta.embedded.children import command_line, wait_until
from tests.demo.books import Books, books
from tests.demo.playing import KEYS, Told, kill_broker, kill_center, play, processes

pytestmark = pytest.mark.timeout(600)

Calm = tuple[Path, Told, Books]


def test_the_story_comes_to_its_end(calm: Calm) -> None:
    _, told, _ = calm
    figures = told.figures
    assert set(figures) == KEYS
    assert figures["listings"] == 120
    assert figures["cross_center_matches"] >= 20
    assert figures["matches"] >= figures["cross_center_matches"]
    assert (figures["interests"], figures["deals_settled"], figures["parked"]) == (1, 1, 0)
    assert figures["ledger_balanced"] is True
    assert (figures["trace_services"], figures["trace_centers"]) == (4, 2)
    assert figures["trace_spans"] > 50
    assert figures["notices_delivered"] > 10


def test_both_sides_have_the_same_deal_and_the_money_went_over(calm: Calm) -> None:
    _, _, found = calm
    deals = sorted(deal for center in found.values() for deal in center["deals"])
    assert [(side, state) for side, state, _ in deals] == [("home", "completed"), ("seller", "completed")]
    assert deals[0][2] == deals[1][2] > 0


def test_kills_in_the_middle_change_nothing(calm: Calm, homes: Path) -> None:
    """A center's process three times, the broker once: the same listings, deals and balances as without."""
    home = homes / "killed"
    kills = {
        "The alliance is ready": lambda: kill_center(home, "beijing"),
        "matches stand open": lambda: kill_center(home, "south"),
        "proposes terms": lambda: kill_broker(home),
        "delivers milestone 1": lambda: kill_center(home, "beijing"),
    }

    def on_line(line: str) -> None:
        for sign in [sign for sign in kills if sign in line]:
            kills.pop(sign)()

    told = play(home, on_line=on_line)
    assert told.code == 0, "\n".join(told.lines)
    assert not kills
    same = KEYS - {"seconds", "trace_spans", "notices_delivered", "matches", "cross_center_matches"}
    assert {key: told.figures[key] for key in same} == {key: calm[1].figures[key] for key in same}
    assert books(home) == calm[2]


def test_everything_killed_and_started_again_has_the_same_data(calm: Calm, homes: Path) -> None:
    """SIGKILL of the supervisor and every server while it plays; the second start goes on with what was committed."""
    home = homes / "second"

    def on_line(line: str) -> None:
        if "agrees to the same contract" in line:
            pids = list(processes(home))
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            assert wait_until(lambda: not any(command_line(pid) for pid in pids), 10)

    first = play(home, on_line=on_line)
    assert first.code == -signal.SIGKILL
    assert read_state(home) is None
    second = play(home, lang="zh")
    assert second.code == 0, "\n".join(second.lines)
    assert any("新增 0 行" in line for line in second.lines)
    assert second.figures["listings"] == calm[1].figures["listings"]
    assert (second.figures["deals_settled"], second.figures["parked"]) == (1, 0)
    assert second.figures["ledger_balanced"] is True
    after = books(home)
    for center, found in after.items():
        assert [row[0] for row in found["listings"]] == [row[0] for row in calm[2][center]["listings"]]
    deals = [deal for found in after.values() for deal in found["deals"]]
    assert sorted(state for _, state, _ in deals) == ["agreed", "agreed", "completed", "completed"]
