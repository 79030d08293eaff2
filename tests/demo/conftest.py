"""One calm demo that the others are compared with."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.books import Books, books
from tests.demo.playing import Told, play


@pytest.fixture(scope="session")
def homes() -> Iterator[Path]:
    """A folder for homes, which other accounts may enter (PostgreSQL's, where the tests run as root)."""
    folder = Path(tempfile.mkdtemp(prefix="ctta-demo-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def calm(homes: Path) -> tuple[Path, Told, Books]:
    """Home, outcome and books of a demo that nobody disturbed."""
    home = homes / "calm"
    told = play(home)
    assert told.code == 0, "\n".join(told.lines)
    return home, told, books(home)
