"""Rules of listings: the lifecycle as a table, who sees and moves what, what may leave the center, who holds it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from services.listing.organisation.domain import ACTS_FOR_ANYBODY, Actor, BadText, is_clean
from services.listing.resource.content import COMPLETE, DETAILS, ONLY_FOR, TEXTS, Content, PriceMode
from services.listing.resource.refusals import (
    BadDetails,
    BadPrice,
    Fixed,
    HeldForAnother,
    IllegalMove,
    Incomplete,
    NotEditable,
    NotForThisKind,
    NotOffered,
    OfficerNeeded,
    PublishedNeedsOfficer,
    ReasonMissing,
    TitleMissing,
    TooLong,
    UnknownListing,
    WrongSeller,
)
from shared.schemas.listing import Price, Status, Tier
from shared.schemas.money import EXPONENTS, MINOR_MAX

NEXT: Final[Mapping[Status, frozenset[Status]]] = {
    Status.DRAFT: frozenset({Status.SUBMITTED, Status.WITHDRAWN}),
    Status.SUBMITTED: frozenset({Status.DRAFT, Status.PUBLISHED, Status.WITHDRAWN}),
    Status.PUBLISHED: frozenset({Status.RESERVED, Status.WITHDRAWN}),
    Status.RESERVED: frozenset({Status.PUBLISHED, Status.TRANSACTED}),
    Status.TRANSACTED: frozenset(),
    Status.WITHDRAWN: frozenset(),
}
"""Legal moves. A reserved listing can't be withdrawn: a counterparty relies on it."""

EDITED: Final[Mapping[Status, Status]] = {
    Status.DRAFT: Status.DRAFT,
    Status.SUBMITTED: Status.DRAFT,
    Status.PUBLISHED: Status.PUBLISHED,
}
"""The status after an edit. An officer reviews what was submitted, so an edit takes a submission back; what is
published stays so, as a new version, by an officer's hand. Other states are not editable."""

ON_THE_WAY: Final = {Status.DRAFT: Status.SUBMITTED, Status.SUBMITTED: Status.PUBLISHED}
"""The steps an officer who imports takes in one go."""

OPEN: Final = frozenset({Status.PUBLISHED, Status.RESERVED})
"""What anybody at the center may see besides its own organisation's listings."""

