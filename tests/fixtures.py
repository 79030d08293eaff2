"""What tests of services stand on: a fresh database with real keys, the real runner, and events carried by hand.

`db = await open_database(service, center="east")` then `async with db.transaction() as session: ...`;
`deliver` runs one event through the real runner; `Wire` carries what was announced between several services;
`emitted(db)` decodes the journal; `client(db, service, roles={"officer"})` speaks HTTP to the ASGI app.
"""

import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar, overload
from uuid import UUID

import httpx
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from shared.center import Center
from shared.db.database import Database
from shared.db.migrate import migrate
from shared.directory import LiveDirectory
from shared.events.outbox import Pending, record
from shared.events.runner import Runner
from shared.http.app import build_app
from shared.ids import new_uuid
from shared.schemas.base import CATALOGUE, Event
from shared.service import Service
from shared.settings import Settings
from shared.topics.naming import read_topic, topic_for
from shared.trust import (
    KNOWN_CENTERS,
    create_development_alliance,
    load_issuer_key,
    load_keyring,
    open_sealed,
)
from tests.servers.databases import Databases

CENTERS = ("beijing", "south", "east")


@dataclass(frozen=True, slots=True)
class Record:
    """A record as aiokafka would hand it over."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def center_of(trust: Path, center: str, service: str) -> Center:
    """A center's service with the keys of the test alliance."""
    settings = Settings(center=center, trust_dir=trust)
    keyring = replace(load_keyring(trust, center, service), directory=LiveDirectory(settings))
    return Center(center, service, settings, keyring)


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of a development alliance of three centers."""
    folder = tmp_path_factory.mktemp("trust")
    facts = {name: KNOWN_CENTERS[name] for name in CENTERS}
    create_development_alliance(folder, facts)
    return folder


E = TypeVar("E", bound=Event)
OpenDatabase = Callable[..., Awaitable[Database]]


@pytest.fixture
async def open_database(database: Databases, trust: Path) -> AsyncIterator[OpenDatabase]:
    """`await open_database(service, center="east")`: a fresh database of the service, all migrations applied."""
    made: list[Database] = []

    async def open_(service: Service, center: str = "east") -> Database:
        async def build(url: str) -> None:
            await migrate(url, service.migrations)

        url = await database(service.package.replace(".", "_"), build)
        db = Database(url, center_of(trust, center, service.name))
        made.append(db)
        return db

    yield open_
    for db in made:
        await db.close()


_offsets: Counter[str] = Counter()
_sequences: Counter[tuple[int, str, str]] = Counter()


def signed_record(
    source: Center, event: Event, *, sequence: int = 1, id: UUID | None = None, offset: int | None = None
) -> Record:
    """The record that `source` would put on Kafka for the event."""
    topic = topic_for(event, source.id, source.service)
    pending = Pending(id or new_uuid(), event, topic, source.now(), "", "")
    _, _, _, _, key, _, headers, body = record(source, pending, sequence)
    _offsets[topic] += 1
    place = _offsets[topic] if offset is None else offset
    return Record(topic, 0, place, key.encode(), body, _headers(headers))


def _headers(text: str) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((name, value.encode()) for name, value in orjson.loads(text).items())


async def deliver(db: Database, service: Service, *events: Event, source: str = "", may_park: bool = False) -> None:
    """Run events through the real runner of every noun that reads them. `source`: the speaking center.

    Raises AssertionError where no noun reads such an event from there, or where a bug parked it (unless `may_park`).
    """
    for event in events:
        speaker = event.service if event.service != "runtime" else db.center.service
        center = center_of(db.center.settings.trust, source or db.center.id, speaker)
        slot = (id(db), topic_for(event, center.id, speaker), event.subject)
        _sequences[slot] += 1
        one = signed_record(center, event, sequence=_sequences[slot])
        read = any(
            event.type in noun.reactions and re.match(noun.pattern(db.center.id), one.topic)
            for noun in service.nouns.values()
        )
        assert read, f"no noun of {service.name} at {db.center.id} reads {event.type} from {one.topic}"
        await feed(db, service, [one])
    if not may_park:
        await _check_parked(db)


async def _check_parked(db: Database) -> None:
    connection = await db.connect()
    try:
        parked = await connection.fetch("SELECT type, rule, error FROM held WHERE state = 'parked'")
    finally:
        await connection.close()
    assert not parked, f"a bug parked {[tuple(row) for row in parked]}"


async def feed(db: Database, service: Service, records: Sequence[Any]) -> None:
    """Feed records to every noun of the service whose pattern reads their topic."""
    for noun in service.nouns.values():
        wanted = [r for r in records if re.match(noun.pattern(db.center.id), r.topic)]
        if wanted:
            await Runner(db.center, db, noun).run_batch(wanted, {r.topic: "log" for r in wanted})


async def retry_waiting(db: Database, service: Service) -> int:
    """Let waiting events be tried that are due."""
    return sum([await Runner(db.center, db, noun).retry_waiting() for noun in service.nouns.values()])


@overload
async def emitted(db: Database) -> list[Event]: ...
@overload
async def emitted(db: Database, *types: type[E]) -> list[E]: ...
async def emitted(db: Database, *types: type[Any]) -> list[Any]:
    """Events of the journal in order, sealed ones opened; only those of `types` where given."""
    connection = await db.connect()
    try:
        rows = await connection.fetch("SELECT topic, headers, body FROM journal ORDER BY n")
    finally:
        await connection.close()
    events: list[Any] = [_decoded(db, row) for row in rows]
    return [event for event in events if not types or type(event) in types]


def _decoded(db: Database, row: Any) -> Event:
    headers = orjson.loads(row["headers"])
    topic = read_topic(row["topic"])
    body = row["body"]
    if topic is not None and topic.suffix == "to":
        body = open_sealed(
            body, source=headers["ce_source"], id=headers["ce_id"], audience=topic.peer, keyring=db.center.keyring
        )
    return CATALOGUE[headers["ce_type"]].model_validate_json(body)


@dataclass
class Wire:
    """Carries announced records between databases as Kafka would, duplicated and reordered between keys if asked.

    `wire = Wire([(home_db, escrow), (seller_db, escrow)])`, then `await wire.carry()` until nothing is left.
    """

    parties: list[tuple[Database, Service]]
    seed: int | None = None
    duplicate: bool = False
    seen: dict[int, int] = field(default_factory=dict)

    async def carry(self, rounds: int = 50) -> int:
        """Carry until quiet. Returns how many records went over."""
        total = 0
        for _ in range(rounds):
            records = [r for db, _ in self.parties for r in await self._new(db)]
            if not records:
                return total
            total += len(records)
            for batch in self._batches(records):
                for db, service in self.parties:
                    await feed(db, service, batch)
            for db, service in self.parties:
                await retry_waiting(db, service)
        raise AssertionError(f"still talking after {rounds} rounds")

    async def _new(self, db: Database) -> list[Record]:
        connection = await db.connect()
        try:
            rows = await connection.fetch("SELECT * FROM journal WHERE n > $1 ORDER BY n", self.seen.get(id(db), 0))
        finally:
            await connection.close()
        if rows:
            self.seen[id(db)] = rows[-1]["n"]
        return [Record(r["topic"], 0, r["n"], r["key"].encode(), r["body"], _headers(r["headers"])) for r in rows]

    def _batches(self, records: list[Record]) -> list[list[Record]]:
        if self.seed is None:
            return [records, records] if self.duplicate else [records]
        random = Random(self.seed)
        queues: dict[tuple[str, bytes | None], list[Record]] = {}
        for one in records:
            queues.setdefault((one.topic, one.key), []).append(one)
        mixed = []
        while queues:
            slot = random.choice(sorted(queues, key=repr))
            mixed.append(queues[slot].pop(0))
            if not queues[slot]:
                del queues[slot]
        repeated = [[one] for one in mixed if self.duplicate and random.random() < 0.5]
        return [[one] for one in mixed] + repeated


def token(
    db: Database, *, roles: Sequence[str] | set[str], subject: str = "alice", organisation_id: str | None = None
) -> str:
    """A development token of the center's issuer."""
    issuer = load_issuer_key(db.center.settings.trust, db.center.id)
    key = ECKey.import_key(issuer.jwk)
    claims: dict[str, Any] = {
        "iss": issuer.issuer,
        "sub": subject,
        "name": subject.title(),
        "roles": sorted(roles),
        "ctta_center": db.center.id,
        "exp": int(time.time()) + 3600,
    }
    if organisation_id:
        claims["organisation"] = organisation_id
    return jwt.encode({"alg": "ES256", "kid": issuer.jwk["kid"]}, claims, key)


def client(
    db: Database,
    service: Service,
    *,
    roles: Sequence[str] | set[str] = ("officer",),
    subject: str = "alice",
    organisation_id: str | None = None,
    lang: str = "en",
) -> httpx.AsyncClient:
    """An HTTP client with a token, straight into the service's ASGI app."""
    app = build_app(service, db, lambda: {}, lambda: {})
    bearer = token(db, roles=roles, subject=subject, organisation_id=organisation_id)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://test",
        headers={"Authorization": f"Bearer {bearer}", "Accept-Language": lang},
    )
