"""What a webhook carries: the standard's `type`, `timestamp`, `data`, with ids and sentences. Pure."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import orjson

from services.notify.story import domain as story
from services.notify.story.wording import Names
from shared.schemas.base import CATALOGUE


def event_name(event_type: str) -> str:
    """`milestone.released` of `ctta.escrow.milestone.released.v1`."""
    found = CATALOGUE.get(event_type)
    return found.event_name if found else event_type


def body_of(row: Mapping[str, Any], receiver: str, names: Names) -> str:
    """The body for a row of a notice; `receiver` is the center that tells."""
    sentence = story.say(row["event_type"], row["facts"], row["center"], names)
    data = {
        "notice_id": row["notice_id"],
        "told_by": receiver,
        "center": row["center"],
        "event_id": str(row["event_id"]),
        "event_type": row["event_type"],
        "subject": row["subject"],
        "conversation": row["conversation"],
        "ids": row["ids"],
        "sentence": {"zh": sentence.zh, "en": sentence.en},
    }
    body = {"type": event_name(row["event_type"]), "timestamp": row["at"].astimezone(UTC).isoformat(), "data": data}
    return orjson.dumps(body).decode()
