"""The script in docs/verify-signature.md works as printed, with nothing of ours on its path."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def folder(tmp_path: Path, vectors: dict[str, Any]) -> Path:
    """The script and a directory, as a reader of the page would have them."""
    page = (DOCS / "verify-signature.md").read_text(encoding="utf-8")
    script = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert script is not None
    (tmp_path / "verify.py").write_text(script[1], encoding="utf-8")
    (tmp_path / "directory.json").write_text(json.dumps(vectors["directory"]), encoding="utf-8")
    return tmp_path


def run(folder: Path, records: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """The script fed with records in the shape of `kcat -J`."""
    lines = [
        json.dumps(
            {
                "topic": record["topic"],
                "key": record["key"] or None,
                "payload": record["body"],
                "headers": [part for header in record["headers"].items() for part in header],
            }
        )
        for record in records
    ]
    command = [sys.executable, "-I", "verify.py", "directory.json"]
    return subprocess.run(
        command, cwd=folder, input="\n".join(lines), capture_output=True, text=True, timeout=60, check=False
    )


def test_the_script_verifies_every_vector(folder: Path, vectors: dict[str, Any]) -> None:
    done = run(folder, vectors["records"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "ctta.east.listing.state east/listing/1",
        "ctta.east.listing.state east/listing/1",
        "ctta.east.escrow.to.south east/escrow/1",
    ]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"body": "{}"}, "BadSignatureError"),
        ({"key": "another"}, "BadSignatureError"),
        ({"topic": "ctta.east.listing"}, "BadSignatureError"),
        ({"topic": "ctta.south.listing"}, "may not speak"),
    ],
)
def test_the_script_refuses_what_was_changed(
    change: dict[str, str], error: str, folder: Path, vectors: dict[str, Any]
) -> None:
    done = run(folder, [{**vectors["records"][0], **change}])
    assert done.returncode != 0
    assert error in done.stderr


def test_the_benchmark_of_the_decision_runs(tmp_path: Path) -> None:
    page = (DOCS / "decisions" / "0003-signing-with-libsodium.md").read_text(encoding="utf-8")
    script = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert script is not None
    (tmp_path / "bench.py").write_text(script[1], encoding="utf-8")
    command = [sys.executable, "-I", "bench.py", "50"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4
