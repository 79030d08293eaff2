"""Research records of other sources (solicitations and awards) as import rows: pure, and tolerant of odd values."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from services.listing.organisation.domain import NAME_MAX
from services.listing.resource.domain import TEXT_MAX, TITLE_MAX

Raw = Mapping[str, Any]
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
SPILLS_INTO: Final = ("summary", "problem", "solution")
"""A text longer than one field goes on in the next, so that all of it is kept."""


def demand_rows(raw: Raw) -> list[dict[str, Any]]:
    """`{id, title, text, agency, branch, released}` as the agency's row and the demand's row.

    A record without id, title or text gives rows that the import refuses by name; nothing is raised.
    """
    agency, branch = _clean(raw.get("agency")), _clean(raw.get("branch"))
    name = ", ".join(part for part in (agency, branch) if part) or "Unknown agency"
    organisation = _organisation(name, "government")
    details = {"kind_of_need": "technology", "released": _day(raw.get("released"))}
    return [organisation, _listing(raw, "demand", organisation["external_id"], details)]


def offer_rows(raw: Raw) -> list[dict[str, Any]]:
    """`{id, title, text, organisation, agency, year, institution}` as the firm's row and the technology's row."""
    organisation = _organisation(_clean(raw.get("organisation")) or "Unknown organisation", "company")
    details = {
        "funded_by": _clean(raw.get("agency")),
        "year": raw.get("year") if isinstance(raw.get("year"), int) else None,
        "institution": _clean(raw.get("institution")),
    }
    return [organisation, _listing(raw, "technology", organisation["external_id"], details)]


def place(raw: Raw, centers: Sequence[str]) -> str:
    """The center a record belongs to: always the same for one organisation (offers) or agency and branch (demands)."""
    whose = _clean(raw.get("organisation")) or f"{_clean(raw.get('agency'))}|{_clean(raw.get('branch'))}"
    return centers[int.from_bytes(sha256(whose.casefold().encode()).digest()[:8], "big") % len(centers)]


def _organisation(name: str, kind: str) -> dict[str, Any]:
    name = name[:NAME_MAX]
    mark = sha256(name.casefold().encode()).hexdigest()[:16]
    return {"type": "organisation", "external_id": f"org-{mark}", "kind": kind, "name": {"en": name}, "country": "US"}


def _listing(raw: Raw, kind: str, organisation: str, details: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "type": "listing",
        "external_id": _clean(raw.get("id")),
        "kind": kind,
        "organisation": organisation,
        "tier": "public",
        "title": {"en": _clean(raw.get("title"))[:TITLE_MAX]},
        "details": {name: value for name, value in details.items() if value},
    }
    for field, part in zip(SPILLS_INTO, _parts(_clean(raw.get("text"))), strict=False):
        row[field] = {"en": part}
    return row


def _parts(text: str) -> Iterator[str]:
    for start in range(0, len(text), TEXT_MAX):
        yield text[start : start + TEXT_MAX]


def _clean(value: object) -> str:
    """Text without control characters; None and other empty values become ""."""
    if value is None or isinstance(value, bool | list | dict):
        return ""
    return CONTROL.sub(" ", str(value)).encode("utf-8", "replace").decode().strip()


def _day(value: object) -> str:
    """`January 11, 2018` as 2018-01-11; anything else as it is."""
    said = _clean(value)
    try:
        return datetime.strptime(said, "%B %d, %Y").date().isoformat()
    except ValueError:
        return said
