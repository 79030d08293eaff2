"""Signing of records: the input that is signed, and the one table of algorithms that may sign it.

Hot path (3,000 records a second): key objects are cached, the body is hashed and never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

import nacl.exceptions
import nacl.signing

from shared.trust.encoding import from_b64url, netstrings, to_b64url

SIGNATURE_HEADER = "ce_signature"
RECORD_MAGIC = b"ctta-signature-v1"
KEYS_CACHED_MAX = 4096

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes], bool]
"""(message, signature) -> does it fit."""


class Suite(NamedTuple):
    """One signature algorithm. Keys are raw bytes as the directory and key files carry them in base64url."""

    generate: Callable[[], tuple[bytes, bytes]]
    """() -> (private, public)"""
    public_size: int
    """in bytes"""
    public_of: Callable[[bytes], bytes]
    signer: Callable[[bytes], Sign]
    verifier: Callable[[bytes], Verify]


def _ed25519_generate() -> tuple[bytes, bytes]:
    key = nacl.signing.SigningKey.generate()
    return bytes(key), bytes(key.verify_key)


def _ed25519_signer(private: bytes) -> Sign:
    key = nacl.signing.SigningKey(private)
    return lambda message: key.sign(message).signature


def _ed25519_verifier(public: bytes) -> Verify:
    key = nacl.signing.VerifyKey(public)

    def verify(message: bytes, signature: bytes) -> bool:
        try:
            key.verify(message, signature)
        except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError):
            return False
        return True

    return verify


SUITES: Mapping[str, Suite] = {
    "Ed25519": Suite(
        generate=_ed25519_generate,
        public_size=32,
        public_of=lambda private: bytes(nacl.signing.SigningKey(private).verify_key),
        signer=_ed25519_signer,
        verifier=_ed25519_verifier,
    ),
}
"""Keyed by a key entry's `alg`. Another suite (SM2 with SM3) is one more line here and nothing elsewhere."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that speaks for `kid`. `private` is unpadded base64url and never shows in a repr."""

    kid: str
    alg: str
    private: str = field(repr=False)

    @property
    def public(self) -> str:
        """Unpadded base64url, as the directory lists it."""
        return to_b64url(SUITES[self.alg].public_of(from_b64url(self.private)))

    def sign(self, message: bytes) -> bytes:
        """The raw signature."""
        return _signer(self.alg, self.private)(message)


def new_signing_key(kid: str, alg: str = "Ed25519") -> SigningKey:
    """A fresh key from the system's randomness."""
    private, _public = SUITES[alg].generate()
    return SigningKey(kid=kid, alg=alg, private=to_b64url(private))


@lru_cache(maxsize=KEYS_CACHED_MAX)
def _signer(alg: str, private: str) -> Sign:
    return SUITES[alg].signer(from_b64url(private))


@lru_cache(maxsize=KEYS_CACHED_MAX)
def _verifier(alg: str, public: str) -> Verify:
    return SUITES[alg].verifier(from_b64url(public))


def signature_fits(alg: str, public: str, message: bytes, signature: bytes) -> bool:
    """Does `signature` fit `message` under the public key (base64url)? KeyError: no suite of that name here."""
    return _verifier(alg, public)(message, signature)


def signing_input(topic: str, key: bytes, headers: Mapping[str, str], body: bytes) -> bytes:
    """What is signed: netstrings of the magic word, topic, record key (a null key counts as empty), then name and value
    of `content-type` and every `ce_` header but the signature, sorted by name, last the SHA-256 of the body.

    Trace headers stay out: relays and mirrors may rewrite them.
    """
    parts = [RECORD_MAGIC, topic.encode(), key]
    for name in sorted(headers):
        if (name.startswith("ce_") and name != SIGNATURE_HEADER) or name == "content-type":
            parts += (name.encode(), headers[name].encode())
    parts.append(sha256(body).digest())
    return netstrings(parts)


def sign(signing_key: SigningKey, *, topic: str, key: bytes, headers: Mapping[str, str], body: bytes) -> str:
    """The value of `ce_signature`: `<kid>:<base64url signature without padding>`."""
    return f"{signing_key.kid}:{to_b64url(signing_key.sign(signing_input(topic, key, headers, body)))}"
