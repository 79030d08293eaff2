"""The parties subscribe before the deal, and afterwards the demo counts what reached them."""

from typing import Any, Final

from ctta.demo.deal import Play
from ctta.demo.desk import Desk
from ctta.demo.receiver import Receiver
from ctta.demo.telling import Teller
from ctta.demo.waiting import until

PAGE: Final = 200


class Listening:
    """An inbox for the buyer's delegate, a webhook for both centers' technology managers."""

    def __init__(self, play: Play, receiver: Receiver) -> None:
        self._play = play
        self._receiver = receiver
        self._managers = [play.cast.manager(play.home), play.cast.manager(play.away)]

    async def subscribe(self, teller: Teller) -> None:
        """Once each; subscriptions of an earlier demo are used again, its webhooks that lead nowhere are ended."""
        key = f"demo-{self._receiver.port}"
        for desk in (self._play.buyer, self._play.seller):
            if not await desk.every("/notify/subscriptions"):
                await desk.post("/notify/subscriptions", "demo-inbox", {"channel": "inbox"})
        for desk in self._managers:
            standing = await desk.every("/notify/subscriptions")
            for one in standing:
                if one["url"] != self._receiver.url:
                    await desk.delete(f"/notify/subscriptions/{one['id']}")
            if not any(one["url"] == self._receiver.url for one in standing):
                body = {"channel": "webhook", "url": self._receiver.url, "in_order": True, "events": EVENTS}
                await desk.post("/notify/subscriptions", f"webhook-{key}-{self._play.match['match_id']}", body)
        teller.step(
            "", f"Both sides subscribe: an inbox each, and signed webhooks to {self._receiver.url}",
            f"双方订阅通知：站内信与签名回调 {self._receiver.url}",
        )  # fmt: skip

    async def delivered(self, teller: Teller) -> int:
        """Wait until every webhook about this deal was delivered; how many notices reached people."""
        await until(self._none_pending, "every webhook is delivered", "全部回调已送达")
        webhooks = [d for desk in self._managers for d in await self._deliveries(desk) if d["state"] == "delivered"]
        inboxes = [
            notice
            for desk in (self._play.buyer, self._play.seller)
            for notice in await desk.every("/notify/inbox", limit=PAGE)
            if notice["conversation"] in self._play.conversations
        ]
        came = len(self._receiver.seen & {one["id"] for one in webhooks})
        teller.step(
            "", f"{len(webhooks)} webhooks delivered ({came} seen by the receiver), {len(inboxes)} notices in inboxes",
            f"已送达 {len(webhooks)} 个回调（接收端收到 {came} 个），站内信 {len(inboxes)} 条",
        )  # fmt: skip
        return len(webhooks) + len(inboxes)

    async def _none_pending(self) -> bool:
        for desk in self._managers:
            deliveries = await self._deliveries(desk)
            if not deliveries or any(one["state"] == "pending" for one in deliveries):
                return False
        return True

    async def _deliveries(self, desk: Desk) -> list[dict[str, Any]]:
        found = await desk.every("/notify/deliveries", limit=PAGE)
        return [one for one in found if one["conversation"] in self._play.conversations]


EVENTS: Final = [
    "interest.expressed", "interest.accepted", "deal.opened", "terms.agreed", "deal.funded", "milestone.delivered",
    "milestone.accepted", "milestone.released", "transfer.settled", "deal.completed",
]  # fmt: skip
