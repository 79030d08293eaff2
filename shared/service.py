"""A service as it is declared: every door on one page (`services/<name>/app.py`)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from shared.center import Center
from shared.db.database import Database
from shared.events.noun import Handler, Noun, Reaction
from shared.schemas.base import Event

__all__ = ["Service", "Step", "Worker"]


@dataclass(frozen=True, slots=True)
class Worker:
    """What a scheduled step works with: its center and its service's database."""

    center: Center
    database: Database


StepFunction = Callable[[Worker], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Step:
    """A scheduled step: called every `seconds`, at once again while it reports work done."""

    name: str
    run: StepFunction
    seconds: float


class Service:
    """Doors of one service. `package` is the package of its `app.py`, beside which the migrations lie."""

    def __init__(self, name: str, *, package: str) -> None:
        self.name = name
        self.package = package.removesuffix(".app")
        self.nouns: dict[str, Noun] = {}
        self.routers: list[APIRouter] = []
        self.steps: list[Step] = []
        self.on_start: list[Callable[[Worker], Awaitable[None]]] = []

    @property
    def migrations(self) -> Path | None:
        """Folder of the service's Alembic migrations."""
        folder = Path(str(files(self.package).joinpath("migrations")))
        return folder if folder.is_dir() else None

    def react(
        self, event_type: type[Event], handler: Handler, *, noun: str, halts: bool = False, sent: bool = False
    ) -> None:
        """Business effects: `handler(session, event, cause)`. `halts`: a bug stops the whole topic (money)."""
        self._noun(noun, projects=False, halts=halts).add(Reaction(event_type, handler, sent=sent))

    def react_many(self, event_type: type[Event], handler: Handler, *, noun: str, sent: bool = False) -> None:
        """Bulk work: `handler(session, list[Received])`; events it emits name their cause."""
        self._noun(noun, projects=False).add(Reaction(event_type, handler, many=True, sent=sent))

    def project(self, event_type: type[Event], apply: Handler, *, noun: str, sent: bool = False) -> None:
        """A read model: `apply(session, event, cause)`; may not emit, so it can be rebuilt at any time."""
        self._noun(noun, projects=True).add(Reaction(event_type, apply, sent=sent))

    def project_many(self, event_type: type[Event], apply: Handler, *, noun: str, sent: bool = False) -> None:
        """A read model, in bulk: `apply(session, list[Received])`."""
        self._noun(noun, projects=True).add(Reaction(event_type, apply, many=True, sent=sent))

    def routes(self, router: APIRouter) -> None:
        """HTTP routes under the service's prefix."""
        self.routers.append(router)

    def every(self, run: StepFunction, *, seconds: float = 1.0, name: str = "") -> None:
        """A scheduled step: `run(worker) -> int`, the count of what it did."""
        self.steps.append(Step(name or getattr(run, "__name__", "step"), run, seconds))

    def starts(self, run: Callable[[Worker], Awaitable[None]]) -> Any:
        """Called once when a process of the service starts, before events and requests."""
        self.on_start.append(run)
        return run

    def _noun(self, name: str, *, projects: bool, halts: bool = False) -> Noun:
        noun = self.nouns.setdefault(name, Noun(self.name, name, projects))
        if noun.projects is not projects:
            raise TypeError(f"noun {name} of {self.name} either reacts or projects, not both")
        noun.halts = noun.halts or halts
        return noun