SEES_EVERYTHING: Final = ACTS_FOR_ANYBODY | {"operator", "auditor"}
TITLE_MAX: Final = 300
TEXT_MAX: Final = 40_000
CONTENT_BYTES_MAX: Final = 400_000
"""One listing with all its texts; well below what one record may carry."""
NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The character no database keeps, as JSON escapes it."""


def validate_moves(moves: Mapping[Status, frozenset[Status]]) -> None:
    """Every status has a row and can be reached from draft. Raises ValueError; runs at import."""
    if missing := set(Status) - set(moves):
        raise ValueError(f"no row for {sorted(missing)}")
    reached, ahead = {Status.DRAFT}, [Status.DRAFT]
    while ahead:
        new = moves[ahead.pop()] - reached
        reached |= new
        ahead += new
    if unreachable := set(Status) - reached:
        raise ValueError(f"nothing leads to {sorted(unreachable)}")


validate_moves(NEXT)


def move(status: Status, target: Status) -> Status:
    """The target, where the lifecycle allows the step. Raises IllegalMove."""
    if target not in NEXT[status]:
        raise IllegalMove(status=status, target=target)
    return target


def check(content: Content) -> None:
    """What a listing says must be sound.

    Raises TitleMissing, BadText, TooLong, BadPrice, BadDetails, NotForThisKind.
    """
    if not (content.title.zh.strip() or content.title.en.strip()):
        raise TitleMissing()
    for name in TEXTS:
        limit = TITLE_MAX if name == "title" else TEXT_MAX
        text = getattr(content, name)
        if not (is_clean(text.zh, limit) and is_clean(text.en, limit)):
            raise BadText(field=name, limit=limit)
    for field, kinds in ONLY_FOR.items():
        if getattr(content, field) and content.kind not in kinds:
            raise NotForThisKind(kind=content.kind, field=field)
    check_price(content.price)
    check_details(content)
    whole = content.__pydantic_serializer__.to_json(content)
    if len(whole) > CONTENT_BYTES_MAX:
        raise TooLong(size=len(whole), limit=CONTENT_BYTES_MAX)
    if NUL.search(whole):
        raise BadText(field="keywords or details", limit=TEXT_MAX)


def check_price(price: Price) -> None:
    """Raises BadPrice. Currencies: ISO 4217, those of `shared.schemas.money`."""
    low, high = price.min_minor, price.max_minor
    if price.mode not in set(PriceMode):
        raise BadPrice(problem=f"mode {price.mode}")
    if price.currency not in EXPONENTS:
        raise BadPrice(problem=f"currency {price.currency}")
    if any(end is not None and not 0 <= end <= MINOR_MAX for end in (low, high)):
        raise BadPrice(problem="amount out of range")
    if low is not None and high is not None and low > high:
        raise BadPrice(problem="min above max")


def check_details(content: Content) -> None:
    """Raises BadDetails for a field that the kind defines otherwise."""
    try:
        DETAILS[content.kind].model_validate(content.details)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadDetails(kind=content.kind, field=field, problem=first["msg"]) from None


def check_complete(content: Content) -> None:
    """Before a review there must be something to read. Raises Incomplete."""
    wanted = COMPLETE[content.kind]
    if not any(getattr(content, name).zh or getattr(content, name).en for name in wanted):
        raise Incomplete(kind=content.kind, fields=", ".join(wanted))


def check_reason(reason: str) -> str:
    """The reason, trimmed. Raises ReasonMissing, BadText."""
    if not reason.strip():
        raise ReasonMissing()
    if not is_clean(reason, 1000):
        raise BadText(field="reason", limit=1000)
    return reason.strip()


def edited(status: Status, before: Content, after: Content, actor: Actor) -> Status:
    """The status after an edit. Raises NotEditable, PublishedNeedsOfficer, Fixed."""
    if status not in EDITED:
        raise NotEditable(status=status)
    if status is Status.PUBLISHED:
        if "officer" not in actor.roles:
            raise PublishedNeedsOfficer()
        if before.tier is Tier.PUBLIC and after.tier is not Tier.PUBLIC:
            raise Fixed(field="tier")
        check_complete(after)
    if before.kind is not after.kind:
        raise Fixed(field="kind")
    return EDITED[status]


def status_after_put(
    actor: Actor, status: Status | None, before: Content | None, after: Content, *, publish: bool
) -> Status:
    """The status once `after` is stored over `before` (None: there was nothing), published in one go if asked.

    Raises what `check`, `edited` and `check_complete` raise, and OfficerNeeded.
    """
    check(after)
    if publish:
        check_may_publish(actor)
    now = Status.DRAFT if status is None else status
    if status is not None and before is not None and before != after:
        now = edited(status, before, after, actor)
    while publish and now in ON_THE_WAY:
        check_complete(after)
        now = move(now, ON_THE_WAY[now])
    return now


def check_may_publish(actor: Actor) -> None:
    """Raises OfficerNeeded."""
    if "officer" not in actor.roles:
        raise OfficerNeeded()


def sees(actor: Actor, organisation_id: str, status: Status) -> bool:
    """Whether a person of this center may see a listing of either tier."""
    if actor.roles & SEES_EVERYTHING:
        return True
    return status in OPEN or actor.organisation_id == organisation_id


def alliance_knows(tier: Tier, published_at: datetime | None) -> bool:
    """Whether anything about a listing may be announced beyond the center."""
    return tier is Tier.PUBLIC and published_at is not None


def check_reservable(status: Status, *, known: bool, held: bool, own_deal: bool, is_sellers: bool) -> None:
    """Whether a deal may hold a listing. `known`: to the alliance; `held`: by another deal; `own_deal`: the deal's
    home is this center.

    Raises UnknownListing (also for what other centers can't know, so that none learns of it), WrongSeller,
    HeldForAnother, NotOffered.
    """
    if not (known or own_deal):
        raise UnknownListing()
    if not is_sellers:
        raise WrongSeller()
    if held:
        raise HeldForAnother()
    if status is not Status.PUBLISHED:
        raise NotOffered(status=status)
