"""What happens to organisations: registered, changed, announced."""

from collections.abc import Iterable
from typing import Any

from sqlmodel import col, select

from services.listing.organisation import domain
from services.listing.organisation.domain import Actor, OrganisationContent, Outcome
from services.listing.organisation.tables import Organisation
from shared.db import Session, driver
from shared.errors import NotFound
from shared.events import emit
from shared.ids import new_id
from shared.schemas.base import Text
from shared.schemas.listing import OrganisationState

EXTERNAL_IDS = 7_201_944
"""Advisory lock: external ids are given out by one transaction at a time, so none is given twice."""


async def hold_external_ids(session: Session) -> None:
    """Until the transaction ends, nobody else puts by external id at this center."""
    await (await driver(session)).execute("SELECT pg_advisory_xact_lock($1)", EXTERNAL_IDS)


async def by_external_id(session: Session, external_ids: Iterable[str]) -> dict[str, Organisation]:
    """The organisations that have these external ids, or ids, locked; by the id that was asked for."""
    wanted = sorted(set(external_ids))
    if not wanted:
        return {}
    either = col(Organisation.external_id).in_(wanted) | col(Organisation.id).in_(wanted)
    rows = await session.exec(select(Organisation).where(either).order_by(Organisation.id).with_for_update())
    found: dict[str, Organisation] = {}
    for row in rows:
        found[row.id] = row
        if row.external_id is not None:
            found[row.external_id] = row
    return found


async def one(session: Session, organisation_id: str, *, lock: bool = False) -> Organisation:
    """The organisation. Raises NotFound."""
    organisation = await session.get(Organisation, organisation_id, with_for_update=lock or None)
    if organisation is None:
        raise NotFound(what="organisation", id=organisation_id)
    return organisation


async def put_external(
    session: Session, who: Actor, external_id: str, content: OrganisationContent
) -> tuple[Organisation, Outcome]:
    """Register or change the organisation that a center's own system calls `external_id`."""
    await hold_external_ids(session)
    existing = (await by_external_id(session, [external_id])).get(external_id)
    return put(session, who, existing, content, external_id=external_id)


def put(
    session: Session,
    who: Actor,
    organisation: Organisation | None,
    content: OrganisationContent,
    *,
    external_id: str | None = None,
) -> tuple[Organisation, Outcome]:
    """Store what is said about an organisation, and announce it where it changed.

    `organisation` is locked, or None for a new one. Raises NotYours, NameMissing, BadText, BadCreditCode.
    """
    domain.check_may_act(who, organisation.id if organisation else "")
    domain.check(content)
    now = session.info["center"].now()
    said: dict[str, Any] = {
        "kind": content.kind.value,
        "name_zh": content.name.zh,
        "name_en": content.name.en,
        "region": content.region,
        "country": content.country,
        "uscc": content.uscc,
    }
    if organisation is None:
        outcome = Outcome.CREATED
        organisation = Organisation(
            id=new_id("org"), external_id=external_id, version=1, created_at=now, updated_at=now, **said
        )
        session.add(organisation)
    elif all(getattr(organisation, name) == value for name, value in said.items()):
        return organisation, Outcome.UNCHANGED
    else:
        outcome = Outcome.UPDATED
        for name, value in said.items():
            setattr(organisation, name, value)
        organisation.version += 1
        organisation.updated_at = now
    emit(session, snapshot(organisation, session.info["center"].id))
    return organisation, outcome


def name_of(organisation: Organisation) -> Text:
    """Its name in both languages."""
    return Text(zh=organisation.name_zh, en=organisation.name_en)


def snapshot(organisation: Organisation, center: str) -> OrganisationState:
    """The public snapshot."""
    return OrganisationState(
        organisation_id=organisation.id,
        center=center,
        kind=organisation.kind,
        name=name_of(organisation),
        region=organisation.region,
        country=organisation.country,
    )
