"""What a handler is given."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.schemas.base import Envelope, Event

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Received(Generic[E]):
    """An event with its envelope, the cause of whatever the handler does."""

    event: E
    cause: Envelope
