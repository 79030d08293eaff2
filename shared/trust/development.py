"""A development alliance: every center's keys in one folder, so that one machine can play them all.

Never for production, where each center makes its own keys and the hubs sign by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from joserfc.jwk import ECKey

from shared.trust.directory import Directory, PinnedKey, Pins
from shared.trust.entries import ROOT, SEAL, CenterEntry, KeyEntry, read_entry
from shared.trust.files import PRIVATE, PUBLIC, locked, read_file, write_file
from shared.trust.keyring import SealKey
from shared.trust.keys import (
    DirectoryContent,
    Issuer,
    IssuerKey,
    IssuersContent,
    KeyFile,
    PrivateKey,
    directory_path,
    issuers_path,
    key_path,
    load_directory,
    load_entries,
    load_root_key,
    pins_path,
)
from shared.trust.refusals import TwoHubsNeeded
from shared.trust.sealing import new_seal_key
from shared.trust.signing import SigningKey, new_signing_key

NOTICE = "development key: made by ctta for one machine, never for production"
SERVICES = ("listing", "matching", "escrow", "notify")
HUB_SERVICES = ("directory",)
"""what a hub signs with besides: records on ctta.<hub>.directory"""
VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
"""long past, so that sample stories may be dated back"""

Facts = tuple[str, str, str, str]
"""(role, name_zh, name_en, jurisdiction)"""


def create_development_alliance(
    trust_dir: Path, centers: Mapping[str, Facts], services: Sequence[str] = SERVICES
) -> Directory:
    """Make what is missing and touch nothing else: a second run, also after a crash, changes no file.

    A center or service that is new gets its keys and a new directory version, signed by both hubs and the center.
    Raises TwoHubsNeeded on first start, the refusals of files, DirectoryRefused.
    """
    with locked(trust_dir):
        if not pins_path(trust_dir).exists():
            _pin_hubs(trust_dir, [center for center, facts in centers.items() if facts[0] == "hub"])
        if not directory_path(trust_dir).exists():
            write_file(directory_path(trust_dir), DirectoryContent(entries=()), PUBLIC)
        if not issuers_path(trust_dir).exists():
            write_file(issuers_path(trust_dir), IssuersContent(issuers=()), PUBLIC)
        for center, facts in centers.items():
            _ensure_entry(trust_dir, center, facts, services)
            _ensure_issuer(trust_dir, center)
        return load_directory(trust_dir)


def add_center(trust_dir: Path, center: str, facts: Facts, services: Sequence[str] = SERVICES) -> Directory:
    """One more center for an alliance that exists. Running processes see it at their next look at the directory."""
    return create_development_alliance(trust_dir, {center: facts}, services)


def _pin_hubs(trust_dir: Path, hubs: Sequence[str]) -> None:
    if len(hubs) != 2:
        raise TwoHubsNeeded(hubs=", ".join(hubs) or "-")
    pins = {}
    for hub in hubs:
        key = _ensure_signing_key(trust_dir, hub, ROOT)
        pins[hub] = (PinnedKey(kid=key.kid, alg=key.alg, public=key.public),)
    write_file(pins_path(trust_dir), Pins(hubs=pins), PUBLIC)


def _ensure_entry(trust_dir: Path, center: str, facts: Facts, services: Sequence[str]) -> None:
    directory = load_directory(trust_dir)
    held = directory.centers.get(center)
    listed = {key.service for key in held.keys} if held else set()
    wanted = (ROOT, SEAL, *services, *(HUB_SERVICES if center in directory.hubs else ()))
    new = [_ensure_listable(trust_dir, center, service) for service in wanted if service not in listed]
    if not new:
        return
    entry = _next_version(held, center, facts, new)
    signers = [load_root_key(trust_dir, each) for each in dict.fromkeys((*directory.hubs, center))]
    signed = entry.signed(signers)
    directory.merge(signed)
    entries = (*load_entries(trust_dir), signed)
    write_file(directory_path(trust_dir), DirectoryContent(entries=entries), PUBLIC)


def _next_version(held: CenterEntry | None, center: str, facts: Facts, new: Iterable[KeyEntry]) -> CenterEntry:
    keys = [key.model_dump(mode="json", exclude_defaults=True) for key in new]
    if held is None:
        role, zh, en, jurisdiction = facts
        body = {"center": center, "name": {"zh": zh, "en": en}, "role": role, "jurisdiction": jurisdiction}
        return read_entry({**body, "version": 1, "keys": keys})
    body = held.to_json()
    changed = {"version": held.version + 1, "previous": held.digest(), "keys": [*body["keys"], *keys]}
    return read_entry({**body, **changed, "signatures": []})


def _ensure_listable(trust_dir: Path, center: str, service: str) -> KeyEntry:
    key: SigningKey | SealKey
    if service == SEAL:
        key = _ensure_seal_key(trust_dir, center)
        return KeyEntry(kid=key.kid, service=SEAL, use="seal", alg=key.alg, public=key.public, valid_from=VALID_FROM)
    key = _ensure_signing_key(trust_dir, center, service)
    return KeyEntry(kid=key.kid, service=service, use="sign", alg=key.alg, public=key.public, valid_from=VALID_FROM)


def _ensure_signing_key(trust_dir: Path, center: str, service: str) -> SigningKey:
    path = key_path(trust_dir, center, service)
    if path.exists():
        held = read_file(path, KeyFile).keys[-1]
        return SigningKey(kid=held.kid, alg=held.alg, private=held.private)
    key = new_signing_key(f"{center}/{service}/1")
    private = PrivateKey(kid=key.kid, alg=key.alg, public=key.public, private=key.private)
    write_file(path, KeyFile(notice=NOTICE, keys=(private,)), PRIVATE)
    return key


def _ensure_seal_key(trust_dir: Path, center: str) -> SealKey:
    path = key_path(trust_dir, center, SEAL)
    if path.exists():
        return SealKey(**read_file(path, KeyFile).keys[-1].model_dump())
    key = new_seal_key(f"{center}/{SEAL}/1")
    private = PrivateKey(kid=key.kid, alg=key.alg, public=key.public, private=key.private)
    write_file(path, KeyFile(notice=NOTICE, keys=(private,)), PRIVATE)
    return key


def _ensure_issuer(trust_dir: Path, center: str) -> None:
    issuers = read_file(issuers_path(trust_dir), IssuersContent).issuers
    if any(issuer.center == center for issuer in issuers):
        return
    path = key_path(trust_dir, center, "issuer")
    if not path.exists():
        jwk = ECKey.generate_key("P-256", {"kid": f"{center}/issuer/1", "alg": "ES256", "use": "sig"}, private=True)
        name = f"urn:ctta:development:{center}"
        write_file(path, IssuerKey(notice=NOTICE, center=center, issuer=name, jwk=jwk.as_dict(private=True)), PRIVATE)
    held = read_file(path, IssuerKey)
    public = {name: value for name, value in held.jwk.items() if name != "d"}
    issuer = Issuer(center=center, issuer=held.issuer, jwks={"keys": [public]})
    write_file(issuers_path(trust_dir), IssuersContent(issuers=(*issuers, issuer)), PUBLIC)
