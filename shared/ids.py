"""Ids: UUIDv7, with a prefix that says what they name. An id derived from its cause is the same at every repeat."""

from hashlib import sha256
from typing import Final
from uuid import UUID

from uuid_utils import uuid7

PREFIXES: Final = {
    "org": "organisation", "lst": "listing", "mat": "match", "int": "interest", "dea": "deal", "trf": "transfer",
    "sub": "subscription", "ntc": "notice", "imp": "import",
}  # fmt: skip


def new_uuid() -> UUID:
    """A fresh UUIDv7."""
    return UUID(int=uuid7().int)


def derived_uuid(cause: UUID, name: str) -> UUID:
    """A UUIDv7 that keeps the time of `cause` and takes its other bits from the cause and `name`."""
    digest = int.from_bytes(sha256(cause.bytes + name.encode()).digest()[:16], "big")
    bits = (cause.int >> 80 << 80) | (digest & ((1 << 80) - 1))
    bits = bits & ~(0xF << 76) | (0x7 << 76)
    return UUID(int=bits & ~(0x3 << 62) | (0x2 << 62))


def new_id(prefix: str) -> str:
    """A fresh id such as `dea_0198...`; `prefix` is one of PREFIXES."""
    return f"{prefix}_{uuid7().hex}"


def derived_id(prefix: str, cause: UUID | str, name: str = "") -> str:
    """The id of something a reaction makes; `cause` is the event's id or another prefixed id."""
    uuid = cause if isinstance(cause, UUID) else UUID(hex=cause.rsplit("_", 1)[-1])
    return f"{prefix}_{derived_uuid(uuid, prefix + ':' + name).hex}"
