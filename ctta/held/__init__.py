"""Held events: parked or waiting in the consumer's own database, replayed or dropped by somebody, for a reason."""

from ctta.held.acting import Bench, Done, bench
from ctta.held.listing import find, listed, parked

__all__ = ["Bench", "Done", "bench", "find", "listed", "parked"]
