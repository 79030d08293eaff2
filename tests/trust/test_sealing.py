"""Sealed bodies: who can open them, and that nobody can pass another's as his own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from shared.trust import (
    Directory,
    KeyEntry,
    Keyring,
    NoSealKey,
    NotForUs,
    SealBroken,
    SealMismatch,
    SigningKey,
    Untrusted,
    open_sealed,
    seal,
    sign,
    verify,
)
from shared.trust.encoding import from_b64url, to_b64url

KeyringOf = Callable[[str], Keyring]
ENVELOPE = {"source": "/centers/east/escrow", "id": "0198c0de-0000-7000-8000-000000000008", "audience": "south"}


@pytest.fixture
def token(vectors: dict[str, Any]) -> bytes:
    """East to south, sealed to both."""
    body: str = vectors["records"][vectors["sealed"]["record"]]["body"]
    return body.encode()


def seal_key(directory: Directory, center: str) -> KeyEntry:
    """The listed one."""
    key = directory.find_key(f"{center}/seal/1")
    assert key is not None
    return key


@pytest.mark.parametrize("center", ["south", "east"])
def test_the_vector_opens(center: str, token: bytes, vectors: dict[str, Any], keyring_of: KeyringOf) -> None:
    assert open_sealed(token, **ENVELOPE, keyring=keyring_of(center)).decode() == vectors["sealed"]["body"]


@pytest.mark.parametrize("size", [0, 1, 100_000, 2_000_000])
def test_round_trip(size: int, directory: Directory, keyring_of: KeyringOf) -> None:
    body = b"x" * size
    token = seal(body, **ENVELOPE, to=[seal_key(directory, "south"), seal_key(directory, "east")])
    assert open_sealed(token, **ENVELOPE, keyring=keyring_of("south")) == body
    assert open_sealed(token, **ENVELOPE, keyring=keyring_of("east")) == body


def test_a_hub_carries_what_it_cannot_read(token: bytes, keyring_of: KeyringOf) -> None:
    with pytest.raises(NotForUs, match="south/seal/1"):
        open_sealed(token, **ENVELOPE, keyring=keyring_of("beijing"))


@pytest.mark.parametrize(
    ("name", "value"), [("source", "/centers/beijing/escrow"), ("id", "another"), ("audience", "beijing")]
)
def test_the_envelope_is_bound(name: str, value: str, token: bytes, keyring_of: KeyringOf) -> None:
    with pytest.raises(SealMismatch):
        open_sealed(token, **{**ENVELOPE, name: value}, keyring=keyring_of("south"))


def test_another_center_signing_a_sealed_body_anew_is_refused(
    token: bytes,
    vectors: dict[str, Any],
    directory: Directory,
    key_of: Callable[[str], SigningKey],
    keyring_of: KeyringOf,
    now: datetime,
) -> None:
    headers = {**vectors["records"][2]["headers"], "ce_source": "/centers/beijing/escrow"}
    record: dict[str, Any] = {
        "topic": "ctta.beijing.escrow.to.south",
        "key": b"deal-1",
        "headers": headers,
        "body": token,
    }
    headers["ce_signature"] = sign(key_of("beijing/escrow/1"), **record)
    verify(directory, **record, now=now)  # the envelope is beijing's own and authentic
    with pytest.raises(SealMismatch) as refusal:
        open_sealed(
            token, source=headers["ce_source"], id=headers["ce_id"], audience="south", keyring=keyring_of("south")
        )
    assert isinstance(refusal.value, Untrusted)


def test_the_protected_header_cannot_be_rewritten(token: bytes, keyring_of: KeyringOf) -> None:
    data = json.loads(token)
    header = {**json.loads(from_b64url(data["protected"])), "src": "/centers/beijing/escrow"}
    data["protected"] = to_b64url(json.dumps(header, separators=(",", ":")).encode())
    forged = json.dumps(data).encode()
    with pytest.raises(SealBroken):
        open_sealed(forged, **{**ENVELOPE, "source": "/centers/beijing/escrow"}, keyring=keyring_of("south"))


@pytest.mark.parametrize("part", ["iv", "ciphertext", "tag", "encrypted_key", "epk", "epk_type", "alg", "enc", "zip"])
def test_a_damaged_token_is_broken(part: str, token: bytes, keyring_of: KeyringOf) -> None:
    data = json.loads(token)
    recipient = data["recipients"][0]
    if part in ("alg", "enc", "zip"):
        header = {
            **json.loads(from_b64url(data["protected"])),
            part: {"alg": "dir", "enc": "A128GCM", "zip": "DEF"}[part],
        }
        data["protected"] = to_b64url(json.dumps(header, separators=(",", ":")).encode())
    elif part == "encrypted_key":
        recipient["encrypted_key"] = "A" + recipient["encrypted_key"][:0:-1]
    elif part == "epk":
        recipient["header"]["epk"]["x"] = to_b64url(bytes(32))
    elif part == "epk_type":
        recipient["header"]["epk"] = {"kty": "OKP", "crv": "Ed25519", "x": recipient["header"]["epk"]["x"]}
    else:
        data[part] = data[part][::-1]
    with pytest.raises(SealBroken):
        open_sealed(json.dumps(data).encode(), **ENVELOPE, keyring=keyring_of("south"))


@pytest.mark.parametrize(
    "token",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"protected":1,"recipients":[]}',
        b'{"protected":"e30","recipients":{}}',
        b'{"protected":"bnVsbA","recipients":[]}',
        b'{"protected":"e30","recipients":[{"header":{"kid":7}}]}',
    ],
)
def test_what_is_no_token_is_broken(token: bytes, keyring_of: KeyringOf) -> None:
    with pytest.raises((SealBroken, SealMismatch)):
        open_sealed(token, **ENVELOPE, keyring=keyring_of("south"))


def test_missing_parts_are_broken(token: bytes, keyring_of: KeyringOf) -> None:
    for part in ("iv", "ciphertext", "tag", "recipients", "protected"):
        data = json.loads(token)
        del data[part]
        with pytest.raises(SealBroken):
            open_sealed(json.dumps(data).encode(), **ENVELOPE, keyring=keyring_of("south"))
    data = json.loads(token)
    for recipient in data["recipients"]:
        del recipient["encrypted_key"]
    with pytest.raises(SealBroken):
        open_sealed(json.dumps(data).encode(), **ENVELOPE, keyring=keyring_of("south"))


def test_only_seal_keys_seal(directory: Directory) -> None:
    signing = directory.find_key("east/escrow/1")
    assert signing is not None
    for to in ([], [signing]):
        with pytest.raises(ValueError, match="seal"):
            seal(b"x", **ENVELOPE, to=to)


def test_the_directory_gives_the_seal_key_in_force(directory: Directory, now: datetime) -> None:
    assert directory.seal_key("south", now).kid == "south/seal/1"
    for center, at in (("south", datetime.fromisoformat("2025-01-01T00:00:00Z")), ("nowhere", now)):
        with pytest.raises(NoSealKey):
            directory.seal_key(center, at)
