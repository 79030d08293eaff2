"""How a deal is opened: the seeker's center expresses an interest, the owner's accepts, the seeker's becomes the home.

Who seeks is the seeker's center's word and who offers is the owner's (docs/architecture.md): each keeps what its own
matching service said, and opens a deal, or its copy, for nothing else. The deal's id follows from the interest and the
home, so no other center can take it.
"""

from sqlmodel import select

from services.escrow.deal import store
from services.escrow.deal.domain import Side
from services.escrow.deal.refusals import NotParty
from services.escrow.deal.tables import Deal, Interest
from shared.center import Center
from shared.db import Session
from shared.errors import NotYet
from shared.events import emit
from shared.ids import derived_id
from shared.schemas.base import Envelope
from shared.schemas.escrow import DealOpened
from shared.schemas.matching import InterestAccepted, InterestExpressed


async def note_expressed(session: Session, event: InterestExpressed, cause: Envelope) -> None:
    """At the seeker's center: what its own matching service told the owner's. What others express is theirs."""
    if not cause.center == event.seeker_center == session.info["center"].id:
        return
    if await session.get(Interest, (event.interest_id, Side.HOME.value)) is None:
        session.add(
            Interest(
                id=event.interest_id, side=Side.HOME.value, peer=event.to, demand_id=event.demand_id,
                offer_id=event.offer_id, buyer_organisation_id=event.seeker_organisation_id,
            )
        )  # fmt: skip


async def open_from_interest(session: Session, event: InterestAccepted, cause: Envelope) -> None:
    """Accepted: the owner's center notes what it said; the seeker's, the home, opens the deal."""
    me: Center = session.info["center"]
    if cause.center != event.owner_center or event.to != event.seeker_center:
        raise NotParty(center=cause.center, id=event.interest_id)
    home, owner = event.seeker_center == me.id, cause.center == me.id
    expressed = await _expressed(session, event) if home else None
    if owner and await session.get(Interest, (event.interest_id, Side.SELLER.value)) is None:
        session.add(
            Interest(
                id=event.interest_id, side=Side.SELLER.value, peer=event.seeker_center, demand_id=event.demand_id,
                offer_id=event.offer_id, buyer_organisation_id=event.seeker_organisation_id,
                seller_organisation_id=event.owner_organisation_id,
            )
        )  # fmt: skip
    if expressed is not None and not await _is_open(session, event.interest_id):
        await _open(session, event, me)


async def _expressed(session: Session, event: InterestAccepted) -> Interest:
    """What was expressed here, as the answer must repeat it. Raises NotYet before it is known, NotParty."""
    known = await session.get(Interest, (event.interest_id, Side.HOME.value), with_for_update=True)
    if known is None:
        raise NotYet(event.interest_id)
    said = (event.owner_center, event.demand_id, event.offer_id, event.seeker_organisation_id)
    if said != (known.peer, known.demand_id, known.offer_id, known.buyer_organisation_id):
        raise NotParty(center=event.owner_center, id=event.interest_id)
    return known


async def _is_open(session: Session, interest_id: str) -> bool:
    query = select(Deal.id).where(Deal.interest_id == interest_id, Deal.side == Side.HOME.value)
    return (await session.exec(query)).first() is not None


async def _open(session: Session, event: InterestAccepted, me: Center) -> None:
    """The home's row; the seller's center is asked to reserve the listing."""
    opened = DealOpened(
        to=event.owner_center, deal_id=deal_id_of(event.interest_id, me.id), home=me.id, interest_id=event.interest_id,
        listing_id=event.offer_id, demand_id=event.demand_id, buyer_organisation_id=event.seeker_organisation_id,
        seller_organisation_id=event.owner_organisation_id,
    )  # fmt: skip
    session.add(_row(opened, Side.HOME, me))
    emit(session, opened)


def deal_id_of(interest_id: str, home: str) -> str:
    """The one deal that an interest leads to. Raises ValueError for an id that is no interest's."""
    return derived_id("dea", interest_id, home)


async def copy_opened(session: Session, event: DealOpened, cause: Envelope) -> None:
    """At the seller's center: its own row, for an interest that was accepted here. Raises NotYet, NotParty."""
    me: Center = session.info["center"]
    if event.to != me.id or cause.center != event.home:
        raise NotParty(center=cause.center, id=event.deal_id)
    known = await session.get(Interest, (event.interest_id, Side.SELLER.value), with_for_update=True)
    if known is None:
        raise NotYet(event.interest_id)
    accepted = (known.peer, known.demand_id, known.offer_id, known.buyer_organisation_id, known.seller_organisation_id)
    said = (event.home, event.demand_id, event.listing_id, event.buyer_organisation_id, event.seller_organisation_id)
    if accepted != said or event.deal_id != deal_id_of(event.interest_id, event.home):
        raise NotParty(center=cause.center, id=event.deal_id)
    if await store.locked(session, event.deal_id, Side.SELLER) is None:
        session.add(_row(event, Side.SELLER, me))


def _row(event: DealOpened, side: Side, me: Center) -> Deal:
    own = event.buyer_organisation_id if side is Side.HOME else event.seller_organisation_id
    now = me.now()
    return Deal(
        id=event.deal_id, side=side.value, home=event.home, seller_center=event.to, interest_id=event.interest_id,
        listing_id=event.listing_id, demand_id=event.demand_id, buyer_organisation_id=event.buyer_organisation_id,
        seller_organisation_id=event.seller_organisation_id, organisation_id=own, opened_at=now, updated_at=now,
    )  # fmt: skip
