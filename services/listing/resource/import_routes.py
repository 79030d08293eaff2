"""HTTP for bulk import: a part of a file in, a report for every row out."""

from typing import Annotated, Final

from fastapi import Header, Query, Request

from services.listing.resource.imports import ImportReport, import_rows
from services.listing.resource.refusals import NotReadable
from services.listing.resource.rows import Format, lines
from shared.http import Caller, Router, Tx, require

router = Router(prefix="/listing", tags=["imports"])

FORMATS: Final[dict[str, Format]] = {
    "text/csv": "csv",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/json": "jsonl",
}
"""The format a Content-Type names."""
BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {media: {"schema": {"type": "string"}} for media in FORMATS},
    }
}


@router.post("/imports", dependencies=[require("member", "technology_manager", "officer")], openapi_extra=BODY)
async def import_file(
    tx: Tx,
    who: Caller,
    request: Request,
    content_type: Annotated[str, Header()] = "application/x-ndjson",
    publish: Annotated[bool, Query(description="officers: submit and publish in the same go")] = False,
    first_line: Annotated[int, Query(ge=1, description="number of the body's first line in the whole file")] = 1,
) -> ImportReport:
    """Organisations and listings by external id, as JSON lines or CSV; at most 1,000 rows a request.

    A refused row is named in the report with its rule; the others are stored. The same file again changes nothing.
    """
    media = content_type.partition(";")[0].strip().lower()
    if media not in FORMATS:
        raise NotReadable(problem=f"send {' or '.join(FORMATS)}, not {media}")
    rows = list(lines(await request.body(), FORMATS[media], first_line))
    return await import_rows(tx, who, rows, publish=publish)
