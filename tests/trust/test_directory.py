"""The directory: who must sign a version, how readers merge, what is refused and shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from shared.trust import (
    CenterEntry,
    CenterSignatureMissing,
    ChainBroken,
    Directory,
    DirectoryConflict,
    EntryBroken,
    HubNotPinned,
    HubSignatureMissing,
    KeyForgotten,
    Pins,
    read_entry,
    read_kid,
)
from tests.trust.make_vectors import signing_key
from tests.trust.versions import HUBS, ROOTS, next_key, successor, unchanged


@pytest.fixture
def east(directory: Directory) -> CenterEntry:
    """Version 1."""
    return directory.centers["east"]


def test_the_snapshot(directory: Directory) -> None:
    assert directory.hubs == ("beijing", "south")
    assert sorted(directory.centers) == ["beijing", "east", "south"]
    key = directory.find_key("east/escrow/1")
    assert key is not None
    assert (key.service, key.use, key.alg, key.retired) == ("escrow", "sign", "Ed25519", False)
    assert directory.find_key("east/escrow/2") is None


def test_merging_makes_a_new_snapshot(directory: Directory, east: CenterEntry) -> None:
    second = successor(east, lambda entry: entry["keys"].append(next_key(entry["keys"][2])))
    later = directory.merge(second)
    assert later.find_key("east/escrow/2") is not None
    assert directory.find_key("east/escrow/2") is None
    assert later.merge(second) is later
    assert later.merge(east) is later, "a stale version is no news"


@pytest.mark.parametrize("missing", ["beijing/root/1", "south/root/1"])
def test_both_hubs_sign_every_version(missing: str, directory: Directory, east: CenterEntry) -> None:
    signers = [kid for kid in ROOTS if kid != missing]
    with pytest.raises(HubSignatureMissing, match=missing.split("/")[0]):
        directory.merge(successor(east, signers=signers))
    with pytest.raises(HubSignatureMissing):
        Directory.empty(directory.pins).merge(east.signed([signing_key(kid) for kid in signers]))


@pytest.mark.parametrize("signers", [HUBS, (*HUBS, "east/escrow/1"), (*HUBS, "east/root/2")])
def test_the_previous_root_key_signs_from_version_two_on(
    signers: Sequence[str], directory: Directory, east: CenterEntry
) -> None:
    def new_root(entry: dict[str, Any]) -> None:
        entry["keys"].append(next_key(entry["keys"][0], public=signing_key("east/root/2").public))

    with pytest.raises(CenterSignatureMissing):
        directory.merge(successor(east, new_root, signers))
    later = directory.merge(successor(east, new_root))
    latest = later.merge(successor(later.centers["east"], signers=(*HUBS, "east/root/2")))
    assert latest.centers["east"].version == 3


def test_a_retired_or_revoked_root_key_signs_no_more(directory: Directory, east: CenterEntry) -> None:
    def retire(entry: dict[str, Any]) -> None:
        entry["keys"][0] |= {"retired": True, "valid_to": "2026-06-01T00:00:00Z"}

    def revoke(entry: dict[str, Any]) -> None:
        entry["revocations"] = [{"kid": "east/root/1"}]

    for end in (retire, revoke):
        later = directory.merge(successor(east, end))
        with pytest.raises(CenterSignatureMissing):
            later.merge(successor(later.centers["east"]))


def test_a_signature_counts_only_under_its_own_kid(directory: Directory, east: CenterEntry) -> None:
    signed = successor(east)
    moved = [one.model_copy(update={"kid": "south/root/1"}) for one in signed.signatures if one.by == "beijing"]
    with pytest.raises(HubSignatureMissing):
        directory.merge(signed.model_copy(update={"signatures": (signed.signatures[0], *moved, signed.signatures[2])}))
    broken = [one.model_copy(update={"sig": "no base64!"}) for one in signed.signatures]
    with pytest.raises(HubSignatureMissing):
        directory.merge(signed.model_copy(update={"signatures": tuple(broken)}))


def test_one_version_has_one_content(directory: Directory, east: CenterEntry) -> None:
    later = directory.merge(successor(east))
    other = successor(east, lambda entry: entry["name"].update(en="Elsewhere"))
    with pytest.raises(DirectoryConflict) as refusal:
        later.merge(other)
    assert refusal.value.rule == "directory.conflict"
    assert "east" in refusal.value.say("en")
    assert "枢纽" in refusal.value.say("zh-CN")


def test_the_chain(directory: Directory, east: CenterEntry) -> None:
    with pytest.raises(ChainBroken):
        directory.merge(successor(east, lambda entry: entry.update(previous="0" * 64)))


def test_a_skipped_version_needs_a_root_key_that_is_known(directory: Directory, east: CenterEntry) -> None:
    third = successor(successor(east))
    assert directory.merge(third).centers["east"].version == 3
    with pytest.raises(CenterSignatureMissing):
        directory.merge(successor(successor(east), signers=HUBS))


def test_who_begins_with_a_later_version_trusts_the_hubs_and_its_root_key(
    directory: Directory, east: CenterEntry
) -> None:
    newcomer = Directory.empty(directory.pins)
    assert newcomer.merge(successor(east)).centers["east"].version == 2
    with pytest.raises(CenterSignatureMissing):
        newcomer.merge(successor(east, signers=HUBS))


def drop_key(entry: dict[str, Any]) -> None:
    del entry["keys"][1]


def swap_key(entry: dict[str, Any]) -> None:
    entry["keys"][1]["public"] = signing_key("mallory/listing/1").public


def date_back(entry: dict[str, Any]) -> None:
    entry["keys"][1]["valid_from"] = "2020-01-01T00:00:00Z"


@pytest.mark.parametrize("change", [drop_key, swap_key, date_back])
def test_listed_keys_stay_as_they_are(
    change: Callable[[dict[str, Any]], None], directory: Directory, east: CenterEntry
) -> None:
    with pytest.raises(KeyForgotten, match="east/listing/1"):
        directory.merge(successor(east, change))


def test_revocations_stay_and_only_narrow(directory: Directory, east: CenterEntry) -> None:
    def revoke(**last_sequence: int) -> Callable[[dict[str, Any]], None]:
        topics = {f"ctta.east.{service}": last for service, last in last_sequence.items()}
        return lambda entry: entry.update(revocations=[{"kid": "east/listing/1", "last_sequence": topics}])

    later = directory.merge(successor(east, revoke(listing=7)))
    held = later.centers["east"]
    for change in (revoke(listing=8), revoke(listing=7, escrow=1), lambda entry: entry.update(revocations=[])):
        with pytest.raises(KeyForgotten):
            later.merge(successor(held, change))
    narrower = later.merge(successor(held, revoke(listing=6)))
    revocation = narrower.find_revocation("east/listing/1")
    assert revocation is not None
    assert revocation.last_sequence == {"ctta.east.listing": 6}


def test_only_pinned_centers_are_hubs(directory: Directory, east: CenterEntry) -> None:
    with pytest.raises(HubNotPinned):
        directory.merge(successor(east, lambda entry: entry.update(role="hub")))
    with pytest.raises(HubNotPinned):
        directory.merge(successor(directory.centers["south"], lambda entry: entry.update(role="spoke")))


def test_entries_of_a_newer_kind_still_verify(directory: Directory, east: CenterEntry) -> None:
    def from_the_future(entry: dict[str, Any]) -> None:
        entry["regulator"] = {"name": "x"}
        entry["keys"][0]["hardware"] = True
        entry["keys"].append(next_key(entry["keys"][3], alg="SM2-KEM", public="AAAA"))

    later = directory.merge(successor(east, from_the_future))
    again = read_entry(later.centers["east"].to_json())
    assert again == later.centers["east"]
    assert Directory.empty(directory.pins).merge(again).centers["east"] == again
    lost = {name: value for name, value in again.to_json().items() if name != "regulator"}
    with pytest.raises(HubSignatureMissing):
        directory.merge(read_entry(lost))


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.update(center="east/x"),
        lambda entry: entry.update(version=0),
        lambda entry: entry.update(previous="0" * 64),
        lambda entry: entry.update(role="boss"),
        lambda entry: entry.pop("name"),
        lambda entry: entry["keys"].append(entry["keys"][0]),
        lambda entry: entry["keys"][0].update(kid="south/root/1"),
        lambda entry: entry["keys"][0].update(kid="root"),
        lambda entry: entry["keys"][0].update(service="escrow"),
        lambda entry: entry["keys"][0].update(use="seal"),
        lambda entry: entry["keys"][0].update(public="AAAA"),
        lambda entry: entry["keys"][0].update(public="***"),
        lambda entry: entry["keys"][3].update(public="AAAA"),
        lambda entry: entry["keys"][0].update(retired=True),
        lambda entry: entry["keys"][0].update(valid_from="2026-01-01T00:00:00"),
        lambda entry: entry.update(revocations=[{"kid": "east/none/1"}]),
    ],
)
def test_broken_entries(change: Callable[[dict[str, Any]], object], east: CenterEntry) -> None:
    data = east.to_json()
    assert read_entry(data) == east
    change(data)
    with pytest.raises(EntryBroken):
        read_entry(data)
    with pytest.raises(EntryBroken):
        read_entry([])


@pytest.mark.parametrize(
    "kid", ["", "east", "east/root", "east/root/0", "east/root/01", "East/root/1", "a/b/1/2", "a//1"]
)
def test_what_is_no_kid(kid: str) -> None:
    with pytest.raises(ValueError, match="key id"):
        read_kid(kid)


def test_pins_hold_root_keys(directory: Directory) -> None:
    good = directory.pins.model_dump()
    pinned = good["hubs"]["south"][0]
    for change in ({"kid": "south/escrow/1"}, {"alg": "none"}, {"public": "AAAA"}):
        with pytest.raises(ValueError, match="south"):
            Pins.model_validate({"hubs": {"south": [{**pinned, **change}]}})


def test_nothing_changes_between_equal_versions(directory: Directory, east: CenterEntry) -> None:
    resigned = east.signed([signing_key(kid) for kid in reversed(ROOTS)])
    assert directory.merge(resigned) is directory
    assert successor(east, unchanged).canonical() == successor(east, unchanged).canonical()
