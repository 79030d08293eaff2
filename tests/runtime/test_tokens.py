"""Tokens: whom they let in, and what keeps them out."""

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from shared.http.people import NoToken, OtherCenter, Tokens
from shared.trust import load_issuer_key
from tests.fixtures import center_of


@pytest.fixture
def tokens(trust: Any) -> Tokens:
    return Tokens(center_of(trust, "east", "listing"))


def made(tokens: Tokens, *, center: str = "east", alg: str = "ES256", key: Any = None, **changed: Any) -> str:
    issuer = load_issuer_key(tokens.center.settings.trust, center)
    claims = {"iss": issuer.issuer, "sub": "alice", "ctta_center": center, "exp": int(time.time()) + 60}
    claims = {name: value for name, value in (claims | changed).items() if value is not None}
    header = {"alg": alg, "kid": issuer.jwk["kid"]}
    return jwt.encode(header, claims, key or ECKey.import_key(issuer.jwk))


def test_a_good_token_names_a_person_with_known_roles_only(tokens: Tokens) -> None:
    person = tokens.person(made(tokens, roles=["officer", "emperor"]))
    assert (person.subject, person.roles) == ("alice", frozenset({"officer"}))


def test_roles_that_are_no_list_are_none(tokens: Tokens) -> None:
    assert tokens.person(made(tokens, roles="officer")).roles == frozenset()


WRONG: dict[str, dict[str, Any]] = {
    "expired": {"exp": 1},
    "without an end": {"exp": None},
    "without a subject": {"sub": None},
    "of an unknown issuer": {"iss": "https://elsewhere"},
    "of an issuer that is no text": {"iss": ["a"]},
    "not valid yet": {"nbf": int(time.time()) + 3600},
    "of another center's issuer": {"center": "south"},
    "signed with a shared secret": {"alg": "HS256", "key": OctKey.import_key("x" * 40)},
    "signed by another key": {"key": ECKey.generate_key("P-256")},
}


@pytest.mark.parametrize("what", sorted(WRONG))
def test_a_token_is_refused(tokens: Tokens, what: str) -> None:
    with pytest.raises(NoToken):
        tokens.person(made(tokens, **WRONG[what]))


def test_a_token_for_another_center_is_sent_there(tokens: Tokens) -> None:
    with pytest.raises(OtherCenter):
        tokens.person(made(tokens, ctta_center="south"))


def test_a_new_key_of_an_issuer_is_learnt_without_a_restart(tokens: Tokens) -> None:
    token = made(tokens)
    tokens.person(token)
    tokens._issuers, tokens._read_at = {name: type(keys)([]) for name, keys in tokens._issuers.items()}, 0.0
    assert tokens.person(token).subject == "alice"
