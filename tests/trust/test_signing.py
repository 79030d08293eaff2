"""Signatures: the committed vectors, every refusal, and that no signed part can change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.trust import (
    BadSignature,
    Directory,
    ForeignCenter,
    KeyExpired,
    KeyRevoked,
    SigningKey,
    UnknownKey,
    Unsigned,
    Untrusted,
    sign,
    signing_input,
    verify,
)
from tests.trust.versions import directory_with, next_key

Record = dict[str, Any]


def raw(record: Record) -> Record:
    """A vector as `verify` takes it."""
    return {
        "topic": record["topic"],
        "key": record["key"].encode(),
        "headers": dict(record["headers"]),
        "body": record["body"].encode(),
    }


def spoken(key: SigningKey, record: Record, **headers: str | None) -> Record:
    """The record with headers changed or (None) removed, signed anew by `key`."""
    changed = {name: value for name, value in {**record["headers"], **headers}.items() if value is not None}
    again = {**record, "headers": changed}
    changed["ce_signature"] = sign(key, **again)
    return again


@pytest.fixture
def record(vectors: dict[str, Any]) -> Record:
    """East publishes a listing."""
    return raw(vectors["records"][0])


@pytest.fixture
def east(key_of: Callable[[str], SigningKey]) -> SigningKey:
    """The key that signed it."""
    return key_of("east/listing/1")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_vectors(
    number: int, vectors: dict[str, Any], directory: Directory, key_of: Callable[[str], SigningKey], now: datetime
) -> None:
    vector = vectors["records"][number]
    record = raw(vector)
    kid, _, _ = vector["headers"]["ce_signature"].rpartition(":")
    assert signing_input(**record).hex() == vector["signing_input_hex"]
    assert sign(key_of(kid), **record) == vector["headers"]["ce_signature"]
    verify(directory, **record, now=now)


def test_public_keys_belong_to_the_private_ones(vectors: dict[str, Any], directory: Directory) -> None:
    for kid, private in vectors["private_keys"].items():
        listed = directory.find_key(kid)
        assert listed is not None
        if listed.use == "sign":
            assert SigningKey(kid=kid, alg=listed.alg, private=private).public == listed.public


def test_trace_headers_may_change(record: Record, directory: Directory, now: datetime) -> None:
    record["headers"] |= {"traceparent": "00-11111111111111111111111111111111-1111111111111111-00", "tracestate": "a=b"}
    record["headers"]["x-mirrored-by"] = "beijing"
    verify(directory, **record, now=now)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        ":",
        "east/listing/1",
        "east/listing/1:",
        "east/listing/1:not base64",
        "east/listing:AAAA",
        "AAAA",
        "é:é",
    ],
)
def test_unsigned(signature: str | None, record: Record, directory: Directory, now: datetime) -> None:
    record["headers"].pop("ce_signature")
    if signature is not None:
        record["headers"]["ce_signature"] = signature
    with pytest.raises(Unsigned):
        verify(directory, **record, now=now)


@pytest.mark.parametrize("kid", ["east/listing/2", "east/seal/1"])
def test_unknown_key(kid: str, record: Record, east: SigningKey, directory: Directory, now: datetime) -> None:
    stranger = SigningKey(kid=kid, alg="Ed25519", private=east.private)
    service = kid.split("/")[1]
    record["topic"] = f"ctta.east.{service}"
    with pytest.raises(UnknownKey):
        verify(directory, **spoken(stranger, record, ce_source=f"/centers/east/{service}"), now=now)


def test_key_of_an_algorithm_unknown_here(vectors: dict[str, Any], record: Record, now: datetime) -> None:
    directory = directory_with(vectors, lambda entry: entry["keys"].append(next_key(entry["keys"][1], alg="SM2-SM3")))
    record["headers"]["ce_signature"] = "east/listing/2:AAAA"
    with pytest.raises(UnknownKey):
        verify(directory, **record, now=now)


@pytest.mark.parametrize(
    ("topic", "source"),
    [
        ("ctta.east.listing.state", "/centers/south/listing"),
        ("ctta.east.listing.state", "/centers/east/escrow"),
        ("ctta.east.listing.state", None),
        ("ctta.south.listing.state", "/centers/east/listing"),
        ("ctta.east.escrow", "/centers/east/listing"),
        ("ctta.east.listings", "/centers/east/listing"),
        ("xctta.east.listing", "/centers/east/listing"),
    ],
)
def test_foreign_center(
    topic: str, source: str | None, record: Record, east: SigningKey, directory: Directory, now: datetime
) -> None:
    record["topic"] = topic
    with pytest.raises(ForeignCenter):
        verify(directory, **spoken(east, record, ce_source=source), now=now)


def test_another_centers_key_may_not_sign_for_east(
    record: Record, key_of: Callable[[str], SigningKey], directory: Directory, now: datetime
) -> None:
    with pytest.raises(ForeignCenter):
        verify(directory, **spoken(key_of("south/listing/1"), record), now=now)
    posing = SigningKey(kid="east/listing/1", alg="Ed25519", private=key_of("south/listing/1").private)
    with pytest.raises(BadSignature):
        verify(directory, **spoken(posing, record), now=now)


@pytest.mark.parametrize(
    "time", ["2025-12-31T23:59:59Z", "2026-03-02T09:00:01Z", "2026-03-01T08:00:00", "yesterday", "", None]
)
def test_key_expired(time: str | None, record: Record, east: SigningKey, directory: Directory, now: datetime) -> None:
    with pytest.raises(KeyExpired):
        verify(directory, **spoken(east, record, ce_time=time), now=now)


def test_retired_key_still_proves_its_past(
    vectors: dict[str, Any], record: Record, east: SigningKey, now: datetime
) -> None:
    def retire(entry: dict[str, Any]) -> None:
        entry["keys"][1] |= {"retired": True, "valid_to": "2026-03-01T08:30:00Z"}

    directory = directory_with(vectors, retire)
    verify(directory, **record, now=now + timedelta(days=900))
    with pytest.raises(KeyExpired):
        verify(directory, **spoken(east, record, ce_time="2026-03-01T08:30:00Z"), now=now)


@pytest.mark.parametrize(
    ("topic", "sequence", "refused"),
    [
        ("ctta.east.listing.state", "7", False),
        ("ctta.east.listing.state", "8", True),
        ("ctta.east.listing", "1", True),
        ("ctta.east.listing.state", None, True),
        ("ctta.east.listing.state", "-1", True),
        ("ctta.east.listing.state", "٣", True),
        ("ctta.east.listing.state", "1" * 5000, True),
    ],
)
def test_revocation_by_sequence(
    topic: str,
    sequence: str | None,
    refused: bool,
    vectors: dict[str, Any],
    record: Record,
    east: SigningKey,
    now: datetime,
) -> None:
    revocation = {"kid": "east/listing/1", "last_sequence": {"ctta.east.listing.state": 7}}
    directory = directory_with(vectors, lambda entry: entry.update(revocations=[revocation]))
    record["topic"] = topic
    said = spoken(east, record, ce_sequence=sequence)
    if not refused:
        verify(directory, **said, now=now)
        return
    with pytest.raises(KeyRevoked):
        verify(directory, **said, now=now)


def test_headers_that_are_no_text_are_no_crash(record: Record, directory: Directory, now: datetime) -> None:
    record["headers"]["ce_subject"] = "\udcff"
    with pytest.raises(BadSignature):
        verify(directory, **record, now=now)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_changing_any_signed_part_breaks_the_signature(
    data: st.DataObject, vectors: dict[str, Any], directory: Directory, now: datetime
) -> None:
    record = raw(vectors["records"][0])
    signed = sorted(name for name in record["headers"] if name.startswith("ce_") or name == "content-type")
    part = data.draw(st.sampled_from(["topic", "key", "body", "added", "removed", "renamed", *signed]))
    headers = record["headers"]
    text = st.text(st.characters(codec="utf-8"), max_size=40)
    if part in ("key", "body"):
        record[part] = data.draw(st.binary(max_size=80).filter(lambda new: new != record[part]))
    elif part == "topic":
        record["topic"] += "." + data.draw(text)
    elif part == "added":
        headers["ce_" + data.draw(text.filter(lambda name: f"ce_{name}" not in headers))] = data.draw(text)
    elif part == "removed":
        del headers[data.draw(st.sampled_from(signed))]
    elif part == "renamed":
        headers["ce_x"] = headers.pop(data.draw(st.sampled_from(signed)))
    else:
        headers[part] = data.draw(text.filter(lambda new: new != headers[part]))
    with pytest.raises(Untrusted):
        verify(directory, **record, now=now)


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, 85), letter=st.sampled_from("ABCxyz019-_=+/ "))
def test_a_signature_has_one_spelling(
    position: int, letter: str, vectors: dict[str, Any], directory: Directory, now: datetime
) -> None:
    record = raw(vectors["records"][0])
    kid, _, signature = record["headers"]["ce_signature"].rpartition(":")
    changed = signature[:position] + letter + signature[position + 1 :]
    record["headers"]["ce_signature"] = f"{kid}:{changed}"
    if changed == signature:
        verify(directory, **record, now=now)
        return
    with pytest.raises(Untrusted):
        verify(directory, **record, now=now)
