"""Rules of organisations, without any server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.listing.organisation import domain
from services.listing.organisation.domain import (
    CREDIT_CODE_ALPHABET,
    BadCreditCode,
    BadText,
    NameMissing,
    NotYours,
    OrganisationContent,
    credit_code_check,
    is_credit_code,
)
from shared.schemas.base import Text
from tests.listing.people import AUDITOR, MANAGER, OFFICER, member


def content(**said: object) -> OrganisationContent:
    return OrganisationContent.model_validate({"kind": "company", "name": {"en": "Acme"}} | said)


def test_published_credit_codes_are_valid() -> None:
    assert is_credit_code("91350100M000100Y43")  # the example of GB 32100-2015
    assert is_credit_code("91110000802100433B")


@pytest.mark.parametrize(
    "code",
    ["", "91350100M000100Y4", "91350100M000100Y44", "91350100m000100y43", "9135010IM000100Y43", "９1350100M000100Y43"],
)
def test_wrong_credit_codes_are_refused(code: str) -> None:
    assert not is_credit_code(code)
    with pytest.raises(BadCreditCode):
        domain.check(content(uscc=code))


@given(
    st.text(CREDIT_CODE_ALPHABET, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from(CREDIT_CODE_ALPHABET)
)
def test_the_check_character_finds_every_single_wrong_character(body: str, place: int, other: str) -> None:
    code = body + credit_code_check(body)
    assert is_credit_code(code)
    if body[place] != other:
        assert not is_credit_code(body[:place] + other + body[place + 1 :] + code[17])


def test_a_name_in_one_language_suffices_and_none_does_not() -> None:
    domain.check(content(name={"zh": "燕麓医科大学"}))
    with pytest.raises(NameMissing):
        domain.check(content(name={"zh": "  "}))
    with pytest.raises(BadText):
        domain.check(content(name=Text(en="a\x00b")))


def test_members_act_for_their_own_organisation_only() -> None:
    domain.check_may_act(member("org_1"), "org_1")
    domain.check_may_act(OFFICER, "org_1")
    domain.check_may_act(MANAGER, "org_1")
    for who in (member("org_2"), AUDITOR):
        with pytest.raises(NotYours):
            domain.check_may_act(who, "org_1")
