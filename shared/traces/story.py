"""The story of a deal or listing: every trace that names one of its ids, put together across services and centers."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from shared.traces.model import PRODUCER, Span, Story
from shared.traces.sources import Source

_BILATERAL: Final = re.compile(r"^ctta\.(?P<source>[^.]+)\.[^.]+\.to\.(?P<peer>[^.]+)$")


def story(source: Source, ids: Iterable[str], *, parties_only: bool = True) -> Story:
    """Spans of every trace that names one of `ids`, or an id that such a trace names beside it (one hop).

    A deal's spans name its interest, listing, demand and match, so the hop brings the traces in which these began.
    `parties_only` leaves out centers that name none of `ids` themselves: they only project what everybody may know.
    """
    asked = frozenset(ids)
    near = source.traces_naming(asked)
    wider = asked | {one for span in near if span.ids & asked for one in span.ids}
    spans = _once(near if wider == asked else source.traces_naming(wider))
    parties = {span.center for span in spans if span.ids & asked}
    kept = [span for span in spans if not parties_only or not parties or span.center in parties]
    others = Counter(span.center for span in spans) - Counter(span.center for span in kept)
    return Story(wider, sorted(kept, key=_order), dict(others), silent_centers(spans))


def _once(spans: Iterable[Span]) -> list[Span]:
    """Without the sending of a message again, which a replaced broker brings about: the first one is the story's."""
    kept: dict[tuple[str, str], Span] = {}
    for span in spans:
        sent = str(span.attributes.get("messaging.message.id", "")) if span.kind == PRODUCER else ""
        place = ("message", sent) if sent else ("span", span.span_id)
        if place not in kept or span.start_ns < kept[place].start_ns:
            kept[place] = span
    return list(kept.values())


def silent_centers(spans: Iterable[Span]) -> tuple[str, ...]:
    """Centers that a bilateral topic of the story names and of which there is no span at all."""
    spans = list(spans)
    named = {center for span in spans if (found := _BILATERAL.match(span.topic)) for center in found.groups()}
    return tuple(sorted(named - {span.center for span in spans}))


def _order(span: Span) -> tuple[int, int, str]:
    return span.start_ns, -span.end_ns, span.span_id
