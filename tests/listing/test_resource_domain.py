"""The lifecycle and what may leave a center, without any server."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from services.listing.organisation.domain import BadText
from services.listing.resource import domain
from services.listing.resource.content import Content, digest
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
from shared.errors import Refused
from shared.schemas.listing import Status, Tier
from tests.listing.people import AUDITOR, OFFICER, member

MEMBER = member("org_1")


def content(**said: Any) -> Content:
    return Content.model_validate({"kind": "technology", "title": {"zh": "电渗析"}, "summary": {"zh": "分盐"}} | said)


def test_legal_moves_are_those_of_the_lifecycle() -> None:
    legal = {(a, b) for a in Status for b in Status if b in domain.NEXT[a]}
    assert legal == {
        (Status.DRAFT, Status.SUBMITTED), (Status.DRAFT, Status.WITHDRAWN),
        (Status.SUBMITTED, Status.DRAFT), (Status.SUBMITTED, Status.PUBLISHED), (Status.SUBMITTED, Status.WITHDRAWN),
        (Status.PUBLISHED, Status.RESERVED), (Status.PUBLISHED, Status.WITHDRAWN),
        (Status.RESERVED, Status.PUBLISHED), (Status.RESERVED, Status.TRANSACTED),
    }  # fmt: skip
    with pytest.raises(IllegalMove):
        domain.move(Status.RESERVED, Status.WITHDRAWN)


def test_a_table_of_moves_with_a_hole_is_refused_at_import() -> None:
    with pytest.raises(ValueError, match="no row"):
        domain.validate_moves({Status.DRAFT: frozenset()})
    with pytest.raises(ValueError, match="nothing leads to"):
        domain.validate_moves(dict.fromkeys(Status, frozenset()))


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"title": {"en": " "}}, TitleMissing),
        ({"title": {"en": "x" * 301}}, BadText),
        ({"summary": {"zh": "a\x00b"}}, BadText),
        ({"details": {"note": "a\x00b"}}, BadText),
        ({"keywords": {"en": ["a\x00b"]}}, BadText),
        ({"region": "a\\\x00b"}, BadText),
        ({"details": {"many": ["x" * 1000] * 500}}, TooLong),
        ({"price": {"mode": "barter"}}, BadPrice),
        ({"price": {"currency": "XYZ"}}, BadPrice),
        ({"price": {"min_minor": 2, "max_minor": 1}}, BadPrice),
        ({"price": {"min_minor": -1}}, BadPrice),
        ({"details": {"ip_status": "pending"}}, BadDetails),
        ({"kind": "capital", "details": {"ticket_min_minor": -1}}, BadDetails),
        ({"kind": "service", "details": {"agency_kind": "magic"}}, BadDetails),
        ({"kind": "capital", "trl": 5}, NotForThisKind),
        ({"kind": "capital", "transfer_modes": ["equity"]}, NotForThisKind),
    ],
)
def test_what_a_listing_says_is_checked(said: dict[str, Any], refusal: type[Refused]) -> None:
    with pytest.raises(refusal) as error:
        domain.check(content(**said))
    assert error.value.say("zh")
    assert error.value.say("en")


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**30, "\ud800"])
def test_details_are_what_json_carries_unchanged(value: object) -> None:
    with pytest.raises(ValidationError):
        content(details={"note": [value]})


def test_a_text_that_speaks_of_an_escape_is_not_one() -> None:
    domain.check(content(details={"note": "\\u0000"}))


def test_fields_nobody_defined_are_kept_in_details() -> None:
    said = content(details={"ip_status": "granted", "inventors": 5, "booth": {"hall": "B"}})
    domain.check(said)
    assert said.details["booth"] == {"hall": "B"}


def test_publishing_in_one_go_takes_an_officer_and_something_to_read() -> None:
    assert domain.status_after_put(OFFICER, None, None, content(), publish=True) is Status.PUBLISHED
    assert domain.status_after_put(MEMBER, None, None, content(), publish=False) is Status.DRAFT
    with pytest.raises(OfficerNeeded):
        domain.status_after_put(MEMBER, None, None, content(), publish=True)
    with pytest.raises(Incomplete):
        domain.status_after_put(OFFICER, None, None, content(summary={}), publish=True)


def test_an_edit_takes_a_submission_back_and_keeps_a_publication_by_an_officer() -> None:
    before, after = content(), content(trl=4)
    for status, who, result in [
        (Status.DRAFT, MEMBER, Status.DRAFT),
        (Status.SUBMITTED, MEMBER, Status.DRAFT),
        (Status.PUBLISHED, OFFICER, Status.PUBLISHED),
    ]:
        assert domain.status_after_put(who, status, before, after, publish=False) is result
    with pytest.raises(PublishedNeedsOfficer):
        domain.edited(Status.PUBLISHED, before, after, MEMBER)
    for status in (Status.RESERVED, Status.TRANSACTED, Status.WITHDRAWN):
        with pytest.raises(NotEditable):
            domain.edited(status, before, after, OFFICER)
        assert domain.status_after_put(OFFICER, status, before, before, publish=True) is status


def test_what_the_alliance_has_read_stays_public_and_a_kind_stays_a_kind() -> None:
    with pytest.raises(Fixed):
        domain.edited(Status.PUBLISHED, content(), content(tier="center"), OFFICER)
    with pytest.raises(Fixed):
        domain.edited(Status.DRAFT, content(), content(kind="demand"), OFFICER)
    assert domain.edited(Status.PUBLISHED, content(tier="center"), content(), OFFICER) is Status.PUBLISHED


def test_the_alliance_knows_what_is_public_and_was_published() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    known = [domain.alliance_knows(tier, when) for tier in Tier for when in (None, at)]
    assert known == [False, True, False, False]


def test_members_see_their_own_and_what_is_offered() -> None:
    assert [status for status in Status if domain.sees(MEMBER, "org_2", status)] == [Status.PUBLISHED, Status.RESERVED]
    assert all(domain.sees(MEMBER, "org_1", status) and domain.sees(AUDITOR, "org_2", status) for status in Status)


def test_a_withdrawal_says_why() -> None:
    assert domain.check_reason(" sold elsewhere ") == "sold elsewhere"
    with pytest.raises(ReasonMissing):
        domain.check_reason("  ")


@pytest.mark.parametrize(
    ("status", "facts", "refusal"),
    [
        (Status.PUBLISHED, {}, None),
        (Status.PUBLISHED, {"known": False, "own_deal": True}, None),
        (Status.PUBLISHED, {"known": False}, UnknownListing),
        (Status.PUBLISHED, {"is_sellers": False}, WrongSeller),
        (Status.RESERVED, {"held": True}, HeldForAnother),
        (Status.WITHDRAWN, {}, NotOffered),
    ],
)
def test_one_deal_at_a_time_reserves_what_is_published(
    status: Status, facts: dict[str, bool], refusal: type[Refused] | None
) -> None:
    given = {"known": True, "held": False, "own_deal": False, "is_sellers": True} | facts
    if refusal is None:
        domain.check_reservable(status, **given)
        return
    with pytest.raises(refusal):
        domain.check_reservable(status, **given)


def test_the_digest_tells_contents_and_organisations_apart_and_survives_storage() -> None:
    said = content(deadline="2026-12-31", price={"min_minor": 5}, details={"rate": 0.5})
    again = Content.model_validate(said.canonical())
    assert digest(said, "org_1") == digest(again, "org_1")
    assert len({digest(said, "org_1"), digest(said, "org_2"), digest(content(), "org_1")}) == 3
