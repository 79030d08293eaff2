"""The whole story, from an empty market to a settled deal, on an alliance that runs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctta.alliance.quiet import Backlog
from ctta.alliance.state import AllianceState
from ctta.auditing import audit
from ctta.cli.output import progress
from ctta.cli.words import Failure, say
from ctta.demo import market, matches, stocking
from ctta.demo.deal import Play
from ctta.demo.listening import Listening
from ctta.demo.people import Cast
from ctta.demo.receiver import Receiver
from ctta.demo.telling import Figures, Teller
from ctta.demo.waiting import until
from ctta.held import parked
from shared.settings import Settings
from shared.traces import Story, source, story

MILESTONES: Final = 2
TRACE_PATIENCE_S: Final = 20.0
WHOLE_SERVICES: Final = 4
WHOLE_CENTERS: Final = 2


@dataclass
class Demo:
    """One run of the demo on a running alliance."""

    state: AllianceState
    settings: Settings
    teller: Teller
    lang: str

    def __post_init__(self) -> None:
        urls = {name: center.url for name, center in self.state.centers.items()}
        self.cast = Cast(self.settings.trust, urls, self.lang)
        self.places = [self.state.settings_for(name, self.settings) for name in self.state.centers]
        self.figures = Figures()
        self.lines: list[tuple[str, str]] = []

    @property
    def centers(self) -> Sequence[str]:
        """Ids of the centers."""
        return list(self.state.centers)

    async def play(self, folder: Path | None, limit: int | None, receiver: Receiver) -> Figures:
        """Stock, match, deal, money, notices, books, trace. Raises Failure."""
        try:
            await self._market(folder, limit)
            found = await matches.decided(self.cast, self.centers)
            self.figures.matches, self.figures.cross_center_matches = len(found), len(matches.across(found))
            self.teller.step(
                "", f"{len(found)} matches stand open, {self.figures.cross_center_matches} of them across centers.",
                f"共有 {len(found)} 个匹配，其中 {self.figures.cross_center_matches} 个跨中心。",
            )  # fmt: skip
            played, listening = await self._begin(found, receiver)
            await self._deal(played)
            await self._aftermath(played, listening)
        finally:
            await self.cast.close()
        self.figures.seconds = self.teller.seconds
        return self.figures

    async def _market(self, folder: Path | None, limit: int | None) -> None:
        rows = market.of_folder(folder, self.centers, limit) if folder else market.sample(self.centers, limit)
        backlog = Backlog(self.places)
        with progress() as bar:
            stocked = await stocking.stock(self.cast, rows, self.teller, bar)
            self.figures.listings = sum(one.listings for one in stocked.values())
            await stocking.everywhere(self.cast, stocked, self.teller)
            await stocking.quiet(backlog, bar)

    async def _begin(self, found: list[matches.Match], receiver: Receiver) -> tuple[Play, Listening]:
        """The best match that is still open becomes an interest."""
        for match in matches.candidates(found):
            played = Play(match, self.cast, self.teller)
            await played.prepare()
            self._choice(played)
            listening = Listening(played, receiver)
            await listening.subscribe(self.teller)
            if await played.express():
                self.figures.interests += 1
                return played, listening
        raise Failure("Every match is taken: begin anew with --fresh.", "所有匹配均已被占用：请用 --fresh 重新开始。")

    def _choice(self, played: Play) -> None:
        match = played.match
        self.teller.step(
            played.home,
            f"takes the best match across centers: score {match['score']:.2f}, "
            + ", ".join(term["term"] for term in match["terms"][:5]),
            f"选取得分最高的跨中心匹配：{match['score']:.2f}，依据："
            + "、".join(term["term"] for term in match["terms"][:5]),
        )

    async def _deal(self, played: Play) -> None:
        await played.accept_interest()
        await played.agree()
        await played.fund()
        for number in range(1, MILESTONES + 1):
            await played.milestone(number)
        await played.complete()
        self.figures.deals_settled += 1

    async def _aftermath(self, played: Play, listening: Listening) -> None:
        backlog = Backlog(self.places)
        with progress() as bar:
            await stocking.quiet(backlog, bar)
        self.figures.notices_delivered = await listening.delivered(self.teller)
        self.figures.ledger_balanced = (await audit(self.places)).good
        verdict = ("balance", "平衡") if self.figures.ledger_balanced else ("DO NOT BALANCE", "不平衡")
        self.teller.step("", f"The ledgers of all centers {verdict[0]}.", f"各中心账本{verdict[1]}。")
        self.figures.parked = await parked(self.places)
        told = await self._story(played.deal_id)
        self.figures.trace_spans, self.figures.trace_services = len(told.spans), len(told.services)
        self.figures.trace_centers = len(told.centers)
        self._addresses(played)

    async def _story(self, deal_id: str) -> Story:
        """The deal's story; spans come in batches a moment after the fact. Incomplete is told as it is."""
        told: list[Story] = []

        async def whole() -> bool:
            told[:] = [await asyncio.to_thread(story, source(self.settings), [deal_id])]
            return len(told[0].services) >= WHOLE_SERVICES and len(told[0].centers) >= WHOLE_CENTERS

        try:
            await until(whole, "the trace is whole", "链路完整", patience_s=TRACE_PATIENCE_S)
        except Failure:
            self.teller.step("", "The trace is not whole.", "链路不完整。")
        return told[0]

    def _addresses(self, played: Play) -> None:
        officer = self.cast.officer(played.home)
        self.lines += [
            (say("Deal", "交易"), played.deal_id),
            (say("Page", "页面"), f"{officer.url}/#token={officer.token}"),
            (say("Trace", "链路"), f"ctta trace deal {played.deal_id}"),
            (say("Books", "账本"), "ctta ledger audit --all"),
        ]
