"""Is this record by the center and service it says it is? Pure: directory and time come in as arguments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.trust.directory import Directory, KeyEntry, Revocation
from shared.trust.encoding import from_b64url
from shared.trust.refusals import BadSignature, ForeignCenter, KeyExpired, KeyRevoked, UnknownKey, Unsigned
from shared.trust.signing import SIGNATURE_HEADER, SUITES, signature_fits, signing_input

CLOCK_SKEW_MAX = timedelta(hours=24)
"""How far `ce_time` may lie ahead of our clock: wide, for a record refused here is lost to us."""

SEQUENCE_DIGITS_MAX = 19
"""A 64-bit integer has no more."""


def verify(
    directory: Directory, *, topic: str, key: bytes, headers: Mapping[str, str], body: bytes, now: datetime
) -> None:
    """Return if the record is authentic; otherwise raise the `Untrusted` that says why.

    `now` is timezone-aware. Records of a retired key stay authentic for the time it was valid: history is re-read.
    """
    kid, signature = _read_signature(topic, headers)
    _check_speaker(kid, topic, headers)
    entry = directory.find_key(kid)
    if entry is None or entry.use != "sign" or entry.alg not in SUITES:
        raise UnknownKey(kid=kid)
    try:
        fits = signature_fits(entry.alg, entry.public, signing_input(topic, key, headers, body), signature)
    except UnicodeEncodeError:  # a header decoded with surrogates: nothing anybody could have signed
        fits = False
    if not fits:
        raise BadSignature(kid=kid, topic=topic)
    _check_validity(entry, headers, now)
    revocation = directory.find_revocation(kid)
    if revocation is not None:
        _check_revocation(revocation, topic, headers)


def _read_signature(topic: str, headers: Mapping[str, str]) -> tuple[str, bytes]:
    kid, _colon, text = headers.get(SIGNATURE_HEADER, "").rpartition(":")
    try:
        signature = from_b64url(text)
    except ValueError:
        raise Unsigned(topic=topic) from None
    if not signature or kid.count("/") != 2:
        raise Unsigned(topic=topic)
    return kid, signature


def _check_speaker(kid: str, topic: str, headers: Mapping[str, str]) -> None:
    center, service, _number = kid.split("/")
    source = headers.get("ce_source", "")
    own = f"ctta.{center}.{service}"
    if source != f"/centers/{center}/{service}" or not (topic == own or topic.startswith(own + ".")):
        raise ForeignCenter(kid=kid, source=source or "-", topic=topic)


def _check_validity(entry: KeyEntry, headers: Mapping[str, str], now: datetime) -> None:
    text = headers.get("ce_time", "")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise KeyExpired(kid=entry.kid, time=text or "-") from None
    if time.tzinfo is None or time > now + CLOCK_SKEW_MAX or not entry.valid_at(time):
        raise KeyExpired(kid=entry.kid, time=text)


def _check_revocation(revocation: Revocation, topic: str, headers: Mapping[str, str]) -> None:
    text = headers.get("ce_sequence", "")
    sequence = int(text) if text.isascii() and text.isdecimal() and len(text) <= SEQUENCE_DIGITS_MAX else None
    last = revocation.last_sequence.get(topic)
    if sequence is None or last is None or sequence > last:
        raise KeyRevoked(kid=revocation.kid, topic=topic, sequence=text or "-")
