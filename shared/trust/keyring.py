"""What one process of one center holds: its signing key, its center's seal keys, and where the directory is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.trust.directory import Directory
from shared.trust.signing import SigningKey


@dataclass(frozen=True, slots=True)
class SealKey:
    """A private X25519 key of a center. `private` is raw, base64url without padding, and never shows in a repr."""

    kid: str
    alg: str
    public: str
    private: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """`directory()` gives the snapshot of now: ask once per batch. `seal_keys`, by kid, includes retired ones."""

    center: str
    service: str
    signing_key: SigningKey
    seal_keys: Mapping[str, SealKey]
    directory: Callable[[], Directory]

    @property
    def source(self) -> str:
        """`ce_source` of everything this process says."""
        return f"/centers/{self.center}/{self.service}"
