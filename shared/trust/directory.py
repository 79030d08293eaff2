"""The directory: who is in the alliance, with which keys, as one reader knows it. An immutable snapshot, no I/O.

A version counts when both hubs' root keys, pinned from a file, signed it and, from version 2 on, a root key of the
center's previous version did too. Readers merge by version; a conflict is refused and shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce

from pydantic import BaseModel, ConfigDict, model_validator

from shared.trust.encoding import from_b64url
from shared.trust.entries import ROOT, SEAL_ALG, CenterEntry, KeyEntry, Revocation, read_kid
from shared.trust.refusals import (
    CenterSignatureMissing,
    ChainBroken,
    DirectoryConflict,
    HubNotPinned,
    HubSignatureMissing,
    KeyForgotten,
    NoSealKey,
)
from shared.trust.signing import SUITES, signature_fits

__all__ = ["CenterEntry", "Directory", "KeyEntry", "PinnedKey", "Pins", "Revocation"]


class PinnedKey(BaseModel):
    """A hub's root public key, known before and outside the directory."""

    model_config = ConfigDict(frozen=True)

    kid: str
    alg: str
    public: str
    """raw public key, base64url without padding"""

    @model_validator(mode="after")
    def _is_a_root_key(self) -> PinnedKey:
        if read_kid(self.kid).service != ROOT or self.alg not in SUITES:
            raise ValueError(f"{self.kid} ({self.alg}) is not a root key that can be verified here")
        if len(from_b64url(self.public)) != SUITES[self.alg].public_size:
            raise ValueError(f"{self.kid} is not a key of {self.alg}")
        return self


class Pins(BaseModel):
    """Root keys of the hubs. Several per hub while one replaces the other; any of them speaks for the hub."""

    model_config = ConfigDict(frozen=True)

    hubs: dict[str, tuple[PinnedKey, ...]]


@dataclass(frozen=True, slots=True)
class Directory:
    """`centers` holds the latest version of each center. Make one with `Directory.empty(pins)` and `merge`."""

    pins: Pins
    centers: Mapping[str, CenterEntry]
    _keys: Mapping[str, KeyEntry] = field(repr=False, compare=False)
    _revocations: Mapping[str, Revocation] = field(repr=False, compare=False)

    @classmethod
    def empty(cls, pins: Pins) -> Directory:
        """Knows the hubs' root keys and nobody yet."""
        return cls(pins, {}, {}, {})

    @property
    def hubs(self) -> tuple[str, ...]:
        """The pinned hubs, sorted."""
        return tuple(sorted(self.pins.hubs))

    def find_key(self, kid: str) -> KeyEntry | None:
        """Also keys that are retired, expired or revoked: ask `valid_at` and `find_revocation`."""
        return self._keys.get(kid)

    def find_revocation(self, kid: str) -> Revocation | None:
        """None: the key is not revoked."""
        return self._revocations.get(kid)

    def seal_key(self, center: str, at: datetime) -> KeyEntry:
        """The newest seal key of `center` that is neither retired nor revoked at that time. Raises NoSealKey."""
        entry = self.centers.get(center)
        usable = [
            key
            for key in (entry.keys if entry else ())
            if key.use == "seal" and key.alg == SEAL_ALG and self.in_force(key) and key.valid_at(at)
        ]
        if not usable:
            raise NoSealKey(center=center)
        return max(usable, key=lambda key: key.valid_from)

    def merge(self, entry: CenterEntry) -> Directory:
        """The directory with this version: itself if it is no news, else a new one. Raises DirectoryRefused."""
        held = self.centers.get(entry.center)
        if held is not None and entry.version < held.version:
            return self
        self._check_role(entry)
        self._check_hub_signatures(entry)
        if held is None:
            _check_center_signature(entry, entry)
        elif entry.version > held.version:
            self._check_successor(held, entry)
        elif entry.canonical() != held.canonical():
            raise DirectoryConflict(center=entry.center, version=entry.version)
        else:
            return self
        return self._with(entry)

    def merge_all(self, entries: Iterable[CenterEntry]) -> Directory:
        """Merge in the given order."""
        return reduce(Directory.merge, entries, self)

    def in_force(self, key: KeyEntry) -> bool:
        """Neither retired nor revoked; says nothing of its dates."""
        return not key.retired and key.kid not in self._revocations

    def _with(self, entry: CenterEntry) -> Directory:
        centers = {**self.centers, entry.center: entry}
        keys = {key.kid: key for each in centers.values() for key in each.keys}
        revocations = {one.kid: one for each in centers.values() for one in each.revocations}
        return Directory(self.pins, centers, keys, revocations)

    def _check_role(self, entry: CenterEntry) -> None:
        if (entry.role == "hub") != (entry.center in self.pins.hubs):
            raise HubNotPinned(center=entry.center, role=entry.role)

    def _check_hub_signatures(self, entry: CenterEntry) -> None:
        for hub, pinned in sorted(self.pins.hubs.items()):
            if not any(_signed_by(entry, key) for key in pinned):
                raise HubSignatureMissing(center=entry.center, version=entry.version, hub=hub)

    def _check_successor(self, held: CenterEntry, entry: CenterEntry) -> None:
        """A skipped version (compaction may drop one) breaks no chain, but a root key known here must have signed."""
        if entry.version == held.version + 1 and entry.previous != held.digest():
            raise ChainBroken(center=entry.center, version=entry.version)
        _check_center_signature(held, entry)
        _check_nothing_forgotten(held, entry)


def _check_center_signature(trusted: CenterEntry, entry: CenterEntry) -> None:
    """A root key of `trusted`, the version held before, signed `entry`; version 1 rests on the hubs alone.

    A reader who begins with a later version takes the hubs' word for its root keys and wants one to sign.
    """
    if entry.version == 1:
        return
    revoked = {revocation.kid for revocation in trusted.revocations}
    roots = [key for key in trusted.keys if key.service == ROOT and key.kid not in revoked]
    if trusted is not entry:
        roots = [key for key in roots if not key.retired]
    if not any(_signed_by(entry, key) for key in roots):
        raise CenterSignatureMissing(center=entry.center, version=entry.version)


def _check_nothing_forgotten(held: CenterEntry, entry: CenterEntry) -> None:
    """Keys stay listed and keep their meaning; they may only end. Revocations stay and may only become narrower."""
    keys = {key.kid: key for key in entry.keys}
    for old in held.keys:
        new = keys.get(old.kid)
        if new is None or _lasting(new) != _lasting(old) or (old.retired and not new.retired):
            raise KeyForgotten(center=entry.center, version=entry.version, kid=old.kid)
    revocations = {revocation.kid: revocation.last_sequence for revocation in entry.revocations}
    for before in held.revocations:
        after = revocations.get(before.kid)
        if after is None or any(last > before.last_sequence.get(topic, -1) for topic, last in after.items()):
            raise KeyForgotten(center=entry.center, version=entry.version, kid=before.kid)


def _lasting(key: KeyEntry) -> tuple[object, ...]:
    return key.use, key.alg, key.public, key.valid_from


def _signed_by(entry: CenterEntry, key: KeyEntry | PinnedKey) -> bool:
    if key.alg not in SUITES:
        return False
    message = entry.signing_input()
    return any(
        signature_fits(key.alg, key.public, message, raw)
        for signature in entry.signatures
        if signature.kid == key.kid and (raw := _raw(signature.sig)) is not None
    )


def _raw(sig: str) -> bytes | None:
    try:
        return from_b64url(sig)
    except ValueError:
        return None
