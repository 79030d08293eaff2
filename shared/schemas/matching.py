"""What the matching service publishes: matches and interests."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.schemas.base import CenterId, Event, Scope


class MatchedTerm(BaseModel):
    """A term both sides have. `weight` is its share of the lexical component."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    term: str
    weight: float


class MatchFound(
    Event, service="matching", name="match.found", scope=Scope.BILATERAL, subject="match_id", conversation="demand_id"
):
    """A demand and an offer fit. Decided once, at the demand's center; told to the offer's center (`to`).

    `offer` is a technology, service or capital listing. `components` sum to `score` (0..1).
    """

    to: CenterId
    match_id: str
    demand_id: str
    demand_version: int
    offer_id: str
    offer_version: int
    demand_center: CenterId
    offer_center: CenterId
    offer_kind: str
    score: float
    components: dict[str, float]
    terms: list[MatchedTerm] = []
    shared: dict[str, list[str]] = {}
    filters: list[str] = []


class InterestExpressed(
    Event,
    service="matching",
    name="interest.expressed",
    scope=Scope.BILATERAL,
    subject="interest_id",
    conversation="offer_id",
):
    """The demand's side wants to talk about an offer. Decided at the seeker's center, told to the owner's (`to`)."""

    to: CenterId
    interest_id: str
    match_id: str | None
    demand_id: str
    offer_id: str
    seeker_center: CenterId
    seeker_organisation_id: str
    message: str = ""
    answer_by: datetime


class InterestAccepted(
    Event,
    service="matching",
    name="interest.accepted",
    scope=Scope.BILATERAL,
    subject="interest_id",
    conversation="offer_id",
):
    """The owner's center accepted; the seeker's center (`to`) becomes the home of the deal."""

    to: CenterId
    interest_id: str
    demand_id: str
    offer_id: str
    seeker_center: CenterId
    seeker_organisation_id: str
    owner_center: CenterId
    owner_organisation_id: str


class InterestDeclined(
    Event,
    service="matching",
    name="interest.declined",
    scope=Scope.BILATERAL,
    subject="interest_id",
    conversation="offer_id",
):
    """The owner's center declined, with its mandatory reason."""

    to: CenterId
    interest_id: str
    offer_id: str
    owner_center: CenterId
    reason: str
