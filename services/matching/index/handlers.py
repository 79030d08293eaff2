"""Candidates in, index current: what a batch of snapshots changes, and what other processes changed meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import asyncpg
import orjson
from sqlalchemy import Engine

from services.matching.index.domain import slot_of
from services.matching.index.engine import Entry, FullText
from services.matching.index.text import TEXT_VERSION, codes, listing_terms, terms
from shared.db import Session, driver
from shared.errors import Refused
from shared.events import Received
from shared.schemas.listing import ListingState, Status
from shared.service import Worker

READ_MAX: Final = 500
"""Candidates read from the table in one go while the index is built."""

LOCK: Final = 7_201_951
"""Advisory lock of the transaction that decides matches: two batches that cannot see each other would both miss the
pair of a listing in the one and a listing in the other."""


class NotItsCenter(Refused):
    """A center described a listing that another center owns."""

    rule = "not-its-center"
    status = 403
    en = "Listing {listing} belongs to {owner}, not to {speaker}."
    zh = "{listing} 属于 {owner}，而非 {speaker}。"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A snapshot with the terms found in it."""

    received: Received[ListingState]
    slot: str
    terms: Counter[str]
    codes: list[str]

    @property
    def age(self) -> tuple[int, int]:
        """Later snapshots of a listing have greater ones."""
        return self.received.event.listing_version, self.received.cause.sequence


def prepare(received: Sequence[Received[ListingState]]) -> list[Prepared]:
    """The newest snapshot of each listing in a batch, with its terms. Raises NotItsCenter."""
    newest: dict[str, Received[ListingState]] = {}
    for item in received:
        listing, speaker = item.event, item.cause.center
        if listing.center != speaker:
            raise NotItsCenter(listing=listing.listing_id, owner=listing.center, speaker=speaker)
        known = newest.get(listing.listing_id)
        age = (listing.listing_version, item.cause.sequence)
        if known is None or (known.event.listing_version, known.cause.sequence) < age:
            newest[listing.listing_id] = item
    return [_prepared(item) for item in newest.values()]


def _prepared(item: Received[ListingState]) -> Prepared:
    listing = item.event
    classes = codes(listing.ipc, listing.livelihood, listing.industry)
    return Prepared(item, slot_of(listing), listing_terms(listing), classes)


async def store(session: Session, prepared: Sequence[Prepared]) -> set[str]:
    """Write snapshots that are newer than what the table has. Returns the ids of the listings that changed."""
    rows = [_row(item) for item in prepared]
    connection = await driver(session)
    found = await connection.fetch(_STORE, *(list(column) for column in zip(*rows, strict=True))) if rows else []
    return {row["listing_id"] for row in found}


def _row(item: Prepared) -> tuple[Any, ...]:
    event = item.received.event
    return (
        event.listing_id, event.listing_version, item.received.cause.sequence, event.center, event.organisation_id,
        event.kind, event.status, item.slot, event.published_at, event.model_dump_json(),
        orjson.dumps(item.terms).decode(), "\n".join(item.codes), TEXT_VERSION,
    )  # fmt: skip


_STORE: Final = """
INSERT INTO candidate AS c (listing_id, version, sequence, center, organisation_id, kind, status, slot, published_at,
                            snapshot, terms, codes, text_version, written_in)
SELECT listing_id, version, sequence, center, organisation_id, kind, status, slot, published_at,
       snapshot::jsonb, terms::json, string_to_array(codes, E'\\n'), text_version, pg_current_xact_id()::text::bigint
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::int[])
  AS new (listing_id, version, sequence, center, organisation_id, kind, status, slot, published_at,
          snapshot, terms, codes, text_version)
ON CONFLICT (listing_id) DO UPDATE SET
    version = excluded.version, sequence = excluded.sequence, organisation_id = excluded.organisation_id,
    kind = excluded.kind, status = excluded.status, slot = excluded.slot, published_at = excluded.published_at,
    snapshot = excluded.snapshot, terms = excluded.terms, codes = excluded.codes,
    text_version = excluded.text_version, written_in = excluded.written_in
WHERE c.center = excluded.center AND (excluded.version, excluded.sequence) > (c.version, c.sequence)
RETURNING listing_id
"""


