"""The folder of an embedded alliance: data, keys, logs, spans. One supervisor at a time; `--fresh` empties it."""

import shutil
from pathlib import Path
from typing import Final

from ctta.cli.words import Exit, Failure
from ctta.embedded import HomeInUse, NotWritable
from ctta.embedded.children import HomeLock

MARKER: Final = "ctta-home"
CONTENT: Final = ("postgres", "broker", "trust", "traces", "logs", "index", "ports.json", "alliance.json", "demo.json")
"""What an alliance puts into its home; nothing else there is ever deleted."""


class Home:
    """One home folder, taken by this process until `leave`."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self._lock = HomeLock(self.path / "lock")

    @property
    def logs(self) -> Path:
        """Folder of the centers' logs."""
        return self.path / "logs"

    @property
    def state(self) -> Path:
        """The state file."""
        return self.path / "alliance.json"

    def take(self, *, fresh: bool = False) -> None:
        """Make the folder if it is missing and lock it; `fresh` deletes what an alliance left in it.

        Raises HomeInUse, NotWritable; Failure for a folder with other content.
        """
        self._refuse_foreign()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.take()
            if fresh:
                self._empty()
            (self.path / MARKER).write_text(
                "The home of an embedded ctta alliance. `ctta up --fresh` deletes its data.\n"
            )
            self.logs.mkdir(exist_ok=True)
        except HomeInUse:
            raise
        except OSError as error:
            self._lock.free()
            raise NotWritable(path=self.path, account=error.strerror or "this account") from None

    @property
    def taken(self) -> bool:
        """Whether this process holds it."""
        return self._lock.held

    def leave(self) -> None:
        """Let go; another supervisor may take it."""
        self._lock.free()

    def _refuse_foreign(self) -> None:
        if not self.path.exists() or (self.path / MARKER).exists():
            return
        if self.path.is_dir() and not any(self.path.iterdir()):
            return
        raise Failure(
            f"{self.path} holds something else than a ctta home (it has no file {MARKER}). Name an empty folder "
            "with --home or CTTA_HOME.",
            f"{self.path} 不是 ctta 的目录（其中没有 {MARKER} 文件）。请用 --home 或 CTTA_HOME 指定一个空目录。",
            Exit.ENVIRONMENT,
        )

    def _empty(self) -> None:
        for name in CONTENT:
            path = self.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
