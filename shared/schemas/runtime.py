"""What every service announces about its own running."""

from shared.schemas.base import Event, Scope


class EventParked(Event, service="runtime", name="event.parked", scope=Scope.DLQ, subject="event_id"):
    """An event could not be applied and waits for an operator (`ctta dlq list`). Never carries the event's body."""

    event_id: str
    group: str
    source: str
    event_type: str
    topic: str
    key: str
    rule: str
    halted: bool = False
