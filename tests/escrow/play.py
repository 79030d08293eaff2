"""A deal played between two centers by hand: people at both, and records carried from one to the other."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import httpx

from services.escrow.app import service
from services.escrow.ledger.audit import Report, audit
from shared.db import Database
from shared.ids import new_id
from shared.schemas.listing import ReservationGranted, ReservationRefused
from shared.schemas.matching import InterestAccepted, InterestExpressed
from tests.fixtures import OpenDatabase, Wire, client, deliver

CONTRACT = sha256(b"contract").hexdigest()
EVIDENCE = sha256(b"evidence").hexdigest()
BUYER, SELLER = "org_buyer", "org_seller"
PRICES = (600_000, 400_000)


def key() -> dict[str, str]:
    """A fresh Idempotency-Key."""
    return {"Idempotency-Key": secrets.token_hex(8)}


async def sql(db: Database, query: str, *values: Any) -> Any:
    """Rows of one statement on a connection of its own."""
    connection = await db.connect()
    try:
        return await connection.fetch(query, *values)
    finally:
        await connection.close()


async def audited(db: Database) -> Report:
    """The audit of a database's center."""
    connection = await db.connect()
    try:
        return await audit(connection, db.center.id, db.center.now())
    finally:
        await connection.close()


@dataclass
class Play:
    """`home` buys from `seller`; both the same database where one center is on both sides."""

    home: Database
    seller: Database
    wire: Wire
    interest_id: str = field(default_factory=lambda: new_id("int"))
    listing_id: str = field(default_factory=lambda: new_id("lst"))
    deal_id: str = ""
    people: dict[Any, httpx.AsyncClient] = field(default_factory=dict)

    @classmethod
    async def start(
        cls, open_database: OpenDatabase, *, home: str = "beijing", seller: str = "east", **wire: Any
    ) -> "Play":
        """Fresh databases for both sides."""
        db = await open_database(service, center=home)
        other = db if seller == home else await open_database(service, center=seller)
        parties = [(db, service)] if other is db else [(db, service), (other, service)]
        return cls(db, other, Wire(parties, **wire))

    async def post(
        self,
        db: Database,
        path: str,
        body: Any = None,
        *,
        subject: str = "alice",
        roles: Any = ("officer",),
        **who: Any,
    ) -> httpx.Response:
        """A person's step."""
        http = self.speaks(db, subject=subject, roles=tuple(roles), **who)
        return await http.post(f"/escrow{path}", json=body, headers=key())

    async def get(self, db: Database, path: str, *, roles: Any = ("officer",), **who: Any) -> httpx.Response:
        """A person reads."""
        return await self.speaks(db, roles=tuple(roles), **who).get(f"/escrow{path}")

    def speaks(self, db: Database, **who: Any) -> httpx.AsyncClient:
        """A person's client, made once."""
        slot = (id(db), *sorted(who.items()))
        if slot not in self.people:
            self.people[slot] = client(db, service, **who)
        return self.people[slot]

    async def step(self, db: Database, path: str, body: Any = None, **who: Any) -> dict[str, Any]:
        """A step of this deal that must succeed; then everything is carried."""
        answer = await self.post(db, f"/deals/{self.deal_id}{path}", body, **who)
        assert answer.status_code == 200, answer.text
        await self.wire.carry()
        found: dict[str, Any] = answer.json()
        return found

    async def hop(self) -> None:
        """Carry what is announced now, and not what it leads to."""
        with suppress(AssertionError):  # the wire says that the parties are still talking
            await self.wire.carry(rounds=1)

    async def deal(self, db: Database | None = None) -> dict[str, Any]:
        """The deal as an officer sees it (at the home unless said otherwise)."""
        answer = await self.get(db or self.home, f"/deals/{self.deal_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def accepted_interest(self) -> InterestAccepted:
        """What the owner's center says to the seeker's."""
        return InterestAccepted(
            to=self.home.center.id, interest_id=self.interest_id, demand_id="lst_demand", offer_id=self.listing_id,
            seeker_center=self.home.center.id, seeker_organisation_id=BUYER, owner_center=self.seller.center.id,
            owner_organisation_id=SELLER,
        )  # fmt: skip

    def expressed_interest(self) -> InterestExpressed:
        """What the seeker's center said to the owner's."""
        return InterestExpressed(
            to=self.seller.center.id, interest_id=self.interest_id, match_id=None, demand_id="lst_demand",
            offer_id=self.listing_id, seeker_center=self.home.center.id, seeker_organisation_id=BUYER,
            answer_by=datetime(2030, 1, 1, tzinfo=UTC),
        )  # fmt: skip

    async def interest(self) -> None:
        """Expressed and accepted; each escrow service reads what its own matching service sent as well."""
        for event, speaker in ((self.expressed_interest(), self.home), (self.accepted_interest(), self.seller)):
            for db in {id(db): db for db in (self.home, self.seller)}.values():
                await deliver(db, service, event, source=speaker.center.id)

    async def open(self) -> None:
        """Interest accepted, deal opened on both sides."""
        await self.interest()
        await self.wire.carry()
        listed = (await self.get(self.home, "/deals")).json()["items"]
        self.deal_id = next(deal["id"] for deal in listed if deal["interest_id"] == self.interest_id)

    async def reserve(self) -> None:
        """The seller's listing service holds the listing: told to the home, read by the seller's escrow as well."""
        granted = ReservationGranted(to=self.home.center.id, listing_id=self.listing_id, deal_id=self.deal_id)
        await self.tell(granted)

    async def tell(self, event: ReservationGranted | ReservationRefused) -> None:
        """Something the seller's listing service says to the home."""
        for db in {id(db): db for db in (self.home, self.seller)}.values():
            await deliver(db, service, event, source=self.seller.center.id)
        await self.wire.carry()

    def terms(self, prices: tuple[int, ...] = PRICES, currency: str = "CNY") -> dict[str, Any]:
        """A body for /terms."""
        return {
            "contract_type": "transfer",
            "contract_sha256": CONTRACT,
            "milestones": [
                {"number": n, "title": f"part {n}", "amount": {"minor": minor, "currency": currency}}
                for n, minor in enumerate(prices, 1)
            ],
        }

    async def agree(self, prices: tuple[int, ...] = PRICES) -> None:
        """Opened, reserved, proposed, agreed."""
        await self.open()
        await self.reserve()
        await self.step(self.home, "/terms", self.terms(prices))
        await self.step(self.seller, "/agreement", {"contract_sha256": CONTRACT})

    async def fund(self, prices: tuple[int, ...] = PRICES) -> None:
        """Everything up to the buyer's money being held."""
        await self.agree(prices)
        await self.step(self.home, "/funding", self.funding(sum(prices)))

    def funding(self, minor: int, currency: str = "CNY") -> dict[str, Any]:
        """A body for /funding."""
        return {"amount": {"minor": minor, "currency": currency}, "bank_reference": f"CMB-{secrets.token_hex(6)}"}

    async def deliver(self, number: int) -> None:
        """The seller hands over."""
        await self.step(self.seller, f"/milestones/{number}/delivery", {"evidence_sha256": EVIDENCE})

    async def accept(self, number: int, subject: str = "alice") -> None:
        """The first approval."""
        await self.step(self.home, f"/milestones/{number}/acceptance", subject=subject)

    async def release(self, number: int, subject: str = "bob") -> None:
        """The second approval."""
        await self.step(self.home, f"/milestones/{number}/release", subject=subject)

    async def states(self, db: Database | None = None) -> tuple[str, list[str]]:
        """State of the deal and of each milestone."""
        deal = await self.deal(db)
        return deal["state"], [m["state"] for m in deal["milestones"]]

    async def balances(self, db: Database) -> dict[str, int]:
        """Signed balances by account code, without the accounts that are at zero."""
        rows = await sql(db, "SELECT code, balance_minor FROM account_now WHERE balance_minor <> 0")
        return {row["code"]: row["balance_minor"] for row in rows}
