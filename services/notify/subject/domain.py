"""What an event says of the thing it speaks of. A center is believed about its own things only. Pure."""

from typing import Any, NamedTuple

from services.notify.story.domain import SpeaksForAnother
from shared.schemas.base import Envelope, Event, Text
from shared.schemas.escrow import DealOpened
from shared.schemas.listing import ListingState, ListingSubmitted, OrganisationState
from shared.schemas.matching import InterestExpressed


class Learnt(NamedTuple):
    """One row of what is known. What is not `whole` never replaces what is there."""

    id: str
    center: str
    kind: str = ""
    title: Text = Text()
    organisations: tuple[str, ...] = ()
    links: dict[str, str] = {}  # noqa: RUF012  # never changed
    whole: bool = True

    def row(self) -> dict[str, Any]:
        """JSON-ready, with the table's column names."""
        row: dict[str, Any] = self._asdict()
        title = row.pop("title")
        return {**row, "title_zh": title.zh, "title_en": title.en}


def learn(event: Event, cause: Envelope) -> Learnt:
    """What `event` says. Raises SpeaksForAnother; TypeError: an event that says nothing of the kind."""
    learnt = _learn(event, cause)
    if learnt.center != cause.center:
        raise SpeaksForAnother(center=cause.center, id=learnt.id, owner=learnt.center)
    return learnt


def _learn(event: Event, cause: Envelope) -> Learnt:
    match event:
        case ListingState():
            return Learnt(event.listing_id, event.center, event.kind, event.title, (event.organisation_id,))
        case ListingSubmitted():
            owner = (event.organisation_id,)
            return Learnt(event.listing_id, cause.center, event.kind, organisations=owner, whole=False)
        case OrganisationState():
            return Learnt(event.organisation_id, event.center, "organisation", event.name, (event.organisation_id,))
        case InterestExpressed():
            links = {"demand_id": event.demand_id, "offer_id": event.offer_id}
            if event.match_id:
                links["match_id"] = event.match_id
            seeker = (event.seeker_organisation_id,)
            return Learnt(event.interest_id, event.seeker_center, "interest", organisations=seeker, links=links)
        case DealOpened():
            parties = (event.buyer_organisation_id, event.seller_organisation_id)
            names = ("interest_id", "listing_id", "demand_id", "buyer_organisation_id", "seller_organisation_id")
            links = {name: getattr(event, name) for name in names} | {"seller_center": event.to}
            return Learnt(event.deal_id, event.home, "deal", organisations=parties, links=links)
    raise TypeError(f"{event.type} says nothing of what an id stands for")
