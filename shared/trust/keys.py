"""The trust folder of a process: pins, directory, private keys, token issuers. The only I/O of this package.

    pins.json  directory.json  issuers.json            public
    keys/<center>/<service>.json  seal.json  root.json  issuer.json    private, mode 0600

A center's machines hold their own `keys/<center>/` and never another's; `root.json` belongs in custody, off line.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.trust.directory import Directory, Pins
from shared.trust.encoding import from_b64url
from shared.trust.entries import ROOT, SEAL, CenterEntry
from shared.trust.files import read_file
from shared.trust.keyring import Keyring, SealKey
from shared.trust.refusals import KeyNotListed, TrustError
from shared.trust.signing import SUITES, SigningKey

log = logging.getLogger(__name__)

Jwk = dict[str, str | list[str]]
"""RFC 7517, as joserfc takes it"""


class PrivateKey(BaseModel):
    """A private key in a file; raw bytes in base64url without padding."""

    model_config = ConfigDict(frozen=True)

    kid: str
    alg: str
    public: str
    private: str = Field(repr=False)

    @model_validator(mode="after")
    def _is_a_pair(self) -> PrivateKey:
        private = from_b64url(self.private)
        if self.alg in SUITES and SUITES[self.alg].public_of(private) != from_b64url(self.public):
            raise ValueError(f"the private key of {self.kid} is not that of its public key")
        return self


class KeyFile(BaseModel):
    """Keys of one center and service, oldest first; the last one that the directory lists is the one in use."""

    notice: str
    keys: tuple[PrivateKey, ...] = Field(min_length=1)


class DirectoryContent(BaseModel):
    """`directory.json`: every version of every center, in the order in which they were merged."""

    entries: tuple[CenterEntry, ...]


class Issuer(BaseModel):
    """A development token issuer, public: `issuer` is the `iss` of its tokens, `jwks` an RFC 7517 key set."""

    model_config = ConfigDict(frozen=True)

    center: str
    issuer: str
    jwks: dict[str, list[Jwk]]


class IssuersContent(BaseModel):
    """`issuers.json`."""

    issuers: tuple[Issuer, ...]


class IssuerKey(BaseModel):
    """A development token issuer, private: `jwk` signs ES256 tokens and carries its `kid`."""

    model_config = ConfigDict(frozen=True)

    notice: str
    center: str
    issuer: str
    jwk: Jwk = Field(repr=False)


def pins_path(trust_dir: Path) -> Path:
    """Root keys of the hubs; comes to a center by hand, never through the directory."""
    return trust_dir / "pins.json"


def directory_path(trust_dir: Path) -> Path:
    """Signed entries."""
    return trust_dir / "directory.json"


def issuers_path(trust_dir: Path) -> Path:
    """Public keys of the development token issuers."""
    return trust_dir / "issuers.json"


def key_path(trust_dir: Path, center: str, service: str) -> Path:
    """A private key file; `service` may also be root, seal or issuer."""
    return trust_dir / "keys" / center / f"{service}.json"


def load_entries(trust_dir: Path) -> tuple[CenterEntry, ...]:
    """Every version in `directory.json`, unverified, in merge order: what a hub publishes on its directory topic."""
    return read_file(directory_path(trust_dir), DirectoryContent).entries


def load_directory(trust_dir: Path) -> Directory:
    """Pins and entries, verified. Raises DirectoryRefused as well as the refusals of files."""
    pins = read_file(pins_path(trust_dir), Pins)
    return Directory.empty(pins).merge_all(load_entries(trust_dir))


class DirectoryFile:
    """A directory provider over `directory.json`: takes what is new in it whenever it changes."""

    def __init__(self, trust_dir: Path) -> None:
        self._trust_dir = trust_dir
        self._stamp = self._read_stamp()
        self._directory = load_directory(trust_dir)

    def __call__(self) -> Directory:
        """The snapshot of now; costs one stat. What is refused is logged once, the last good version of it stays."""
        stamp = self._read_stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._merge(load_entries(self._trust_dir))
            except TrustError as refusal:
                log.error("directory not read (%s): %s", refusal.rule, refusal)
        return self._directory

    def _merge(self, entries: Iterable[CenterEntry]) -> None:
        for entry in entries:
            try:
                self._directory = self._directory.merge(entry)
            except TrustError as refusal:
                log.error("directory change refused (%s): %s", refusal.rule, refusal)

    def _read_stamp(self) -> tuple[int, int] | None:
        try:
            stat = directory_path(self._trust_dir).stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ino


def load_keyring(trust_dir: Path, center: str, service: str) -> Keyring:
    """Everything a process of `center` and `service` needs to speak and to be spoken to.

    Raises TrustFileMissing, TrustFileUnreadable, TrustFileBroken, KeyNotListed, DirectoryRefused.
    """
    provider = DirectoryFile(trust_dir)
    seal_file = read_file(key_path(trust_dir, center, SEAL), KeyFile)
    return Keyring(
        center=center,
        service=service,
        signing_key=_key_in_use(trust_dir, center, service, provider()),
        seal_keys={key.kid: SealKey(**key.model_dump()) for key in seal_file.keys},
        directory=provider,
    )


def load_root_key(trust_dir: Path, center: str) -> SigningKey:
    """The newest root key of `center`: what signs directory entries."""
    return _signing_key(read_file(key_path(trust_dir, center, ROOT), KeyFile).keys[-1])


def load_issuers(trust_dir: Path) -> dict[str, Issuer]:
    """The development token issuers by their `iss`."""
    return {issuer.issuer: issuer for issuer in read_file(issuers_path(trust_dir), IssuersContent).issuers}


def load_issuer_key(trust_dir: Path, center: str) -> IssuerKey:
    """What `ctta token` signs with at `center`."""
    return read_file(key_path(trust_dir, center, "issuer"), IssuerKey)


def _key_in_use(trust_dir: Path, center: str, service: str, directory: Directory) -> SigningKey:
    path = key_path(trust_dir, center, service)
    keys = read_file(path, KeyFile).keys
    for key in reversed(keys):
        listed = directory.find_key(key.kid)
        if listed is not None and listed.public == key.public and directory.in_force(listed):
            return _signing_key(key)
    raise KeyNotListed(path=path, kid=keys[-1].kid)


def _signing_key(key: PrivateKey) -> SigningKey:
    return SigningKey(kid=key.kid, alg=key.alg, private=key.private)
