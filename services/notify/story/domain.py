"""Telling an event: which of its fields are kept, whom it concerns, and the sentence in Chinese and English. Pure."""

from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import Any

from services.notify.story.sentences import BY_TYPE, SENTENCES
from services.notify.story.wording import KEEP, SAY, Known
from shared.errors import Refused
from shared.schemas.base import Envelope, Event, Scope, Text
from shared.schemas.notify import NoticeDelivered


class SpeaksForAnother(Refused):
    """A center told of what is decided at another one."""

    rule = "speaks-for-another"
    status = 403
    en = "{center} can't speak for {owner} about {id}."
    zh = "{center} 无权就 {id} 代表 {owner} 发言。"


def check_speaker(event: Event, cause: Envelope) -> None:
    """A center tells only of what is decided there. Raises SpeaksForAnother."""
    field = BY_TYPE[event.type].speaker
    if field and getattr(event, field) != cause.center:
        raise SpeaksForAnother(center=cause.center, id=event.subject, owner=getattr(event, field))


def fields(template: str) -> list[tuple[str, str]]:
    """The (field, how it is said) pairs of a template, in order."""
    return [(name, spec or "") for _, name, spec, _ in Formatter().parse(template) if name is not None]


@cache
def _kept(event_type: str) -> list[tuple[str, str]]:
    sentence = BY_TYPE[event_type]
    return sorted({(name, spec) for name, spec in (*fields(sentence.en), *fields(sentence.zh)) if name != "source"})


def facts(event: Event) -> dict[str, Any]:
    """What is kept of an event, JSON-ready: the fields its sentence names, each cut down to what is said of it."""
    return {f"{name}:{spec}": KEEP[spec](getattr(event, name)) for name, spec in _kept(event.type)}


def say(event_type: str, kept: Mapping[str, Any], center: str, known: Mapping[str, Known]) -> Text:
    """The sentence in both languages; `center` is the one that spoke, `known` what its ids stand for. A type that this
    version has no sentence for says its name."""
    sentence = BY_TYPE.get(event_type)
    if sentence is None:
        return Text(zh=event_type, en=event_type)
    values = {"source:center": center, **kept}

    def fill(template: str, lang: str) -> str:
        said = ""
        for literal, name, spec, _ in Formatter().parse(template):
            said += literal
            if name is not None:
                said += SAY[spec or ""](values.get(f"{name}:{spec}"), lang, known)
        return said[:1].upper() + said[1:]

    return Text(zh=fill(sentence.zh, "zh"), en=fill(sentence.en, "en"))


def concerned(event: Event) -> list[str]:
    """Ids (of organisations, listings, interests, deals) whose organisations may hear of the event."""
    return [str(getattr(event, name)) for name in BY_TYPE[event.type].concerns]


def is_open(event: Event) -> bool:
    """Whether everybody in the alliance may hear of it."""
    return event.scope is Scope.ALLIANCE


def centers(event: Event, cause: Envelope) -> list[str]:
    """The centers that take part in the event: the one that speaks, and those its fields name."""
    named = ("to", "center", "home", "demand_center", "offer_center", "seeker_center", "owner_center")
    return sorted({cause.center, *(str(getattr(event, name)) for name in named if hasattr(event, name))})


def ids(event: Event) -> dict[str, str]:
    """The ids an event carries, by field name: `{"deal_id": "dea_...", ...}`."""
    return {name: str(value) for name, value in event if name.endswith("_id") and value}


def belongs(event: Event) -> bool:
    """Whether the story tells it. Deliveries of notices are told where they are part of a deal's story."""
    return not isinstance(event, NoticeDelivered) or event.about.startswith("dea_")


def trace_id(cause: Envelope) -> str:
    """The trace (W3C trace context, version 00) the event belongs to, "" where it carries none."""
    parts = (cause.traceparent or "").split("-")
    return parts[1] if len(parts) == 4 else ""


def _check() -> None:
    """At import: templates name fields that exist, and ways of saying that exist."""
    for sentence in SENTENCES:
        if sentence.speaker and sentence.speaker not in sentence.event.model_fields:
            raise TypeError(f"{sentence.event.__name__} has no field {sentence.speaker!r} to name the speaker")
        for name, spec in (*fields(sentence.en), *fields(sentence.zh)):
            if name not in sentence.event.model_fields and name != "source":
                raise TypeError(f"{sentence.event.__name__} has no field {name!r} to tell")
            if spec not in SAY:
                raise TypeError(f"{sentence.event.__name__}: nothing says how to tell {name}:{spec}")


_check()
