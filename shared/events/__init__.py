"""From a decision to its effect: outbox and journal, relay, subscribers, inbox, held events."""

from shared.events.outbox import emit
from shared.events.received import Received

__all__ = ["Received", "emit"]
