"""What a listing says: the fields every kind has, the fields one kind has, and what they may hold."""

from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.schemas.base import Text
from shared.schemas.listing import Kind, Price, Tier
from shared.schemas.money import MINOR_MAX

Word = Annotated[str, Field(min_length=1, max_length=120)]
Symbol = Annotated[
    str, Field(pattern=r"^[A-HY]\d{2}[A-Z](\d{1,4}/\d{2,6})?$", description="IPC or CPC symbol: C02F1/469")
]
Industry = Annotated[str, Field(pattern=r"^[A-T](\d{2,4})?$", description="GB/T 4754 class: C3591")]
LivelihoodField = Annotated[
    str, Field(pattern=r"^[a-z][a-z_]{1,39}$", description="environment, health, agriculture ...")
]
Trl = Annotated[int, Field(ge=1, le=9, description="technology readiness level, GB/T 22900 and ISO 16290")]


def plain(details: dict[str, Any]) -> dict[str, Any]:
    """Details that JSON carries unchanged: no endless numbers, none beyond 64 bits, no broken characters.

    Raises ValueError.
    """
    try:
        same = orjson.loads(orjson.dumps(details)) == details
    except orjson.JSONEncodeError as error:
        raise ValueError(str(error)) from None
    if not same:
        raise ValueError("a number is not finite")
    return details


Minor = Annotated[int, Field(ge=0, le=MINOR_MAX)]
AgencyKind = Literal[
    "ip", "legal", "asset_evaluation", "technical_evaluation", "testing", "certification", "incubation"
]


class TransferMode(StrEnum):
    """How a technology changes hands."""

    ASSIGNMENT = "assignment"
    LICENCE_EXCLUSIVE = "licence_exclusive"
    LICENCE_SOLE = "licence_sole"
    LICENCE_PLAIN = "licence_plain"
    JOINT_DEVELOPMENT = "joint_development"
    EQUITY = "equity"
    SERVICE = "service"


class PriceMode(StrEnum):
    """How a price is made up."""

    NEGOTIABLE = "negotiable"
    LUMP_SUM = "lump_sum"
    INSTALMENTS = "instalments"
    ROYALTY = "royalty"
    UPFRONT_ROYALTY = "upfront_royalty"
    EQUITY = "equity"


class _Details(BaseModel):
    model_config = ConfigDict(extra="allow")


class TechnologyDetails(_Details):
    """Technologies: intellectual property and origin."""

    ip_status: Literal["filed", "granted", "trade_secret", "none"] | None = None
    ip_numbers: Annotated[list[Word], Field(max_length=200)] = []
    origin: Literal["civil", "military_to_civil", "civil_to_military"] = "civil"


class DemandDetails(_Details):
    """Demands: what kind of resource would meet them (technology, financing, testing ...)."""

    kind_of_need: Word = "technology"


class ServiceDetails(_Details):
    """Agencies: what they do, and how they charge for it."""

    agency_kind: AgencyKind | None = None
    fee_note: Text | None = None


class CapitalDetails(_Details):
    """Lenders and investors. Tickets in minor units of the price's currency; a rate of 385 is 3.85 % a year."""

    form: Literal["loan", "fund", "investor", "grant"] | None = None
    ticket_min_minor: Minor | None = None
    ticket_max_minor: Minor | None = None
    stage: Literal["seed", "early", "growth", "any"] | None = None
    collateral: Literal["none", "ip_pledge", "guarantee", "equity"] | None = None
    rate_percent_times_100: Annotated[int, Field(ge=0, le=100_00)] | None = None


DETAILS: Final[dict[Kind, type[_Details]]] = {
    Kind.TECHNOLOGY: TechnologyDetails,
    Kind.DEMAND: DemandDetails,
    Kind.SERVICE: ServiceDetails,
    Kind.CAPITAL: CapitalDetails,
}
"""Fields in `details` that are checked, by kind; others are kept and passed on."""

COMPLETE: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.TECHNOLOGY: ("summary", "solution"),
    Kind.DEMAND: ("summary", "problem"),
    Kind.SERVICE: ("summary", "solution"),
    Kind.CAPITAL: ("summary", "solution"),
}
"""Texts of which one at least must be there before an officer is asked to review, by kind."""

ONLY_FOR: Final[dict[str, frozenset[Kind]]] = {
    "trl": frozenset({Kind.TECHNOLOGY, Kind.DEMAND}),
    "transfer_modes": frozenset({Kind.TECHNOLOGY, Kind.DEMAND, Kind.SERVICE}),
}
"""Fields that make sense for some kinds only."""

TEXTS: Final = ("title", "summary", "problem", "solution", "advantages")


class Content(BaseModel):
    """What a listing says, with the field names of `shared.schemas.listing.ListingState`."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    kind: Kind
    tier: Tier = Tier.PUBLIC
    title: Text
    summary: Text = Text()
    problem: Text = Text()
    solution: Text = Text()
    advantages: Text = Text()
    keywords: dict[Literal["zh", "en"], Annotated[list[Word], Field(max_length=100)]] = {}
    livelihood: Annotated[list[LivelihoodField], Field(max_length=20)] = []
    ipc: Annotated[list[Symbol], Field(max_length=100)] = []
    industry: Annotated[list[Industry], Field(max_length=20)] = []
    trl: Trl | None = None
    transfer_modes: Annotated[list[TransferMode], Field(max_length=7)] = []
    price: Price = Price()
    region: Annotated[str, Field(max_length=64)] = ""
    deadline: date | None = None
    details: Annotated[dict[str, Any], AfterValidator(plain)] = {}

    def canonical(self) -> dict[str, Any]:
        """The content as plain JSON values: what is stored and what its digest is taken of."""
        return self.model_dump(mode="json")


def digest(content: Content, organisation_id: str) -> str:
    """SHA-256 over what is said and for whom: an import that changes nothing is known by it."""
    body = content.__pydantic_serializer__.to_json(content)
    return sha256(organisation_id.encode() + b"\n" + body).hexdigest()
