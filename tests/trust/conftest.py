"""The committed vectors as objects. Every test works on the same three centers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.trust import SEAL_ALG, Directory, Keyring, Pins, SealKey, SigningKey, read_entry


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    """vectors.json as it was committed."""
    content: dict[str, Any] = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="session")
def directory(vectors: dict[str, Any]) -> Directory:
    """Two hubs and east, version 1 each."""
    entries = [read_entry(entry) for entry in vectors["directory"]["entries"]]
    return Directory.empty(Pins.model_validate(vectors["pins"])).merge_all(entries)


@pytest.fixture(scope="session")
def now() -> datetime:
    """An hour after the vectors were spoken."""
    return datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(scope="session")
def key_of(vectors: dict[str, Any]) -> Callable[[str], SigningKey]:
    """The test signing key of a kid."""
    return lambda kid: SigningKey(kid=kid, alg="Ed25519", private=vectors["private_keys"][kid])


@pytest.fixture(scope="session")
def keyring_of(
    vectors: dict[str, Any], directory: Directory, key_of: Callable[[str], SigningKey]
) -> Callable[[str], Keyring]:
    """The escrow keyring of a center."""

    def keyring(center: str) -> Keyring:
        kid = f"{center}/seal/1"
        listed = directory.find_key(kid)
        assert listed is not None
        seal_key = SealKey(kid=kid, alg=SEAL_ALG, public=listed.public, private=vectors["private_keys"][kid])
        return Keyring(center, "escrow", key_of(f"{center}/escrow/1"), {kid: seal_key}, lambda: directory)

    return keyring
