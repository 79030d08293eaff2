"""The sending side of an import: a file cut into parts, each one request. Knows no server, only an HTTP client."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson

from services.listing.resource.imports import ImportReport
from services.listing.resource.rows import Format, decoded

ROWS_PER_REQUEST: Final = 100
MEDIA: Final[dict[Format, str]] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file that is sent in one request. `first_line`: number its first line has in the whole file."""

    body: bytes
    rows: int
    first_line: int
    format: Format


def parts(body: bytes, format: Format) -> Iterator[Part]:
    """A file in parts of ROWS_PER_REQUEST rows; every CSV part carries the headings. Raises NotReadable."""
    return _csv_parts(body) if format == "csv" else _json_parts(body)


def row_parts(rows: Iterable[Mapping[str, Any]]) -> Iterator[Part]:
    """Rows of a program as parts."""
    return _json_parts(b"\n".join(orjson.dumps(row) for row in rows))


def _json_parts(body: bytes) -> Iterator[Part]:
    lines = body.removesuffix(b"\n").split(b"\n") if body else []
    for start in range(0, len(lines), ROWS_PER_REQUEST):
        chosen = lines[start : start + ROWS_PER_REQUEST]
        yield Part(b"\n".join(chosen), len(chosen), start + 1, "jsonl")


def _csv_parts(body: bytes) -> Iterator[Part]:
    reader = csv.reader(io.StringIO(decoded(body), newline=""))
    headings = next(reader, [])
    first_line, rows = reader.line_num, list[list[str]]()
    for cells in reader:
        rows.append(cells)
        if len(rows) == ROWS_PER_REQUEST:
            yield _csv_part(headings, rows, first_line)
            first_line, rows = reader.line_num, []
    if rows:
        yield _csv_part(headings, rows, first_line)


def _csv_part(headings: Sequence[str], rows: Sequence[Sequence[str]], first_line: int) -> Part:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([headings, *rows])
    return Part(out.getvalue().encode(), len(rows), first_line, "csv")


async def send(
    client: httpx.AsyncClient, parts: Iterable[Part], *, publish: bool = False
) -> AsyncIterator[ImportReport]:
    """Send parts one after the other; yields the report of each. `client` has the base URL and the bearer token.

    No Idempotency-Key: sending again is harmless by external id, and must take effect where something else was
    imported in between. Raises httpx.HTTPStatusError.
    """
    for part in parts:
        answer = await client.post(
            "/listing/imports",
            content=part.body,
            params={"publish": publish, "first_line": part.first_line},
            headers={"Content-Type": MEDIA[part.format]},
        )
        answer.raise_for_status()
        yield ImportReport.model_validate_json(answer.content)
