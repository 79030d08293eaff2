"""Bulk import: organisations and listings by external id, set-wise, with an answer for every row."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link
from pydantic import BaseModel

from services.listing.organisation import handlers as organisations
from services.listing.organisation.domain import Actor, OrganisationContent, Outcome
from services.listing.organisation.tables import Organisation
from services.listing.resource import domain, handlers
from services.listing.resource.content import Content
from services.listing.resource.refusals import TooManyRows, UnknownOrganisation
from services.listing.resource.rows import Entry, Line, entry, unknown_columns
from services.listing.resource.tables import Listing
from shared.db import Session
from shared.errors import Refused
from shared.schemas.base import Text
from shared.telemetry import service_tracer

ROWS_MAX: Final = 1000
"""Rows of one request, which is one transaction."""


class RowReport(BaseModel):
    """What became of one row; `id` names the organisation or listing, `rule` and `sentence` say why it was refused."""

    line: int
    external_id: str = ""
    result: Outcome
    id: str | None = None
    status: str | None = None
    rule: str | None = None
    sentence: Text | None = None


class ImportReport(BaseModel):
    """What became of a file: counts, columns nothing was stored of, and every row in the order of its lines."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    ignored_columns: list[str] = []
    rows: list[RowReport] = []


class _Known:
    """What the rows refer to, loaded and locked at once, and what they add."""

    def __init__(self, session: Session, who: Actor, *, publish: bool) -> None:
        self.session, self.who, self.publish = session, who, publish
        self.organisations: dict[str, Organisation] = {}
        self.listings: dict[str, Listing] = {}

    async def load(self, entries: Sequence[Entry]) -> None:
        """Two statements, however many rows."""
        await organisations.hold_external_ids(self.session)
        listed = [e for e in entries if isinstance(e.said, Content)]
        registered = {e.external_id for e in entries if isinstance(e.said, OrganisationContent)}
        self.organisations = await organisations.by_external_id(
            self.session, registered | {self.organisation_of(e) for e in listed}
        )
        self.listings = await handlers.by_external_id(self.session, [e.external_id for e in listed])

    def organisation_of(self, row: Entry) -> str:
        """The organisation a listing's row names; a member's rows may leave out its own."""
        return row.organisation or self.who.organisation_id or ""

    def put_organisation(self, row: Entry, said: OrganisationContent) -> tuple[Organisation, Outcome]:
        """Raises what `organisation.handlers.put` raises."""
        existing = self.organisations.get(row.external_id)
        stored, outcome = organisations.put(self.session, self.who, existing, said, external_id=row.external_id)
        self.organisations[row.external_id] = stored
        return stored, outcome

    def put_listing(self, row: Entry, said: Content) -> tuple[Listing, Outcome]:
        """Raises UnknownOrganisation and what `resource.handlers.put` raises."""
        organisation = self.organisations.get(self.organisation_of(row))
        if organisation is None:
            raise UnknownOrganisation(organisation=self.organisation_of(row) or "-")
        existing = self.listings.get(row.external_id)
        stored, outcome = handlers.put(
            self.session, self.who, organisation, existing, said, external_id=row.external_id, publish=self.publish
        )
        self.listings[row.external_id] = stored
        return stored, outcome


async def import_rows(session: Session, who: Actor, lines: Sequence[Line], *, publish: bool = False) -> ImportReport:
    """Store rows by external id: new ones are created, changed ones updated, the same again changes nothing.

    Rows are taken in the order of their lines, so an organisation's row comes before its listings; of two rows with
    one external id the later wins. A refused row stores nothing and stops no other. `publish` also submits and
    publishes (officers). Raises TooManyRows, OfficerNeeded.
    """
    if len(lines) > ROWS_MAX:
        raise TooManyRows(limit=ROWS_MAX)
    if publish:
        domain.check_may_publish(who)
    center = session.info["center"].id
    readable: list[tuple[Line, Entry | Refused]] = [(line, _read(line, center)) for line in lines]
    known = _Known(session, who, publish=publish)
    await known.load([e for _, e in readable if isinstance(e, Entry)])
    report = ImportReport(ignored_columns=sorted(set().union(*(unknown_columns(line) for line in lines))))
    for line, read in readable:
        row = _stored(known, line, read)
        report.rows.append(row)
        setattr(report, row.result, getattr(report, row.result) + 1)
    return report


def _read(line: Line, center: str) -> Entry | Refused:
    try:
        return entry(line, center)
    except Refused as refusal:
        return refusal


def _stored(known: _Known, line: Line, read: Entry | Refused) -> RowReport:
    external_id = str(line.fields.get("external_id") or "")[:200]
    try:
        if isinstance(read, Refused):
            raise read
        if isinstance(read.said, OrganisationContent):
            organisation, outcome = known.put_organisation(read, read.said)
            return RowReport(line=line.number, external_id=external_id, result=outcome, id=organisation.id)
        with own_trace(line.number) as span:
            listing, outcome = known.put_listing(read, read.said)
            span.set_attribute("messaging.message.conversation_id", listing.id)
        status = listing.status
        return RowReport(line=line.number, external_id=external_id, result=outcome, id=listing.id, status=status)
    except Refused as refusal:
        sentence = Text(zh=refusal.say("zh"), en=refusal.say("en"))
        return RowReport(
            line=line.number, external_id=external_id, result=Outcome.REFUSED, rule=refusal.rule, sentence=sentence
        )


@contextmanager
def own_trace(line: int) -> Iterator[trace.Span]:
    """A trace of its own for a row, linked to the import's: each listing's story starts with its row."""
    importing = trace.get_current_span().get_span_context()
    links = [Link(importing)] if importing.is_valid else []
    attributes: dict[str, Any] = {"ctta.service": "listing", "ctta.import.line": line}
    with service_tracer("listing").start_as_current_span(
        "import row", context=Context(), links=links, attributes=attributes, record_exception=False
    ) as span:
        yield span