class LiveIndex:
    """The index of one database in this process: follows the table, and holds a batch before it is committed.

    What a batch put in is provisional: should its transaction roll back, the next look at the table sets it right.
    """

    def __init__(self) -> None:
        self.text = FullText()
        self.busy = asyncio.Lock()
        self._known: dict[str, tuple[int, int]] = {}
        self._provisional: set[str] = set()
        self._horizon = 0

    async def follow(self, session: Session) -> None:
        """Bring in what others have committed since the last look. Hold `busy`."""
        await self._bring(session, leave=self._provisional)

    async def settle(self, session: Session) -> None:
        """Follow, and take back what an earlier batch put in and never committed. Hold `busy` and the lock LOCK."""
        doubtful, self._provisional = self._provisional, set()
        await self._bring(session, leave=set(), doubtful=doubtful)

    async def _bring(self, session: Session, *, leave: set[str], doubtful: Collection[str] = ()) -> None:
        connection = await driver(session)
        horizon = await connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        heads = await connection.fetch(_HEADS, self._horizon, list(doubtful))
        ages = {row["listing_id"]: _age(row) for row in heads if row["listing_id"] not in leave}
        missing = [listing_id for listing_id, age in ages.items() if self._known.get(listing_id) != age]
        for start in range(0, len(missing), READ_MAX):
            rows = await connection.fetch(_ENTRIES, missing[start : start + READ_MAX])
            await asyncio.to_thread(self._take, rows)
        phantoms = set(doubtful) - ages.keys()
        for listing_id in phantoms:
            self.text.remove(listing_id)
            self._known.pop(listing_id, None)
        if missing or phantoms:
            await asyncio.to_thread(self.text.commit)
        self._horizon = horizon

    async def add(self, changed: Collection[Prepared]) -> None:
        """Bring in a batch that this transaction has just stored. Hold `busy`."""
        if not changed:
            return
        self._provisional |= {item.received.event.listing_id for item in changed}
        await asyncio.to_thread(self._add, changed)

    def _add(self, changed: Iterable[Prepared]) -> None:
        for item in changed:
            listing = item.received.event
            self._set(listing.listing_id, item.age, entry_of(item) if listing.status == Status.PUBLISHED else None)
        self.text.commit()

    def _take(self, rows: Iterable[asyncpg.Record]) -> None:
        for row in rows:
            self._set(row["listing_id"], _age(row), _entry(row) if row["status"] == Status.PUBLISHED else None)

    def _set(self, listing_id: str, age: tuple[int, int], entry: Entry | None) -> None:
        if entry is None:
            self.text.remove(listing_id)
        else:
            self.text.put(entry)
        self._known[listing_id] = age


_HEADS: Final = """
SELECT listing_id, version, sequence FROM candidate WHERE written_in >= $1 OR listing_id = ANY($2::text[])
"""
_ENTRIES: Final = f"""
SELECT listing_id, version, sequence, status, slot, center, organisation_id, codes, text_version, terms::text AS terms,
       CASE WHEN text_version <> {TEXT_VERSION} THEN snapshot::text END AS snapshot
FROM candidate WHERE listing_id = ANY($1::text[]) ORDER BY listing_id
"""


def _age(row: asyncpg.Record) -> tuple[int, int]:
    return row["version"], row["sequence"]


def terms_of(row: asyncpg.Record) -> dict[str, int]:
    """The terms of a candidate; made again where an older version of the text rules made them."""
    if row["text_version"] == TEXT_VERSION:
        return dict(orjson.loads(row["terms"]))
    return dict(listing_terms(ListingState.model_validate_json(row["snapshot"])))


def entry_of(item: Prepared) -> Entry:
    """A prepared snapshot as the index keeps it."""
    event = item.received.event
    return Entry(event.listing_id, item.slot, event.center, event.organisation_id, dict(item.terms), item.codes)


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(
        row["listing_id"], row["slot"], row["center"], row["organisation_id"], terms_of(row), list(row["codes"])
    )


_INDEXES: WeakKeyDictionary[Engine, LiveIndex] = WeakKeyDictionary()


def index_of(session: Session) -> LiveIndex:
    """The index that belongs to the session's database; made empty on first use, filled by `catch_up`."""
    return _INDEXES.setdefault(session.get_bind().engine, LiveIndex())


async def warm(worker: Worker) -> None:
    """Build the index before the first event and the first request."""
    async with worker.database.transaction() as session:
        live = index_of(session)
        async with live.busy:
            await live.follow(session)


async def search(session: Session, text: str, *, kind: str | None, limit: int) -> list[tuple[str, list[str]]]:
    """Ids of listings that hold words of `text`, best first, each with the terms that were looked for."""
    live = index_of(session)
    async with live.busy:
        await live.follow(session)
    asked = list(dict.fromkeys(terms(text)))
    return [(listing_id, asked) for listing_id in live.text.search(asked, kind=kind, limit=limit)]
