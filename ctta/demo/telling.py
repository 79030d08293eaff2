"""What the demo says while it plays, and the figures it ends with."""

import json
import sys
import time
from dataclasses import asdict, dataclass

from ctta.cli.output import console
from ctta.cli.words import say


@dataclass
class Figures:
    """The one object that `--json` prints."""

    listings: int = 0
    matches: int = 0
    cross_center_matches: int = 0
    interests: int = 0
    deals_settled: int = 0
    notices_delivered: int = 0
    trace_spans: int = 0
    trace_services: int = 0
    trace_centers: int = 0
    ledger_balanced: bool = False
    parked: int = 0
    seconds: float = 0.0


class Teller:
    """Prints each step as it happens; to standard error where standard output is a script's."""

    def __init__(self, *, json_wanted: bool) -> None:
        self._json = json_wanted
        self._console = console(stderr=json_wanted)
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the demo began."""
        return round(time.monotonic() - self._began, 1)

    def step(self, where: str, en: str, zh: str) -> None:
        """One thing that happened at a center ("" for the alliance)."""
        self._console.print(f"[dim]{self.seconds:6.1f} s[/dim]  [bold cyan]{where:<9}[/bold cyan] ", end="")
        self._console.print(say(en, zh), markup=False, soft_wrap=True)

    def line(self, text: str) -> None:
        """A sentence outside the story (progress of the alliance itself)."""
        self.step("", text, text)

    def summary(self, figures: Figures, lines: list[tuple[str, str]]) -> None:
        """The end: figures and addresses, or the object."""
        for name, value in lines:
            self._console.print(f"  [bold]{name}[/bold]  ", end="")
            self._console.print(value, markup=False, soft_wrap=True)
        if self._json:
            sys.stdout.write(json.dumps(asdict(figures)) + "\n")
            sys.stdout.flush()
