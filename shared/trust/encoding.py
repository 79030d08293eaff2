"""The two encodings trust uses: unpadded base64url (RFC 4648 section 5) and netstrings."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable


def to_b64url(raw: bytes) -> str:
    """Without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_b64url(text: str) -> bytes:
    """Strict: ValueError on padding, foreign characters or stray bits, so that bytes have exactly one spelling."""
    raw = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if to_b64url(raw) != text:
        raise ValueError("not canonical base64url")
    return raw


def netstrings(parts: Iterable[bytes]) -> bytes:
    """`<decimal length>:<bytes>,` one after the other: no part can run into the next."""
    return b"".join([b"%d:%b," % (len(part), part) for part in parts])
