"""Spans to and from where they are kept: OTLP JSON files of the embedded default, an OTLP collector, Jaeger, Tempo."""

from shared.traces.exporting import exporter
from shared.traces.model import Span, Story
from shared.traces.sources import Source, source
from shared.traces.story import story

__all__ = ["Source", "Span", "Story", "exporter", "source", "story"]
