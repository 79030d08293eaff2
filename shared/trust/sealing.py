"""Sealed bodies: JWE (RFC 7516) in general JSON serialisation, ECDH-ES+A256KW over X25519 and A256GCM.

Sealed to the peer and to oneself; the protected header binds source, event id and audience, which are checked against
the outer, signed envelope, so nobody can pass another's ciphertext as his own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NoReturn

import orjson
from joserfc.errors import JoseError
from joserfc.jwe import GeneralJSONEncryption, JWERegistry, decrypt_json, encrypt_json
from joserfc.jwk import OKPKey
from joserfc.registry import HeaderParameter

from shared.trust.encoding import from_b64url
from shared.trust.entries import SEAL_ALG, KeyEntry
from shared.trust.keyring import Keyring, SealKey
from shared.trust.refusals import NotForUs, SealBroken, SealMismatch
from shared.trust.signing import KEYS_CACHED_MAX

SEALED_TYPE = "ctta-sealed-v1"
SEALED_CONTENT_TYPE = "application/jose+json"
ENC = "A256GCM"
BOUND = ("src", "id", "aud")
"""protected header fields that tie the ciphertext to its envelope"""
BODY_BYTES_MAX = 4 * 1024 * 1024
"""Above any broker's record limit in use; joserfc's own limit is 64 KiB."""


def _is_str(value: object) -> None:
    if not isinstance(value, str):
        raise ValueError("must be a str")


class _Registry(JWERegistry):
    max_ciphertext_length = BODY_BYTES_MAX * 4 // 3 + 4


_REGISTRY = _Registry(
    algorithms=[SEAL_ALG, ENC],
    header_registry={name: HeaderParameter(name, _is_str, True) for name in BOUND},
)


def seal(body: bytes, *, source: str, id: str, audience: str, to: Sequence[KeyEntry]) -> bytes:
    """The sealed body of event `id` by `source` (`ce_source`) for the center `audience`, for the owners of `to`.

    ValueError: no recipient, a key that is not for sealing, or a body beyond BODY_BYTES_MAX.
    """
    if not to or any(key.use != "seal" or key.alg != SEAL_ALG for key in to):
        raise ValueError("seal to at least one key, and to seal keys only")
    if len(body) > BODY_BYTES_MAX:
        raise ValueError(f"body of {len(body)} bytes, at most {BODY_BYTES_MAX}")
    token = GeneralJSONEncryption(_protected(source, id, audience), body)
    for key in to:
        token.add_recipient({"kid": key.kid}, _public_key(key.public))
    return orjson.dumps(encrypt_json(token, None, registry=_REGISTRY))


def open_sealed(token: bytes, *, source: str, id: str, audience: str, keyring: Keyring) -> bytes:
    """The body, if it was sealed for exactly this envelope and to a key held here.

    Raises SealBroken, SealMismatch (somebody else's ciphertext), NotForUs.
    """
    data, header = _read(token)
    for name, expected in _protected(source, id, audience).items():
        if header.get(name) == expected:
            continue
        if name in BOUND:
            raise SealMismatch(field=name)
        _broken(f"unknown {name}")
    recipient, key = _ours(data, keyring)
    try:
        ours: Any = {**data, "recipients": [recipient]}
        opened = decrypt_json(ours, _private_key(key), registry=_REGISTRY)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        _broken(type(error).__name__, error)
    return opened.plaintext if opened.plaintext is not None else b""


def _protected(source: str, id: str, audience: str) -> dict[str, Any]:
    return {"alg": SEAL_ALG, "enc": ENC, "typ": SEALED_TYPE, "src": source, "id": id, "aud": audience}


def _read(token: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        data = orjson.loads(token)
        header = orjson.loads(from_b64url(data["protected"]))
        kids = [recipient["header"]["kid"] for recipient in data["recipients"]]
    except (ValueError, KeyError, TypeError) as error:
        _broken("not a JWE in general JSON serialisation", error)
    if not isinstance(header, dict) or not all(isinstance(kid, str) for kid in kids):
        _broken("not a JWE in general JSON serialisation")
    return data, header


def _ours(data: dict[str, Any], keyring: Keyring) -> tuple[dict[str, Any], SealKey]:
    for recipient in data["recipients"]:
        key = keyring.seal_keys.get(recipient["header"]["kid"])
        if key is not None:
            return recipient, key
    raise NotForUs(kids=", ".join(recipient["header"]["kid"] for recipient in data["recipients"]) or "-")


def _broken(why: str, cause: Exception | None = None) -> NoReturn:
    raise SealBroken(why=why) from cause


def new_seal_key(kid: str) -> SealKey:
    """A fresh X25519 key from the system's randomness."""
    jwk = OKPKey.generate_key("X25519", private=True).as_dict(private=True)
    return SealKey(kid=kid, alg=SEAL_ALG, public=str(jwk["x"]), private=str(jwk["d"]))


@lru_cache(maxsize=KEYS_CACHED_MAX)
def _public_key(public: str) -> OKPKey:
    return OKPKey.import_key({"kty": "OKP", "crv": "X25519", "x": public})


@lru_cache(maxsize=KEYS_CACHED_MAX)
def _private_key(key: SealKey) -> OKPKey:
    return OKPKey.import_key({"kty": "OKP", "crv": "X25519", "x": key.public, "d": key.private})
