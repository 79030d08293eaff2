"""Figures for operators: rate, errors and duration of every door, and what lies or waits between them.

Exported by OTLP where `CTTA_OTLP_ENDPOINT` names a collector; else they stay in the process. docs/operations.md lists
them.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from shared.settings import Settings

EXPORT_MS: Final = 15_000
NAMES: Final = {
    "http.server.request.duration": "seconds a request took; by service, method, route, status",
    "messaging.process.duration": "seconds a run of events took; by group, event type, error",
    "ctta.records.refused": "records refused at the door; by group, rule",
    "ctta.events.parked": "events that were parked; by group, rule",
    "ctta.events.halted": "topics that were halted; by group, rule",
    "ctta.events.waiting": "events that had to wait; by group, rule",
    "ctta.events.gaps": "missing numbers that were stepped over; by group",
    "ctta.batches.retried": "batches put back for a transient failure; by group",
    "ctta.relay.failures": "rounds of the relay that failed",
    "ctta.requests.bugs": "requests that met a bug",
    "ctta.steps.failed": "scheduled steps that failed; by step",
    "ctta.directory.refused": "directory entries that were refused; by rule",
    "ctta.journal.age": "seconds the oldest unsent event has waited; by service",
    "ctta.held": "events held now; by group, state (waiting, parked)",
    "ctta.halted": "topics halted now; by group",
    "ctta.lag": "records not applied yet in the partitions assigned here; by group",
}
"""Every metric and what it counts."""

_counters: dict[str, metrics.Counter] = {}
_gauges: dict[str, metrics._Gauge] = {}
_histograms: dict[str, metrics.Histogram] = {}


def configure(settings: Settings, resource: Resource, *readers: MetricReader) -> None:
    """Set up the metrics of this process, once."""
    wanted = list(readers)
    if settings.otlp_endpoint:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        exporter = OTLPMetricExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/metrics")
        wanted.append(PeriodicExportingMetricReader(exporter, export_interval_millis=EXPORT_MS))
    metrics.set_meter_provider(MeterProvider(metric_readers=wanted, resource=resource))


def count(name: str, amount: int = 1, **labels: str) -> None:
    """Count something; labels are few-valued."""
    counter = _counters.get(name)
    if counter is None:
        counter = _counters[name] = metrics.get_meter("ctta").create_counter(name, description=NAMES[name])
    counter.add(amount, labels)


def level(name: str, value: float, **labels: str) -> None:
    """Say how much of something there is now."""
    gauge = _gauges.get(name)
    if gauge is None:
        gauge = _gauges[name] = metrics.get_meter("ctta").create_gauge(name, description=NAMES[name])
    gauge.set(value, labels)


def took(name: str, seconds: float, **labels: str) -> None:
    """Record a duration."""
    histogram = _histograms.get(name)
    if histogram is None:
        meter = metrics.get_meter("ctta")
        histogram = _histograms[name] = meter.create_histogram(name, unit="s", description=NAMES[name])
    histogram.record(seconds, labels)


@contextmanager
def timed(name: str, **labels: str) -> Iterator[None]:
    """Record how long the block took; `error` names the exception that left it."""
    began, error = time.perf_counter(), ""
    try:
        yield
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        took(name, time.perf_counter() - began, error=error, **labels)
