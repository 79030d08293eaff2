"""What one noun of a service reacts to: one consumer group, its handlers, and what they read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from shared.schemas.base import Event
from shared.topics.naming import pattern_for

Handler = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reaction:
    """One handler of one event type. `many`: it takes a list of `Received` instead of one event and its cause."""

    event_type: type[Event]
    handler: Handler
    many: bool = False
    sent: bool = False


@dataclass(slots=True)
class Noun:
    """A consumer group `<center>.<service>.<noun>`. It reacts or projects; money nouns halt instead of parking."""

    service: str
    name: str
    projects: bool
    halts: bool = False
    reactions: dict[str, Reaction] = field(default_factory=dict)

    def add(self, reaction: Reaction) -> None:
        """One handler per event type and noun."""
        if reaction.event_type.type in self.reactions:
            raise TypeError(f"{self.service}.{self.name} already handles {reaction.event_type.type}")
        self.reactions[reaction.event_type.type] = reaction

    def group(self, center: str) -> str:
        """Name of the consumer group."""
        return f"{center}.{self.service}.{self.name}"

    def pattern(self, center: str) -> str:
        """Anchored raw pattern of every topic the noun reads."""
        parts: dict[str, Any] = dict.fromkeys(
            part
            for reaction in self.reactions.values()
            for part in pattern_for(reaction.event_type, center, sent=reaction.sent).split("|")
        )
        return f"^({'|'.join(parts)})$"
