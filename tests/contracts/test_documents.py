"""The documents about events say what the code says."""

import re
from pathlib import Path

from ctta.events_document import document
from ctta.schemas import catalogue, differences, read

ROOT = Path(__file__).parents[2]
READ_OTHERWISE = {
    "ctta.directory.center.listed.v1",  # by every process itself
    "ctta.runtime.event.parked.v1",  # by the center's own monitoring
    "ctta.escrow.ledger.block.closed.v1",  # by auditors
    "ctta.notify.subscription.disabled.v1",
}
ADDING = (ROOT / "docs/adding.md").read_text("utf-8")


def test_events_page_is_current() -> None:
    assert (ROOT / "docs/events.md").read_text("utf-8") == document(), "run `ctta events document`"


def test_events_break_no_peer_of_the_last_release() -> None:
    broken, _ = differences(read(ROOT / "docs/schemas"))
    assert broken == []


def test_every_event_says_what_it_is_and_who_says_it() -> None:
    for event in catalogue().values():
        assert (event.__doc__ or "").strip().endswith("."), f"{event.__name__} needs a docstring"


def test_the_example_of_adding_an_event_is_real() -> None:
    """Each file of the example exists and speaks of the event; there are at most six."""
    section = ADDING.split("## An event type", 1)[1].split("\n## ", 1)[0]
    example = re.search(r"Example: `(\w+)`", section)
    assert example is not None
    files = re.findall(r"^\| \d \| `([^`]+)`", section, re.MULTILINE)
    assert 4 <= len(files) <= 6
    for file in files:
        assert example[1] in (ROOT / file).read_text("utf-8"), f"{file} does not speak of {example[1]}"


def test_every_event_is_made_somewhere_and_read_by_somebody() -> None:
    sections = document().split("\n### ")[1:]
    idle = {section.split("`")[1] for section in sections if "Read by -." in section or "Made in -." in section}
    assert idle <= READ_OTHERWISE, "nobody reads it, or nobody says it"
