"""A small market as a center's services would show it, told with their own views, rules and sentences.

Listings are the sample market's, matches are scored by the matching rules, steps are real events told by the story's
sentences. What the page is shown in tests therefore has the shapes that the routes answer.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.resources import files
from itertools import count
from typing import Any, Final
from uuid import UUID

from services.escrow.clearing.views import TransferView
from services.escrow.deal.views import ApprovalView, DealView, MilestoneView
from services.escrow.ledger.views import AccountView
from services.matching.index import domain as index
from services.matching.index.text import GENERAL_TERMS, listing_terms, listing_text
from services.matching.interest.routes import InterestView
from services.matching.match import domain as matching
from services.matching.match.routes import MatchView
from services.matching.match.wording import told
from services.notify.notice.inbox import NoticeView
from services.notify.story import domain as story
from services.notify.story.handlers import StepView
from services.notify.story.wording import Known
from shared.schemas import escrow, listing
from shared.schemas import matching as schema
from shared.schemas.base import Event, Text
from shared.schemas.listing import ListingState, Price
from shared.schemas.money import Money
from shared.traces.model import Span

HERE: Final = "east"
BEGAN: Final = datetime(2026, 11, 20, 1, 12, 0, tzinfo=UTC)
DEMAND, OFFER = "east-demand-001", "beijing-tech-001"
MILESTONES: Final = (
    ("中试方案与膜堆设计 · Pilot design and stacks", 54_000_000),
    ("200 m³/d 示范线投运 · Line on stream", 126_000_000),
)


def derived(name: str, prefix: str = "") -> str:
    """An id that is the same at every run."""
    hexed = sha256(name.encode()).hexdigest()[:32]
    return f"{prefix}_{hexed}" if prefix else hexed


def samples() -> dict[str, ListingState]:
    """The public listings of the sample market by external id, as the catalogue has them."""
    folder = files("ctta").joinpath("samples")
    names = {
        row["external_id"]: row["name"] for row in _rows(folder.joinpath("organisations.jsonl").read_text("utf-8"))
    }
    rows = _rows(folder.joinpath("listings.jsonl").read_text("utf-8"))
    public = [row for row in rows if row["tier"] == "public"]
    return {row["external_id"]: _state(n, row, names) for n, row in enumerate(public)}


def _rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _state(n: int, row: dict[str, Any], names: dict[str, Any]) -> ListingState:
    known = {name: row[name] for name in ListingState.model_fields if row.get(name) is not None}
    return ListingState(
        **known | {"price": Price(**row["price"]) if row.get("price") else Price()},
        listing_id=derived(row["external_id"], "lst"),
        organisation_id=derived(row["organisation"], "org"),
        organisation_name=Text(**names[row["organisation"]]),
        status="published",
        listing_version=2,
        published_at=BEGAN + timedelta(seconds=n),
    )


@dataclass
class Market:
    """Everything the page asks the services for."""

    listings: dict[str, ListingState] = field(default_factory=samples)
    matches: list[MatchView] = field(default_factory=list)
    interests: list[InterestView] = field(default_factory=list)
    deals: list[DealView] = field(default_factory=list)
    steps: list[StepView] = field(default_factory=list)
    notices: list[NoticeView] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)
    clock: datetime = BEGAN

    def tell(self, event: Event, center: str, *, after_s: float = 1.0) -> StepView:
        """An event becomes a step of the story."""
        self.clock += timedelta(seconds=after_s)
        sentence = story.say(event.type, story.facts(event), center, self.known)
        step = StepView(
            cursor=str(len(self.steps) + 1), event_id=UUID(derived(f"event {len(self.steps)}")), at=self.clock,
            center=center, service=event.service, event_type=event.type, subject=event.subject,
            conversation=event.conversation, ids=story.ids(event), sentence=sentence, trace_id=derived("trace"),
        )  # fmt: skip
        self.steps.append(step)
        return step


def market() -> Market:
    """Three centers: published listings, matches, and one deal between east (the buyer) and beijing, half paid."""
    found = Market()
    by_id = {one.listing_id: one for one in found.listings.values()}
    found.known = {id: Known(one.title) for id, one in by_id.items()}
    found.known |= {one.organisation_id: Known(one.organisation_name) for one in by_id.values()}
    for one in [*found.listings.values()][:18]:
        published = listing.ListingPublished(**one.model_dump(include=set(listing.ListingPublished.model_fields)))
        found.tell(published, one.center, after_s=0.7)
    found.matches = sorted(_matches(found), key=lambda match: -match.score)
    for match in found.matches[:6]:
        found.tell(schema.MatchFound(to=match.offer_center, **_fields(match, schema.MatchFound)), match.demand_center)
    _deal(found)
    return found


def _fields(view: Any, event: type[Event]) -> dict[str, Any]:
    return dict(view.model_dump(include=set(event.model_fields)))


def _matches(found: Market) -> list[MatchView]:
    """The pairs that the samples hold for matches, where the demand or the offer is ours, scored by the rules."""
    folder = files("ctta").joinpath("samples")
    pairs = _rows(folder.joinpath("pairs.jsonl").read_text("utf-8"))
    statistics = index.Statistics(GENERAL_TERMS)
    for one in found.listings.values():
        statistics.count(listing_terms(one))
    views = []
    for pair in pairs:
        demand, offer = found.listings.get(pair["demand"]), found.listings.get(pair["offer"])
        if demand and offer and HERE in (demand.center, offer.center):
            views += _match(demand, offer, statistics)
    return views


def _match(demand: ListingState, offer: ListingState, statistics: index.Statistics) -> list[MatchView]:
    now = BEGAN + timedelta(minutes=3)
    scored = matching.score(demand, offer, index.query(listing_terms(demand), statistics), listing_terms(offer), now)
    if not scored.plausible or matching.failing(demand, offer, now.date()):
        return []
    view = MatchView(
        match_id=derived(demand.listing_id + offer.listing_id, "mat"), demand_id=demand.listing_id, demand_version=2,
        demand_center=demand.center, demand_title=demand.title, offer_id=offer.listing_id, offer_version=2,
        offer_center=offer.center, offer_kind=offer.kind, offer_title=offer.title,
        score=scored.score / matching.PARTS,
        components={name: parts / matching.PARTS for name, parts in scored.components.items()},
        terms=told(scored.terms, listing_text(demand), listing_text(offer)), shared=matching.shared(demand, offer),
        filters=list(matching.FILTERS), rules="weights 1, text 1", status="open", closed_because=None,
        decided_here=demand.center == HERE, found_at=now, changed_at=now,
    )  # fmt: skip
    return [view]


def _deal(found: Market) -> None:
    demand, offer = found.listings[DEMAND], found.listings[OFFER]
    deal, interest, transfer = derived("deal", "dea"), derived("interest", "int"), derived("transfer", "trf")
    contract, match = derived("contract") * 2, derived(demand.listing_id + offer.listing_id, "mat")
    buyer, seller = demand.organisation_id, offer.organisation_id
    links = {"listing_id": offer.listing_id, "buyer_organisation_id": buyer, "seller_organisation_id": seller}
    found.known[deal] = Known(links=links)
    due, money = found.clock + timedelta(days=7), [Money(minor=minor) for _, minor in MILESTONES]
    terms = [
        escrow.MilestoneTerms(number=n, title=title, amount=money[n - 1]) for n, (title, _) in enumerate(MILESTONES, 1)
    ]
    home, peer, both = HERE, offer.center, {"deal_id": deal}
    there, back = {"to": peer, **both}, {"to": home, **both}
    said: list[tuple[str, Event, float]] = [
        (home, schema.InterestExpressed(
            to=peer, interest_id=interest, match_id=match, demand_id=demand.listing_id, offer_id=offer.listing_id,
            seeker_center=home, seeker_organisation_id=buyer, answer_by=due), 40),
        (peer, schema.InterestAccepted(
            to=home, interest_id=interest, demand_id=demand.listing_id, offer_id=offer.listing_id, seeker_center=home,
            seeker_organisation_id=buyer, owner_center=peer, owner_organisation_id=seller), 95),
        (home, escrow.DealOpened(
            to=peer, deal_id=deal, home=home, interest_id=interest, listing_id=offer.listing_id,
            demand_id=demand.listing_id, buyer_organisation_id=buyer, seller_organisation_id=seller), 0.1),
        (peer, listing.ListingReserved(listing_id=offer.listing_id, center=peer, kind=offer.kind), 0.2),
        (peer, listing.ReservationGranted(to=home, listing_id=offer.listing_id, deal_id=deal), 0.1),
        (home, escrow.TermsProposed(
            **there, contract_type="licence", contract_sha256=contract, milestones=terms), 300),
        (peer, escrow.TermsAgreed(**back, contract_sha256=contract), 240),
        (home, escrow.DealFunded(**there, amount=Money(minor=180_000_000)), 600),
        (peer, escrow.MilestoneDelivered(**back, number=1, evidence_sha256=contract), 500),
        (home, escrow.MilestoneAccepted(**there, number=1), 420),
        (home, escrow.MilestoneReleased(**there, number=1, transfer_id=transfer, amount=money[0]), 75),
        (home, escrow.TransferPrepared(
            **there, transfer_id=transfer, milestone=1, payee_organisation_id=seller, amount=money[0]), 0.02),
        (peer, escrow.TransferDecided(**back, transfer_id=transfer, decision="fulfilled", decision_number=1), 0.2),
        (home, escrow.TransferSettled(**there, transfer_id=transfer, outcome="posted", amount=money[0]), 0.1),
        (peer, escrow.MilestoneDelivered(**back, number=2, evidence_sha256=contract), 900),
    ]  # fmt: skip
    told_steps = [found.tell(event, center, after_s=after) for center, event, after in said]
    found.notices = [_notice(step, n) for n, step in enumerate(reversed(told_steps)) if step.service == "escrow"]
    found.interests = [_interest(found, interest, match, demand, offer, told_steps)]
    found.deals = [_deal_view(found, deal, interest, transfer, contract, demand, offer, told_steps)]
    found.spans = _spans(deal, offer.listing_id)


def _notice(step: StepView, n: int) -> NoticeView:
    names = {
        name: getattr(step, name)
        for name in ("event_type", "at", "center", "subject", "conversation", "ids", "sentence")
    }
    read = step.at + timedelta(minutes=2) if n > 2 else None
    event = ".".join(step.event_type.split(".")[2:-1])
    return NoticeView(
        id=derived(f"notice {n}", "ntc"), subscription_id=derived("s", "sub"), event=event, read_at=read, **names
    )


def _interest(
    found: Market, interest: str, match: str, demand: ListingState, offer: ListingState, steps: Sequence[StepView]
) -> InterestView:
    return InterestView(
        interest_id=interest, match_id=match, demand_id=demand.listing_id, demand_title=demand.title,
        offer_id=offer.listing_id, offer_title=offer.title, seeker_center=demand.center,
        seeker_organisation_id=demand.organisation_id, owner_center=offer.center,
        owner_organisation_id=offer.organisation_id, side="seeker", message="", status="accepted", reason=None,
        expressed_at=steps[0].at, answer_by=steps[0].at + timedelta(days=7), answered_at=steps[1].at, overdue=False,
    )  # fmt: skip


def _deal_view(
    found: Market, deal: str, interest: str, transfer: str, contract: str, demand: ListingState, offer: ListingState,
    steps: Sequence[StepView],
) -> DealView:  # fmt: skip
    issuer = "urn:ctta:development:east"
    approval = ApprovalView(
        purpose="release", covers_sha256=contract, maker=f"{issuer}|lin.wei", made_at=steps[9].at,
        checker=f"{issuer}|zhou.min", checked_at=steps[10].at, void=None,
    )  # fmt: skip
    stones = [
        MilestoneView(
            number=n, title=title, amount=Money(minor=minor), state=("paid", "delivered")[n - 1],
            evidence_sha256=contract, transfer_id=transfer if n == 1 else None, approvals=[approval] if n == 1 else [],
            steps=[] if n == 1 else ["acceptance", "refund-request"],
        )
        for n, (title, minor) in enumerate(MILESTONES, 1)
    ]  # fmt: skip
    accounts = [(f"deal:{deal}:held", 0), (f"deal:{deal}:ms:1", 0), (f"deal:{deal}:ms:2", -126_000_000)]
    money = [
        AccountView(
            code=code, currency="CNY", kind="liability", balance_minor=minor, debit_pending_minor=0,
            credit_pending_minor=0, available_minor=-minor, floor_minor=0, limit_minor=None,
        )
        for code, minor in accounts
    ]  # fmt: skip
    paid = TransferView(
        transfer_id=transfer, direction="outgoing", peer=offer.center, deal_id=deal, milestone=1,
        amount=Money(minor=MILESTONES[0][1]), state="posted", rule=None, decision_number=1, decided_at=steps[12].at,
    )  # fmt: skip
    return DealView(
        id=deal, side="home", home=demand.center, seller_center=offer.center, state="funded",
        listing_id=offer.listing_id, demand_id=demand.listing_id, interest_id=interest,
        buyer_organisation_id=demand.organisation_id, seller_organisation_id=offer.organisation_id,
        contract_type="licence", contract_sha256=contract, total=Money(minor=180_000_000), version=9,
        opened_at=steps[2].at, updated_at=steps[-1].at, milestones=stones, money=money, transfers=[paid], steps=[],
    )  # fmt: skip


def _spans(deal: str, listing_id: str) -> list[Span]:
    """The story of the deal. A line: depth, center, service, name, event, start in ms, length in ms."""
    to_beijing, to_east = "ctta.east.{}.to.beijing", "ctta.beijing.{}.to.east"
    lines: list[tuple[int, str, str, str, str, float, float]] = [
        (0, "east", "matching", "POST /matching/interests", "", 0, 14),
        (1, "east", "matching", f"send {to_beijing}", "matching.interest.expressed", 15, 4),
        (2, "beijing", "matching", f"process {to_beijing}", "matching.interest.expressed", 24, 9),
        (2, "beijing", "notify", f"process {to_beijing}", "matching.interest.expressed", 25, 6),
        (0, "beijing", "matching", "POST /matching/interests/{interest_id}/acceptance", "", 95_000, 12),
        (1, "beijing", "matching", f"send {to_east}", "matching.interest.accepted", 95_013, 3),
        (2, "east", "escrow", f"process {to_east}", "matching.interest.accepted", 95_020, 16),
        (3, "east", "escrow", f"send {to_beijing}", "escrow.deal.opened", 95_037, 4),
        (4, "beijing", "listing", f"process {to_beijing}", "escrow.deal.opened", 95_046, 13),
        (5, "beijing", "listing", f"send {to_east}", "listing.reservation.granted", 95_060, 3),
        (6, "east", "escrow", f"process {to_east}", "listing.reservation.granted", 95_067, 8),
        (4, "beijing", "escrow", f"process {to_beijing}", "escrow.deal.opened", 95_047, 10),
        (0, "east", "escrow", "POST /escrow/deals/{deal_id}/milestones/{number}/release", "", 240_000, 19),
        (1, "east", "escrow", f"send {to_beijing}", "escrow.transfer.prepared", 240_020, 3),
        (2, "beijing", "escrow", f"process {to_beijing}", "escrow.transfer.prepared", 240_028, 12),
        (3, "beijing", "escrow", f"send {to_east}", "escrow.transfer.decided", 240_041, 3),
        (4, "east", "escrow", f"process {to_east}", "escrow.transfer.decided", 240_049, 11),
        (5, "east", "escrow", f"send {to_beijing}", "escrow.transfer.settled", 240_061, 4),
        (6, "beijing", "escrow", f"process {to_beijing}", "escrow.transfer.settled", 240_070, 7),
        (6, "beijing", "notify", f"process {to_beijing}", "escrow.transfer.settled", 240_071, 9),
        (7, "beijing", "notify", "deliver webhook", "", 240_085, 48),
    ]  # fmt: skip
    spans: list[Span] = []
    parents: dict[int, str] = {}
    numbers = count(1)
    for depth, center, service, name, event, start_ms, length_ms in lines:
        number = next(numbers)
        span_id = f"{number:016x}"
        parents[depth] = span_id
        topic = name.split(" ", 1)[1].format(event.split(".")[0]) if event else ""
        attributes: dict[str, Any] = {"messaging.message.conversation_id": deal, "ctta.listing": listing_id}
        if event:
            attributes |= {
                "messaging.destination.name": topic, "cloudevents.event_type": f"ctta.{event}.v1",
                "messaging.destination.partition.id": "3", "messaging.kafka.offset": 40 + number,
                "messaging.message.id": str(UUID(derived(f"message {number}"))),
            }  # fmt: skip
        began = int(BEGAN.timestamp() * 1e9) + int(start_ms * 1e6)
        spans.append(
            Span(
                trace_id=derived(f"trace {sum(1 for line in lines[:number] if line[0] == 0)}"), span_id=span_id,
                parent_id=parents[depth - 1] if depth else "", name=name.format(event.split(".")[0]) if event else name,
                kind=5 if name.startswith("process") else 2, service=service, center=center, start_ns=began,
                end_ns=began + int(length_ms * 1e6), error="ConnectError" if name == "deliver webhook" else "",
                attributes=attributes,
            )
        )  # fmt: skip
    return spans
