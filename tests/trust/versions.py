"""Later versions of a center's entry, rightly or wrongly signed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shared.trust import CenterEntry, Directory, Pins, read_entry
from tests.trust.make_vectors import signing_key

HUBS = ("beijing/root/1", "south/root/1")
ROOTS = (*HUBS, "east/root/1")

Change = Callable[[dict[str, Any]], object]


def unchanged(_entry: dict[str, Any]) -> None:
    """A version that says the same again."""


def successor(held: CenterEntry, change: Change = unchanged, signers: Sequence[str] = ROOTS) -> CenterEntry:
    """The version after `held`, with a change, signed by the test keys of these kids."""
    body = {**held.to_json(), "version": held.version + 1, "previous": held.digest(), "signatures": []}
    change(body)
    return read_entry(body).signed([signing_key(kid) for kid in signers])


def directory_with(vectors: dict[str, Any], change: Change) -> Directory:
    """The directory after a rightly signed version 2 of east."""
    entries = [read_entry(entry) for entry in vectors["directory"]["entries"]]
    directory = Directory.empty(Pins.model_validate(vectors["pins"])).merge_all(entries)
    return directory.merge(successor(directory.centers["east"], change))


def next_key(key: dict[str, Any], **change: Any) -> dict[str, Any]:
    """A listed key under the next number."""
    return {**key, "kid": f"{key['kid'][:-1]}2", **change}
