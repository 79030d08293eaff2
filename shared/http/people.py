"""Who asks: a bearer token (OIDC) becomes a Person. Roles and organisation scope come from its claims."""

import time
from dataclasses import dataclass
from typing import Annotated, Any, Final

import orjson
from fastapi import Depends, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.center import Center
from shared.errors import Refused
from shared.trust import TrustError, load_issuers

ROLES: Final = ("member", "technology_manager", "officer", "operator", "auditor")
ALGORITHMS: Final = ["ES256", "EdDSA", "RS256"]
REREAD_S: Final = 5.0
"""How often tokens of unknown issuers or keys may make us read the issuers' file again."""


class NoToken(Refused):
    """No bearer token, or one that is not valid here."""

    rule = "token-required"
    status = 401
    en = "Send a valid bearer token: {why}."
    zh = "请提供有效的访问令牌：{why}。"


class RoleMissing(Refused):
    """The person's roles don't allow this."""

    rule = "role-missing"
    status = 403
    en = "This needs one of the roles: {roles}."
    zh = "此操作需要以下角色之一：{roles}。"


class OtherCenter(Refused):
    """The token is of another center."""

    rule = "other-center"
    status = 403
    en = "This token is for center {center}; ask there."
    zh = "该令牌属于中心 {center}，请在该中心办理。"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks: (issuer, subject) identifies; roles and organisation say what is allowed."""

    issuer: str
    subject: str
    name: str
    roles: frozenset[str]
    organisation_id: str | None
    center: str

    @property
    def id(self) -> str:
        """`issuer|subject`, as rows and events keep it."""
        return f"{self.issuer}|{self.subject}"

    def may(self, *roles: str) -> bool:
        """Whether the person has one of the roles."""
        return not self.roles.isdisjoint(roles)


class Tokens:
    """Checks tokens against the issuers of the center's trust folder."""

    def __init__(self, center: Center) -> None:
        self.center = center
        self._issuers: dict[str, KeySet] = {}
        self._read_at = -REREAD_S

    def person(self, token: str) -> Person:
        """The person a token speaks for. Raises NoToken, OtherCenter."""
        try:
            claims = jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims
            jwt.JWTClaimsRegistry(leeway=30, exp={"essential": True}, sub={"essential": True}).validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise NoToken(why=str(error) or type(error).__name__) from error
        center = str(claims.get("ctta_center", ""))
        if center != self.center.id:
            raise OtherCenter(center=center or "-")
        listed = claims.get("roles")
        return Person(
            issuer=str(claims["iss"]),
            subject=str(claims["sub"]),
            name=str(claims.get("name", "")),
            roles=frozenset(role for role in listed if role in ROLES) if isinstance(listed, list) else frozenset(),
            organisation_id=str(claims["organisation"]) if claims.get("organisation") else None,
            center=center,
        )

    def _keys(self, guest: Any) -> KeySet:
        claims = orjson.loads(guest.payload)
        issuer = claims.get("iss") if isinstance(claims, dict) else None
        if not isinstance(issuer, str):
            raise NoToken(why="it names no issuer")
        kid = guest.headers().get("kid")
        if self._find(issuer, kid) is None and time.monotonic() - self._read_at > REREAD_S:
            self._read()  # an issuer may be new, or have a new key
        keys = self._find(issuer, kid)
        if keys is None:
            raise NoToken(why=f"issuer {issuer} or its key {kid} is not known here")
        return keys

    def _find(self, issuer: str, kid: Any) -> KeySet | None:
        keys = self._issuers.get(issuer)
        return keys if keys is not None and any(key.kid == kid for key in keys.keys) else None

    def _read(self) -> None:
        try:
            known = load_issuers(self.center.settings.trust)
        except TrustError as error:
            raise NoToken(why=str(error)) from error
        self._read_at = time.monotonic()
        self._issuers = {
            name: KeySet.import_key_set({"keys": list(one.jwks["keys"])})
            for name, one in known.items()
            if one.center == self.center.id
        }


def person(request: Request) -> Person:
    """The caller. Raises NoToken."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NoToken(why="header Authorization: Bearer <token>")
    tokens: Tokens = request.app.state.tokens
    found = tokens.person(token.strip())
    request.state.person = found
    return found


Caller = Annotated[Person, Depends(person)]


def require(*roles: str) -> Any:
    """A dependency: the caller has one of the roles."""

    def check(who: Caller) -> Person:
        if not who.may(*roles):
            raise RoleMissing(roles=", ".join(roles))
        return who

    return Depends(check)
