"""What the directory is made of: keys, revocations, and one signed, versioned entry per center. Frozen models, no I/O.

Fields unknown here are kept and signed over, so an entry written by a newer center still verifies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.trust.encoding import from_b64url, netstrings, to_b64url
from shared.trust.refusals import EntryBroken
from shared.trust.signing import SUITES, SigningKey

ENTRY_MAGIC = b"ctta-directory-v1"
SEAL_ALG = "ECDH-ES+A256KW"
SEAL_PUBLIC_SIZE = 32
"""bytes of an X25519 public key"""
ROOT = "root"
SEAL = "seal"
_NAME = r"[a-z0-9][a-z0-9-]*"
_KID = re.compile(rf"({_NAME})/({_NAME})/([1-9][0-9]*)")


class Kid(NamedTuple):
    """`<center>/<service>/<n>`; the services `root` and `seal` are reserved for a center's root and seal keys."""

    center: str
    service: str
    number: int


def read_kid(kid: str) -> Kid:
    """ValueError: not a kid."""
    found = _KID.fullmatch(kid)
    if found is None:
        raise ValueError(f"not a key id: {kid!r}")
    return Kid(found[1], found[2], int(found[3]))


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class KeyEntry(_Model):
    """A public key, valid from `valid_from` (inclusive) to `valid_to` (exclusive). Retired keys stay listed."""

    kid: str
    service: str
    use: Literal["sign", "seal"]
    alg: str
    public: str
    """raw public key, base64url without padding"""
    valid_from: AwareDatetime
    valid_to: AwareDatetime | None = None
    retired: bool = False

    @model_validator(mode="after")
    def _is_consistent(self) -> KeyEntry:
        if read_kid(self.kid).service != self.service or (self.service == SEAL) != (self.use == "seal"):
            raise ValueError(f"{self.kid} does not fit service {self.service} and use {self.use}")
        expected = (
            SEAL_PUBLIC_SIZE if self.alg == SEAL_ALG else SUITES[self.alg].public_size if self.alg in SUITES else 0
        )
        size = len(from_b64url(self.public))
        if expected and size != expected:
            raise ValueError(f"{self.kid} has {size} bytes where {self.alg} has {expected}")
        if self.retired and self.valid_to is None:
            raise ValueError(f"{self.kid} is retired without an end of its validity")
        return self

    def valid_at(self, time: datetime) -> bool:
        """`time` is timezone-aware."""
        return self.valid_from <= time and (self.valid_to is None or time < self.valid_to)


class Revocation(_Model):
    """What a revoked key may still vouch for: per topic the last valid `ce_sequence`; on other topics nothing."""

    kid: str
    last_sequence: dict[str, int] = Field(default_factory=dict)


class CenterName(_Model):
    """What people call a center."""

    zh: str
    en: str


class EntrySignature(_Model):
    """`by` is the center whose root key `kid` made `sig` (base64url) over the entry's signing input."""

    by: str
    kid: str
    sig: str


class CenterEntry(_Model):
    """One version of one center. Immutable once signed; a change is the next version, chained by `previous`."""

    center: str = Field(pattern=f"^{_NAME}$")
    name: CenterName
    role: Literal["hub", "spoke"]
    version: int = Field(ge=1)
    jurisdiction: str
    """ISO 3166-1 alpha-2, as in CN"""
    keys: tuple[KeyEntry, ...]
    revocations: tuple[Revocation, ...] = ()
    previous: str | None = None
    """SHA-256 (hex) of the canonical body of the version before; None in version 1 only"""
    signatures: tuple[EntrySignature, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> CenterEntry:
        kids = [key.kid for key in self.keys]
        if len(set(kids)) != len(kids) or any(read_kid(kid).center != self.center for kid in kids):
            raise ValueError(f"keys of {self.center} must be distinct and its own")
        if not {revocation.kid for revocation in self.revocations} <= set(kids):
            raise ValueError(f"{self.center} revokes a key that it does not list")
        if (self.version == 1) != (self.previous is None):
            raise ValueError("previous is absent in version 1 and only there")
        return self

    def canonical(self) -> bytes:
        """The signed body: JSON without `signatures` and without what equals its default, names sorted, no blanks."""
        body = self.model_dump(mode="json", exclude={"signatures"}, exclude_defaults=True)
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)

    def digest(self) -> str:
        """SHA-256 of the canonical body in hex: what the next version names as `previous`."""
        return sha256(self.canonical()).hexdigest()

    def signing_input(self) -> bytes:
        """What root keys sign; begins with another magic word than a record's, so neither passes for the other."""
        return netstrings((ENTRY_MAGIC, sha256(self.canonical()).digest()))

    def signed(self, by: Iterable[SigningKey]) -> CenterEntry:
        """This entry with exactly the signatures of these root keys."""
        message = self.signing_input()
        signatures = (
            EntrySignature(by=read_kid(key.kid).center, kid=key.kid, sig=to_b64url(key.sign(message))) for key in by
        )
        return self.model_copy(update={"signatures": tuple(signatures)})

    def to_json(self) -> dict[str, Any]:
        """As files and the directory topic carry it: the canonical body plus signatures."""
        return self.model_dump(mode="json", exclude_defaults=True)


def read_entry(data: object) -> CenterEntry:
    """An entry from parsed JSON. Raises EntryBroken."""
    try:
        return CenterEntry.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise EntryBroken(why=f"{where}: {first['msg']}" if where else first["msg"]) from error
