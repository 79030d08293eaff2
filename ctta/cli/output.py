"""Results on standard output: one JSON object a command where a script asks for it, else a table for people."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table


def write_json(value: Any) -> None:
    """One line of JSON."""
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """A table; in a pipe as wide as it needs to be."""
    table = Table(*columns, title=title or None, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(str(cell) if not hasattr(cell, "__rich__") else cell for cell in row))
    console().print(table)


def console(*, stderr: bool = False) -> Console:
    """Rich's console. Not on a terminal lines are not cut."""
    made = Console(stderr=stderr, highlight=False, soft_wrap=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=200)


def progress() -> Progress:
    """A bar on standard error while long work goes on, gone when it is done; none where nobody watches."""
    shown = console(stderr=True)
    return Progress(console=shown, transient=True, disable=not shown.is_terminal)
