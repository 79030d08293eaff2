"""Rules of organisations: what they are called, which kinds there are, the unified social credit code."""

from enum import StrEnum
from typing import Annotated, Final, Protocol

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import Refused
from shared.schemas.base import Text


class OrganisationKind(StrEnum):
    """Kinds of organisation a center registers. Readers keep kinds they don't know."""

    COMPANY = "company"
    UNIVERSITY = "university"
    INSTITUTE = "institute"
    HOSPITAL = "hospital"
    AGENCY = "agency"
    LENDER = "lender"
    INVESTOR = "investor"
    GOVERNMENT = "government"
    OTHER = "other"


class Outcome(StrEnum):
    """What became of something that was put."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class OrganisationContent(BaseModel):
    """What is said about an organisation. `region` is an ISO 3166-2 code (CN-BJ), `country` ISO 3166-1 alpha-2."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    kind: OrganisationKind
    name: Text
    region: Annotated[str, Field(max_length=64)] = ""
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "CN"
    uscc: str | None = None


class Actor(Protocol):
    """Who asks: a person with roles who speaks for at most one organisation."""

    @property
    def id(self) -> str: ...
    @property
    def roles(self) -> frozenset[str]: ...
    @property
    def organisation_id(self) -> str | None: ...


class NameMissing(Refused):
    """An organisation without a name can't be shown to anybody."""

    rule = "name-missing"
    status = 422
    en = "An organisation needs a name in Chinese, English or both."
    zh = "机构必须有中文或英文名称。"


class BadText(Refused):
    """A text is longer than what is shown and carried, or holds characters no database keeps."""

    rule = "bad-text"
    status = 422
    en = "{field} is longer than {limit} characters or contains control characters."
    zh = "{field} 超过 {limit} 个字符，或含有控制字符。"


class BadCreditCode(Refused):
    """GB 32100-2015: 18 characters of its alphabet, the last one a check character."""

    rule = "bad-uscc"
    status = 422
    en = "{uscc} is not a unified social credit code: 18 characters, the last one a check character (GB 32100-2015)."
    zh = "{uscc} 不是有效的统一社会信用代码：应为 18 位，末位为校验码（GB 32100-2015）。"


class NotYours(Refused):
    """A member acts for its own organisation only."""

    rule = "not-your-organisation"
    status = 403
    en = "Only {organisation} itself or the center's officers may do this."
    zh = "只有 {organisation} 本单位或本中心业务员可以执行此操作。"


NAME_MAX: Final = 200
ACTS_FOR_ANYBODY: Final = frozenset({"officer", "technology_manager"})
"""Roles that draft and edit on behalf of any organisation of their center."""

CREDIT_CODE_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_CODE_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
"""GB 32100-2015, table of weights: 3^(i-1) mod 31."""


def credit_code_check(body: str) -> str:
    """The check character for the first 17 characters of a unified social credit code. Raises ValueError."""
    total = sum(CREDIT_CODE_ALPHABET.index(c) * w for c, w in zip(body, CREDIT_CODE_WEIGHTS, strict=True))
    return CREDIT_CODE_ALPHABET[-total % 31]


def is_credit_code(code: str) -> bool:
    """Whether `code` is a well-formed unified social credit code with the right check character."""
    if len(code) != 18 or any(c not in CREDIT_CODE_ALPHABET for c in code):
        return False
    return credit_code_check(code[:17]) == code[17]


def is_clean(text: str, limit: int) -> bool:
    """Whether a text has at most `limit` characters and no control characters but line breaks and tabs."""
    return len(text) <= limit and not any(c < " " and c not in "\n\r\t" for c in text)


def check(content: OrganisationContent) -> None:
    """Raises NameMissing, BadText or BadCreditCode."""
    if not (content.name.zh.strip() or content.name.en.strip()):
        raise NameMissing()
    for text in (content.name.zh, content.name.en, content.region):
        if not is_clean(text, NAME_MAX):
            raise BadText(field="name", limit=NAME_MAX)
    if content.uscc is not None and not is_credit_code(content.uscc):
        raise BadCreditCode(uscc=content.uscc)


def check_may_act(actor: Actor, organisation_id: str) -> None:
    """Members act for their own organisation, officers and technology managers for any. Raises NotYours."""
    if not (actor.roles & ACTS_FOR_ANYBODY or ("member" in actor.roles and actor.organisation_id == organisation_id)):
        raise NotYours(organisation=organisation_id)
