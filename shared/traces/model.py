"""A span as `ctta trace` sees it, wherever it was read."""

from dataclasses import dataclass, field
from typing import Any, Final

PRODUCER: Final = 4
"""Kind of a span that sends a message (SpanKind of OTLP)."""
CONVERSATION: Final = "messaging.message.conversation_id"
ID_ATTRIBUTES: Final = tuple(
    f"ctta.{name}" for name in ("deal", "listing", "offer", "demand", "interest", "match", "transfer", "subject")
)


@dataclass(frozen=True, slots=True)
class Span:
    """One operation at one service of one center. Times in nanoseconds since 1970 (UTC)."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    service: str
    center: str
    start_ns: int
    end_ns: int
    error: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def ids(self) -> set[str]:
        """Ids of deals, listings, interests ... that the span names."""
        named = (self.attributes.get(key) for key in (CONVERSATION, *ID_ATTRIBUTES))
        return {str(value) for value in named if value}

    @property
    def topic(self) -> str:
        """The topic of a sent or processed event, "" for anything else."""
        return str(self.attributes.get("messaging.destination.name", ""))


@dataclass(frozen=True, slots=True)
class Story:
    """Spans of one deal or listing in order of their start. `bystanders`: how many spans of others were left out."""

    ids: frozenset[str]
    spans: list[Span]
    bystanders: dict[str, int] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    """Centers that the story speaks of and that share no span with us."""

    @property
    def services(self) -> list[str]:
        """Services that took part."""
        return sorted({span.service for span in self.spans})

    @property
    def centers(self) -> list[str]:
        """Centers that took part."""
        return sorted({span.center for span in self.spans})
