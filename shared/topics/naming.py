"""The naming scheme: a topic's name says who may write it and who may read it."""

import re
from typing import Final, NamedTuple

from shared.schemas.base import Event, Scope

CENTER: Final = r"[a-z][a-z0-9-]*"
DIRECTORY_SERVICE: Final = "directory"
_NAME: Final = re.compile(
    rf"^ctta\.(?P<center>{CENTER})\.(?P<service>{CENTER})(\.(?P<suffix>state|own|dlq)|\.to\.(?P<peer>{CENTER}))?$"
)


class TopicName(NamedTuple):
    """A topic name, taken apart. `suffix` is "", "state", "own", "dlq" or "to"; `peer` only with "to"."""

    center: str
    service: str
    suffix: str = ""
    peer: str = ""

    def __str__(self) -> str:
        tail = f".to.{self.peer}" if self.suffix == "to" else f".{self.suffix}" if self.suffix else ""
        return f"ctta.{self.center}.{self.service}{tail}"


def read_topic(name: str) -> TopicName | None:
    """The parts of a topic name, or None where it is none of the alliance's."""
    found = _NAME.match(name)
    if found is None:
        return None
    peer = found["peer"] or ""
    return TopicName(found["center"], found["service"], "to" if peer else found["suffix"] or "", peer)


def topic_for(event: Event, center: str, service: str) -> str:
    """The topic on which `service` of `center` announces the event. Bilateral to oneself is `.own`."""
    match event.scope:
        case Scope.ALLIANCE:
            return f"ctta.{center}.{service}"
        case Scope.STATE:
            return f"ctta.{center}.{service}.state"
        case Scope.BILATERAL:
            peer = str(getattr(event, "to"))  # noqa: B009  # checked when the class was declared
            return f"ctta.{center}.{service}.own" if peer == center else f"ctta.{center}.{service}.to.{peer}"
        case Scope.DLQ:
            return f"ctta.{center}.{service}.dlq"
        case Scope.DIRECTORY:
            return f"ctta.{center}.{DIRECTORY_SERVICE}"
        case _:
            return f"ctta.{center}.{service}.own"


def pattern_for(event_type: type[Event], center: str, *, sent: bool = False) -> str:
    """The alternative (regular expression without anchors) of topics on which `center` reads events of the type.

    `sent` adds what the center itself sent to its peers.
    """
    service = re.escape(event_type.service if event_type.service != "runtime" else "") or CENTER
    match event_type.scope:
        case Scope.ALLIANCE:
            return rf"ctta\.{CENTER}\.{service}"
        case Scope.STATE:
            return rf"ctta\.{CENTER}\.{service}\.state"
        case Scope.BILATERAL:
            received = rf"ctta\.{CENTER}\.{service}\.to\.{re.escape(center)}|ctta\.{re.escape(center)}\.{service}\.own"
            return received + (rf"|ctta\.{re.escape(center)}\.{service}\.to\.{CENTER}" if sent else "")
        case Scope.DIRECTORY:
            return rf"ctta\.{CENTER}\.{DIRECTORY_SERVICE}"
        case Scope.DLQ:
            return rf"ctta\.{re.escape(center)}\.{service}\.dlq"
        case _:
            return rf"ctta\.{re.escape(center)}\.{service}\.own"
