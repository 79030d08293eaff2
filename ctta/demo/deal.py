"""One deal across two centers, from a match to the last settlement, by the requests of six people."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from ctta.demo.desk import Desk, Refusal
from ctta.demo.matches import Match
from ctta.demo.people import Cast
from ctta.demo.telling import Teller
from ctta.demo.waiting import until
from shared.schemas.money import Money

DEFAULT_MINOR: Final = 60_000_000
"""600,000.00 where the offer states no price."""
FIRST_SHARE_PERCENT: Final = 40
TAKEN: Final = frozenset({"interest-already-open", "not-offered"})
"""Somebody else was quicker: take the next match."""

View = dict[str, Any]


@dataclass
class Play:
    """A deal being played. `home` is the buyer's center, `away` the seller's."""

    match: Match
    cast: Cast
    teller: Teller
    buyer: Desk = field(init=False)
    seller: Desk = field(init=False)
    price: Money = field(init=False)
    interest_id: str = ""
    deal_id: str = ""

    @property
    def home(self) -> str:
        return str(self.match["demand_center"])

    @property
    def away(self) -> str:
        return str(self.match["offer_center"])

    @property
    def conversations(self) -> set[str]:
        """What notices about this play speak of."""
        return {self.deal_id, str(self.match["offer_id"])}

    async def prepare(self) -> None:
        """Find out who the parties are and what the offer costs."""
        demand = await self.cast.officer(self.home).get(f"/listing/listings/{self.match['demand_id']}")
        offer = await self.cast.officer(self.away).get(f"/listing/listings/{self.match['offer_id']}")
        zh = self.cast.lang == "zh"
        self.buyer = self.cast.member(
            self.home, demand["organisation_id"], "需求方代表" if zh else "The buyer's delegate"
        )
        self.seller = self.cast.member(
            self.away, offer["organisation_id"], "供给方代表" if zh else "The seller's delegate"
        )
        price = offer.get("price") or {}
        minor = price.get("max_minor") or price.get("min_minor") or DEFAULT_MINOR
        self.price = Money(minor=int(minor), currency=price.get("currency") or "CNY")

    async def express(self) -> bool:
        """The buyer's side expresses interest. False: the match is no longer open."""
        body = {"match_id": self.match["match_id"], "message": "We would like to talk. 希望进一步洽谈。"}
        try:
            interest = await self.buyer.post("/matching/interests", f"demo-{self.match['match_id']}", body)
        except Refusal as refusal:
            if refusal.rule in TAKEN:
                return False
            raise
        self.interest_id = interest["interest_id"]
        self.teller.step(
            self.home,
            f"{self.buyer.name} expresses interest in “{_title(self.match, 'offer', 'en')}” at {self.away}",
            f"{self.buyer.name}对 {self.away} 的《{_title(self.match, 'offer', 'zh')}》表达意向",
        )
        return True

    async def accept_interest(self) -> None:
        """The seller's side sees the interest and accepts; the deal opens at the buyer's center."""
        path = f"/matching/interests/{self.interest_id}"
        await until(lambda: self.seller.find(path), f"the interest reaches {self.away}", f"意向送达 {self.away}")
        await self.seller.post(f"{path}/acceptance", f"accept-{self.interest_id}")
        self.teller.step(self.away, f"{self.seller.name} accepts", f"{self.seller.name}接受意向")
        self.deal_id = await until(self._opened, f"{self.home} opens the deal", f"{self.home} 建立交易")
        await self._until_step(self.buyer, "terms")
        self.teller.step(
            self.home, f"opens deal {self.deal_id}; {self.away} reserves the listing",
            f"建立交易 {self.deal_id}；{self.away} 预留该项供给",
        )  # fmt: skip

    async def agree(self) -> None:
        """Terms are proposed at home and agreed at the seller's center by the contract's hash."""
        contract = sha256(f"technical contract of {self.deal_id}".encode()).hexdigest()
        first = self.price.minor * FIRST_SHARE_PERCENT // 100
        parts = (("prototype", first), ("handover", self.price.minor - first))
        milestones = [
            {"number": n, "title": title, "amount": {"minor": minor, "currency": self.price.currency}}
            for n, (title, minor) in enumerate(parts, 1)
        ]
        body = {"contract_type": "licence", "contract_sha256": contract, "milestones": milestones}
        await self._post(self.buyer, "terms", body)
        self.teller.step(
            self.home, f"proposes terms: {self.price} in 2 milestones", f"提出合同条款：{self.price}，分两个里程碑"
        )
        await self._until_step(self.seller, "agreement")
        await self._post(self.seller, "agreement", {"contract_sha256": contract})
        self.teller.step(self.away, "agrees to the same contract by its hash", "按合同哈希确认同一合同")

    async def fund(self) -> None:
        """The buyer's payment is recorded; the money is held at home."""
        officer = self.cast.officer(self.home)
        await self._until_step(officer, "funding")
        body = {"amount": self.price.model_dump(), "bank_reference": f"DEMO-{self.deal_id[-12:]}"}
        await self._post(officer, "funding", body)
        self.teller.step(self.home, f"holds {self.price} of the buyer", f"托管买方资金 {self.price}")

    async def milestone(self, number: int) -> None:
        """Delivery, acceptance by one person, release by another, settlement across the two centers."""
        path = f"milestones/{number}"
        evidence = sha256(f"{self.deal_id} delivery {number}".encode()).hexdigest()
        await self._until_step(self.seller, "delivery", number)
        await self._post(self.seller, f"{path}/delivery", {"evidence_sha256": evidence})
        self.teller.step(self.away, f"delivers milestone {number}", f"交付第 {number} 个里程碑")
        await self._until_step(self.buyer, "acceptance", number)
        await self._post(self.buyer, f"{path}/acceptance")
        checker = self.cast.officer(self.home, "second-officer")
        await self._until_step(checker, "release", number)
        await self._post(checker, f"{path}/release")
        self.teller.step(
            self.home, f"accepts it ({self.buyer.name}) and releases the money ({checker.name})",
            f"{self.buyer.name}验收，{checker.name}放款",
        )  # fmt: skip
        await until(
            lambda: self._paid(number), f"milestone {number} is settled between {self.home} and {self.away}",
            f"第 {number} 个里程碑在 {self.home} 与 {self.away} 之间结算",
        )  # fmt: skip
        self.teller.step(
            self.away,
            f"has the money of milestone {number}; both ledgers say so",
            f"收到第 {number} 个里程碑款项，两本账一致",
        )

    async def complete(self) -> None:
        """The deal is completed on both sides and the listing is transacted."""

        async def ended() -> bool:
            views = [await self._view(self.cast.officer(center)) for center in (self.home, self.away)]
            offer = await self.cast.officer(self.away).get(f"/listing/listings/{self.match['offer_id']}")
            return all(view["state"] == "completed" for view in views) and offer["status"] == "transacted"

        await until(ended, "the deal is completed at both centers", "交易在两个中心完成")
        self.teller.step(self.home, "completes the deal; the listing is transacted", "交易完成，供给项已成交")

    async def _post(self, desk: Desk, what: str, body: Any = None) -> View:
        view: View = await desk.post(
            f"/escrow/deals/{self.deal_id}/{what}", f"{what}-{self.deal_id}".replace("/", "-"), body
        )
        return view

    async def _view(self, desk: Desk) -> View:
        view: View = await desk.get(f"/escrow/deals/{self.deal_id}")
        return view

    async def _opened(self) -> str | None:
        for deal in await self.buyer.every("/escrow/deals", limit=200):
            if deal["interest_id"] == self.interest_id:
                return str(deal["id"])
        return None

    async def _until_step(self, desk: Desk, step: str, milestone: int | None = None) -> None:
        async def possible() -> bool:
            view = await desk.find(f"/escrow/deals/{self.deal_id}")
            if view is None:
                return False
            places = [view] if milestone is None else [m for m in view["milestones"] if m["number"] == milestone]
            return any(step in place["steps"] for place in places)

        await until(possible, f"{step} becomes possible at {desk.center}", f"{desk.center} 可以进行 {step}")

    async def _paid(self, number: int) -> bool:
        home, away = await self._view(self.cast.officer(self.home)), await self._view(self.cast.officer(self.away))
        return all(m["state"] == "paid" for view in (home, away) for m in view["milestones"] if m["number"] == number)


def _title(match: Match, side: str, lang: str) -> str:
    text = match.get(f"{side}_title") or {}
    other = "en" if lang == "zh" else "zh"
    return str(text.get(lang) or text.get(other) or match[f"{side}_id"])
