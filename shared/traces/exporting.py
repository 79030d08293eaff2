"""Where spans go: to an OTLP/HTTP endpoint where one is set, else to OTLP JSON files.

A file is a sequence of lines, each a whole ExportTraceServiceRequest, appended by one write. A line that a kill cut
short is closed by the next start and skipped by readers. Files are capped: the oldest of the few is overwritten.
"""

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shared.settings import Settings
from shared.traces.encoding import encode

FILE_BYTES_MAX: Final = 32_000_000
OLDER_FILES: Final = 3
LINE_SPANS_MAX: Final = 200


def exporter(settings: Settings, name: str) -> SpanExporter:
    """The exporter that the settings choose; `name` tells this process from others of the center (`all`, `escrow`)."""
    if settings.otlp_endpoint:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
    return FileExporter(settings.traces / f"{settings.center}-{name}.jsonl")


class FileExporter(SpanExporter):
    """Appends OTLP JSON lines to `path`; when it is full it becomes `<name>.1.jsonl`, that one `.2.jsonl`, ..."""

    def __init__(self, path: Path, *, bytes_max: int = FILE_BYTES_MAX, older: int = OLDER_FILES) -> None:
        self.path = path
        self.bytes_max = bytes_max
        self.older = older
        self._lock = Lock()
        self._fd: int | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write them; a full or missing disk costs spans, never the business that they tell of."""
        try:
            with self._lock:
                for start in range(0, len(spans), LINE_SPANS_MAX):
                    self._append(encode(spans[start : start + LINE_SPANS_MAX]))
        except OSError:
            self._close()
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def _append(self, line: bytes) -> None:
        if self._fd is None:
            self._fd = self._open()
        elif os.fstat(self._fd).st_size + len(line) > self.bytes_max:
            self._rotate()
            self._fd = self._open()
        os.write(self._fd, line)

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        size = os.fstat(fd).st_size
        if size and os.pread(fd, 1, size - 1) != b"\n":
            os.write(fd, b"\n")
        return fd

    def _rotate(self) -> None:
        self._close()
        names = [self.path, *(self.path.with_suffix(f".{n}.jsonl") for n in range(1, self.older + 1))]
        for newer, older in reversed(list(pairwise(names))):
            if newer.exists():
                newer.replace(older)

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def shutdown(self) -> None:
        """Close the file."""
        with self._lock:
            self._close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept back."""
        return True
