"""Blocks: which entries a block holds, what their sequence and balance are, and the chain of hashes. Pure.

The hash covers, in this order and separated by line feeds: the previous block's hash, the block's number, the closing
time (UTC, microseconds) and one line per entry `id|transfer|account|currency|minor|balance after`. The first block's
previous hash is 64 zeros. An auditor needs nothing but the LedgerBlockClosed events to repeat it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from shared.schemas.escrow import LedgerBlockClosed, LedgerEntry

GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as posted. `sequence` and `balance_minor` are None on a deferred account."""

    id: int
    transfer_id: UUID
    account_id: int
    account: str
    currency: str
    minor: int
    sequence: int | None
    balance_minor: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deferred account stands: sequence and balance of its last entry in a closed block."""

    sequence: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class Positioned:
    """What closing assigns to the entry of a deferred account."""

    entry_id: int
    account_id: int
    sequence: int
    balance_minor: int


def block_sha256(block: int, previous_sha256: str, closed_at: datetime, entries: Iterable[LedgerEntry]) -> str:
    """The hash of a block, lower-case hex."""
    lines = [previous_sha256, str(block), closed_at.astimezone(UTC).isoformat(timespec="microseconds")]
    lines += [f"{e.entry}|{e.transfer_id}|{e.account}|{e.currency}|{e.minor}|{e.balance_minor}" for e in entries]
    return sha256("\n".join(lines).encode()).hexdigest()


def close(
    number: int, previous_sha256: str, closed_at: datetime, written: Sequence[Written], deferred: Mapping[int, Place]
) -> tuple[LedgerBlockClosed, list[Positioned], dict[int, Place]]:
    """Close a block over `written`, in order. `deferred` gives the place of each deferred account among them.

    Returns the announcement, what it assigned, and the new places.
    """
    places = dict(deferred)
    positioned: list[Positioned] = []
    entries: list[LedgerEntry] = []
    for w in written:
        balance = w.balance_minor
        if balance is None:
            before = places[w.account_id]
            place = Place(before.sequence + 1, before.balance_minor + w.minor)
            places[w.account_id] = place
            positioned.append(Positioned(w.id, w.account_id, place.sequence, place.balance_minor))
            balance = place.balance_minor
        entries.append(
            LedgerEntry(
                entry=w.id, transfer_id=str(w.transfer_id), account=w.account, currency=w.currency,
                minor=w.minor, balance_minor=balance,
            )
        )  # fmt: skip
    digest = block_sha256(number, previous_sha256, closed_at, entries)
    event = LedgerBlockClosed(
        block=number, previous_sha256=previous_sha256, sha256=digest, closed_at=closed_at, entries=entries
    )
    return event, positioned, places


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the blocks say: balances by (account, currency), and every fault found on the way."""

    balances: dict[tuple[str, str], int]
    blocks: int
    entries: int
    faults: list[str]


def replay(blocks: Iterable[LedgerBlockClosed]) -> Replayed:
    """Rebuild every balance from the announced blocks, in order of their numbers, and check them on the way.

    Checked: numbers without gaps, each hash over its content and its predecessor, ascending entry ids, each balance
    after an entry, and zero sum per transfer and currency (the other side of a transfer may lie in the next block).
    """
    balances: dict[tuple[str, str], int] = {}
    transfers: dict[tuple[str, str], tuple[int, int]] = {}  # (sum so far, block of the first side) where not zero
    faults: list[str] = []
    number, previous, entry, entries = 0, GENESIS, 0, 0
    for block in sorted(blocks, key=lambda b: b.block):
        number += 1
        if block.block != number:
            faults.append(f"block {number} is missing")
            number = block.block
        if block.previous_sha256 != previous:
            faults.append(f"block {block.block} does not continue its predecessor")
        if block_sha256(block.block, block.previous_sha256, block.closed_at, block.entries) != block.sha256:
            faults.append(f"block {block.block} is not what its hash says")
        previous = block.sha256
        for e in block.entries:
            entries += 1
            if e.entry <= entry:
                faults.append(f"entry {e.entry} is out of order")
            entry = e.entry
            key = (e.account, e.currency)
            balances[key] = balances.get(key, 0) + e.minor
            if balances[key] != e.balance_minor:
                faults.append(f"entry {e.entry}: balance of {e.account} {e.currency} is not the sum so far")
            moved = (e.transfer_id, e.currency)
            total, since = transfers.pop(moved, (0, number))
            if total + e.minor != 0:
                transfers[moved] = (total + e.minor, since)
    faults += [f"transfer {t} does not sum to zero" for (t, _), (_, since) in transfers.items() if since < number]
    return Replayed(balances, number, entries, faults)
