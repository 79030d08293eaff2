"""docs/operations.md lists every setting as it is; docs/commands.md every verb."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ctta.cli.verbs import app
from shared.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| `(CTTA_[A-Z_]+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)


def shown(value: Any) -> str:
    """A default as the table shows it."""
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if value is None or value == "":
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def expected() -> dict[str, tuple[str, str]]:
    rows = {}
    for name, field in Settings.model_fields.items():
        default = "the user's data folder" if name == "home" else shown(field.get_default())
        rows[f"CTTA_{name.upper()}"] = (default, field.description or "")
    return rows


def test_the_table_of_settings_is_current() -> None:
    found = {name: (default, says) for name, default, says in ROW.findall((DOCS / "operations.md").read_text())}
    lines = [f"| `{name}` | {default} | {says} |" for name, (default, says) in expected().items()]
    assert found == expected(), "the rows should be:\n" + "\n".join(lines)


def verbs() -> list[str]:
    """`ctta up`, `ctta topics plan`, ... as the command itself lists them."""
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        parts = getattr(command, "commands", None)
        found += [f"ctta {name} {part}" for part in parts] if parts else [f"ctta {name}"]
    return found


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_is_documented(verb: str) -> None:
    assert f"`{verb}" in (DOCS / "commands.md").read_text()
