"""An interest: who may express it, who may answer it, and by when. Pure: the time comes in."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.errors import Refused
from shared.schemas.listing import Status as ListingStatus


class Status(StrEnum):
    """Where an interest stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"


NEXT: Final[dict[Status, frozenset[Status]]] = {
    Status.OPEN: frozenset({Status.ACCEPTED, Status.DECLINED}),
    Status.ACCEPTED: frozenset(),
    Status.DECLINED: frozenset(),
}
"""Legal moves. An answer stands; who thinks better of a decline waits for a new interest."""

if set(NEXT) != set(Status) or not set().union(*NEXT.values()) <= set(NEXT):
    raise ValueError("every status of an interest needs a row in NEXT, and every move a status")

ANSWER_WITHIN: Final = timedelta(days=14)
"""The owner's side has this long to answer. A late answer still counts; lateness is shown and counted."""

NO_LONGER_OFFERED: Final = "no-longer-offered"
"""Reason of a decline that the owner's center makes by rule, when the interest meets a listing that is gone."""

MESSAGE_MAX: Final = 4_000
REASON_MAX: Final = 2_000


class NotYours(Refused):
    """A member speaks for its own organisation only."""

    rule = "not-your-listing"
    status = 403
    en = "Listing {listing} belongs to another organisation: its members, technology managers and officers act for it."
    zh = "{listing} 属于其他机构：仅该机构成员、技术经理人或管理员可代为处理。"


class NotHere(Refused):
    """An interest is expressed at the demand's center and answered at the offer's."""

    rule = "decided-at-another-center"
    status = 409
    en = "This is decided at center {center}: ask there."
    zh = "该事项由中心 {center} 办理，请在该中心操作。"


class NotOffered(Refused):
    """Demand or offer is reserved, withdrawn, or not known."""

    rule = "not-offered"
    status = 409
    en = "Listing {listing} is not open for interest (it is {state})."
    zh = "{listing} 目前不接受合作意向（状态：{state}）。"


class NotAPair(Refused):
    """An interest is a demand's, in an offer of another organisation."""

    rule = "not-a-pair"
    status = 422
    en = "An interest joins a demand with an offer of another organisation; {demand} and {offer} are no such pair."
    zh = "合作意向须由需求方就其他机构的供给提出；{demand} 与 {offer} 不符合要求。"


class AlreadyOpen(Refused):
    """One open interest per pair."""

    rule = "interest-already-open"
    status = 409
    en = "Interest {interest} in this offer is open already: wait for its answer."
    zh = "已有针对该供给的合作意向 {interest}，请等待答复。"


class AlreadyAnswered(Refused):
    """The first answer stands."""

    rule = "interest-already-answered"
    status = 409
    en = "Interest {interest} is {state} already."
    zh = "合作意向 {interest} 已处理（{state}）。"


class ReasonMissing(Refused):
    """A decline without a reason teaches nobody anything."""

    rule = "reason-required"
    status = 422
    en = "Say why you decline."
    zh = "请说明婉拒理由。"


def move(interest_id: str, status: Status, to: Status) -> Status:
    """The next status. Raises AlreadyAnswered."""
    if to not in NEXT[status]:
        raise AlreadyAnswered(interest=interest_id, state=status)
    return to


def may_act(listing_id: str, owner: str, roles: Collection[str], organisation_id: str | None) -> None:
    """Members act for their own organisation's listings, technology managers and officers for all of the center.

    Raises NotYours.
    """
    if "technology_manager" in roles or "officer" in roles:
        return
    if "member" not in roles or not organisation_id or organisation_id != owner:
        raise NotYours(listing=listing_id)


def decided_at(center: str, here: str) -> None:
    """Raises NotHere unless the thing is decided at this center."""
    if center != here:
        raise NotHere(center=center)


def offered(listing_id: str, status: str) -> None:
    """Raises NotOffered unless the listing is published."""
    if status != ListingStatus.PUBLISHED:
        raise NotOffered(listing=listing_id, state=status)


def pair(demand: tuple[str, str, str], offer: tuple[str, str, str]) -> None:
    """Both as (listing id, kind, organisation id). Raises NotAPair."""
    if demand[1] != "demand" or offer[1] == "demand" or demand[2] == offer[2]:
        raise NotAPair(demand=demand[0], offer=offer[0])


def reason(text: str) -> str:
    """A decline's reason, trimmed. Raises ReasonMissing."""
    if not text.strip():
        raise ReasonMissing()
    return text.strip()


def answer_by(now: datetime) -> datetime:
    """When an interest that is expressed now should be answered."""
    return now + ANSWER_WITHIN


def overdue(answer_by: datetime, answered_at: datetime | None, now: datetime) -> bool:
    """Whether the answer is late, or came late."""
    return (answered_at or now) > answer_by
