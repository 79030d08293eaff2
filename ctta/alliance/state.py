"""`<home>/alliance.json`: what runs where. Written by the supervisor, read by every other `ctta` command."""

import os
from pathlib import Path

from pydantic import BaseModel, SecretStr, ValidationError

from ctta.embedded.children import command_line
from shared.settings import Settings


class CenterState(BaseModel):
    """One center's process."""

    pid: int
    port: int
    url: str
    log: str
    starts: int


class AllianceState(BaseModel):
    """The running alliance. `postgres` carries the password, so the file is for its owner only."""

    pid: int
    home: str
    kafka: str
    postgres: str
    kafka_pid: int | None
    postgres_pid: int | None
    kafka_idempotent: bool
    centers: dict[str, CenterState]
    ready: bool = False
    ready_s: float = 0.0

    def settings_for(self, center: str, base: Settings) -> Settings:
        """The settings of a process of `center` in this alliance."""
        one = self.centers.get(center)
        return base.model_copy(
            update={
                "center": center,
                "home": Path(self.home),
                "kafka": self.kafka,
                "kafka_idempotent": self.kafka_idempotent,
                "postgres": SecretStr(self.postgres),
                "http_port": one.port if one else base.http_port,
            }
        )


def write_state(path: Path, state: AllianceState) -> None:
    """Replace the file in one step."""
    draft = path.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(state.model_dump_json(indent=1))
    draft.replace(path)


def read_state(home: Path) -> AllianceState | None:
    """The alliance that runs in this home now; None where none does."""
    try:
        state = AllianceState.model_validate_json((home / "alliance.json").read_bytes())
    except (OSError, ValidationError):
        return None
    return state if command_line(state.pid) else None
