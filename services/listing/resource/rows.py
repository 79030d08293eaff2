"""Import rows as they come in: JSON lines or CSV in, one mapping per line out, named as in `ListingState`."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

import orjson
from pydantic import ValidationError

from services.listing.organisation.domain import OrganisationContent, OrganisationKind, is_clean
from services.listing.resource.columns import CELLS, LISTS, SEPARATORS, field_of
from services.listing.resource.content import Content
from services.listing.resource.refusals import (
    ExternalIdMissing,
    InvalidField,
    NotARow,
    NotReadable,
    UnknownKind,
    WrongCenter,
)
from shared.errors import Refused
from shared.schemas.listing import Kind
from shared.schemas.money import EXPONENTS

Format = Literal["csv", "jsonl"]
EXTERNAL_ID_MAX: Final = 200
CONTROL: Final = frozenset({"type", "external_id", "center", "organisation", "illustrative"})
"""Columns that say what a row is rather than what it says."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file: its line number (1 is the first), and its fields or why it can't be read."""

    number: int
    fields: Mapping[str, Any]
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that can be stored. `organisation`: id or external id of a listing's organisation, "" for one's own."""

    external_id: str
    said: Content | OrganisationContent
    organisation: str = ""


def lines(body: bytes, format: Format, first_line: int = 1) -> Iterator[Line]:
    """The rows of a file. Blank lines are skipped; a row that can't be read carries its refusal.

    `first_line`: number of the body's first line, for a file that is sent in parts. Raises NotReadable where the
    whole is no text, or a CSV without headings.
    """
    return _csv_lines(body, first_line) if format == "csv" else _json_lines(body, first_line)


def _json_lines(body: bytes, first_line: int) -> Iterator[Line]:
    for number, raw in enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), first_line):
        if not raw.strip():
            continue
        try:
            fields = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            yield Line(number, {}, NotARow(problem=str(error)))
            continue
        if isinstance(fields, dict):
            yield Line(number, fields)
        else:
            yield Line(number, {}, NotARow(problem="not an object"))


def _csv_lines(body: bytes, first_line: int) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(decoded(body), newline=""))
    try:
        headings = next(reader, [])
    except csv.Error as error:
        raise NotReadable(problem=str(error)) from None
    fields = [field_of(heading) or heading.strip() for heading in headings]
    if not any(field_of(heading) for heading in headings):
        raise NotReadable(problem="no known column heading in the first line")
    while True:
        number = reader.line_num + first_line
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(number, {}, NotARow(problem=str(error)))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        try:
            yield Line(number, _nested(dict(zip(fields, cells, strict=False))))
        except Refused as refusal:
            yield Line(number, {"external_id": dict(zip(fields, cells, strict=False)).get("external_id")}, refusal)


def decoded(body: bytes) -> str:
    """UTF-8, with or without mark, or GB 18030 (what a Chinese Excel writes). Raises NotReadable."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotReadable(problem="neither UTF-8 nor GB 18030")


def _nested(cells: Mapping[str, str]) -> dict[str, Any]:
    """CSV cells by field, as a JSON row would have them. Empty cells are left out."""
    row: dict[str, Any] = {}
    for field, raw in cells.items():
        if not (cell := raw.strip()):
            continue
        value: Any = _cell(field, cell)
        outer, _, inner = field.partition(".")
        if inner:
            row.setdefault(outer, {})[inner] = value
        else:
            row[field] = value
    if "price" in row:
        row["price"] = _price(row["price"])
    return row


def _cell(field: str, cell: str) -> Any:
    meaning = CELLS.get(field, {})
    if field in LISTS:
        return [meaning.get(part.strip(), part.strip()) for part in re.split(SEPARATORS, cell) if part.strip()]
    return meaning.get(cell, cell)


def _price(price: Mapping[str, str]) -> dict[str, Any]:
    """Whole currency units to minor units, exactly. Raises InvalidField."""
    places = EXPONENTS.get(price.get("currency", "CNY"), 2)
    minor: dict[str, Any] = {name: price[name] for name in ("mode", "currency") if name in price}
    for end in ("min", "max"):
        if end in price:
            minor[f"{end}_minor"] = _minor(price[end], places, f"price_{end}")
    return minor


def _minor(amount: str, places: int, field: str) -> int:
    try:
        scaled = Decimal(amount.replace(",", "").replace("，", "")).scaleb(places)
        if scaled != scaled.to_integral_value():
            raise InvalidField(field=field, problem=f"more than {places} decimal places")
        return int(scaled)
    except (InvalidOperation, OverflowError, ValueError):
        raise InvalidField(field=field, problem=f"{amount} is not an amount") from None


def entry(line: Line, center: str) -> Entry:
    """What a line says, checked for shape. Raises the line's own refusal, ExternalIdMissing, WrongCenter,
    UnknownKind, InvalidField."""
    if line.refusal is not None:
        raise line.refusal
    fields = {name: value for name, value in line.fields.items() if value is not None}
    given = fields.get("external_id")
    external_id = str(given).strip() if isinstance(given, str | int) else ""
    if not external_id or not is_clean(external_id, EXTERNAL_ID_MAX):
        raise ExternalIdMissing(limit=EXTERNAL_ID_MAX)
    if fields.get("center", center) != center:
        raise WrongCenter(named=fields["center"], center=center)
    if is_organisation(fields):
        _check_kind(fields, OrganisationKind)
        return Entry(external_id, _parsed(OrganisationContent, fields))
    _check_kind(fields, Kind)
    organisation = str(fields.get("organisation", "")).strip()
    if not is_clean(organisation, EXTERNAL_ID_MAX):
        raise InvalidField(field="organisation", problem="not an id")
    return Entry(external_id, _parsed(Content, fields), organisation)


def is_organisation(fields: Mapping[str, Any]) -> bool:
    """Rows with `type` say it themselves; otherwise a title makes a listing and a name an organisation."""
    return fields.get("type") == "organisation" or ("type" not in fields and "name" in fields and "title" not in fields)


def unknown_columns(line: Line) -> set[str]:
    """Columns of a row that nothing is stored of."""
    known = OrganisationContent if is_organisation(line.fields) else Content
    return set(line.fields) - set(known.model_fields) - CONTROL


def _check_kind(fields: Mapping[str, Any], kinds: type[Kind] | type[OrganisationKind]) -> None:
    if str(fields.get("kind")) not in {kind.value for kind in kinds}:
        raise UnknownKind(kind=fields.get("kind", ""), known=", ".join(kind.value for kind in kinds))


Shape = Content | OrganisationContent


def _parsed(shape: type[Shape], fields: Mapping[str, Any]) -> Shape:
    try:
        return shape.model_validate({name: value for name, value in fields.items() if name in shape.model_fields})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidField(field=".".join(str(part) for part in first["loc"]), problem=first["msg"]) from None
