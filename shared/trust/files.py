"""JSON files of the trust folder: read with refusals that say what to do, written whole or not at all."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from shared.trust.refusals import TrustFileBroken, TrustFileMissing, TrustFileUnreadable

if sys.platform != "win32":
    import fcntl

PRIVATE = 0o600
PUBLIC = 0o644

Content = TypeVar("Content", bound=BaseModel)


def read_file(path: Path, model: type[Content]) -> Content:
    """The file as `model`. Raises TrustFileMissing, TrustFileUnreadable, TrustFileBroken."""
    with _refusing(path):
        data = path.read_bytes()
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "/".join(str(part) for part in first["loc"])
        raise TrustFileBroken(path=path, why=f"{where}: {first['msg']}" if where else first["msg"]) from None


def write_file(path: Path, content: BaseModel, mode: int) -> None:
    """Replace the file in one step: a reader or a crash sees the old one or the new one. Raises TrustFileUnreadable."""
    text = json.dumps(content.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False, indent=1)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with _refusing(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


@contextmanager
def locked(trust_dir: Path) -> Iterator[None]:
    """One writer of the folder at a time: several centers' processes may start together on one machine."""
    with _refusing(trust_dir):
        trust_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (trust_dir / ".lock").open("w")
    with lock:
        if sys.platform != "win32":
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise TrustFileMissing(path=path) from error
    except OSError as error:
        raise TrustFileUnreadable(path=path, why=error.strerror or type(error).__name__) from error
