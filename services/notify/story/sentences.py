"""The one table of which events people hear about, in which words, and whom they concern.

A template names fields of the event with how they are said: `{amount:money}`, `{listing_id:title}`. Only these fields
are kept, so nothing else of a body between two centers reaches a notice. `source` is the center that speaks.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from shared.schemas.base import Event
from shared.schemas.escrow import (
    DealCompleted,
    DealFunded,
    DealOpened,
    MilestoneAccepted,
    MilestoneDelivered,
    MilestoneRefunded,
    MilestoneReleased,
    TermsAgreed,
    TermsProposed,
    TransferCancelled,
    TransferDecided,
    TransferPrepared,
    TransferSettled,
)
from shared.schemas.listing import (
    ListingPublished,
    ListingReleased,
    ListingReserved,
    ListingSubmitted,
    ListingWithdrawn,
    ReservationGranted,
    ReservationRefused,
)
from shared.schemas.matching import InterestAccepted, InterestDeclined, InterestExpressed, MatchFound
from shared.schemas.notify import NoticeDelivered, SubscriptionDisabled


class Sentence(NamedTuple):
    """How one event type is told.

    `concerns`: fields with the ids whose organisations may hear of it; an alliance event is for everybody. `speaker`:
    the field that must name the center that speaks. `notice`: whether subscribers are told; else only the story tells.
    """

    event: type[Event]
    en: str
    zh: str
    concerns: tuple[str, ...] = ()
    speaker: str = ""
    notice: bool = True


DEAL: Final = ("deal_id",)

SENTENCES: Final[tuple[Sentence, ...]] = (
    Sentence(
        ListingSubmitted,
        "{organisation_id:name} submitted a {kind:kind} to {source:center} for review.",
        "{organisation_id:name}向{source:center}提交了一项{kind:kind}，等待审核。",
        ("organisation_id",),
    ),
    Sentence(
        ListingPublished,
        "{source:center} published the {kind:kind} “{title:text}”.",
        "{source:center}发布了{kind:kind}《{title:text}》。",
        speaker="center",
    ),
    Sentence(
        ListingWithdrawn,
        "{source:center} withdrew {listing_id:title}.",
        "{source:center}撤回了{listing_id:title}。",
        speaker="center",
    ),
    Sentence(
        ListingReserved,
        "{source:center} reserved {listing_id:title} for a deal.",
        "{source:center}为一笔交易预留了{listing_id:title}。",
        speaker="center",
    ),
    Sentence(
        ListingReleased,
        "{source:center} ended the reservation of {listing_id:title}: {transacted:outcome}.",
        "{source:center}解除了{listing_id:title}的预留：{transacted:outcome}。",
        speaker="center",
    ),
    Sentence(
        ReservationGranted,
        "{source:center} holds {listing_id:title} for the deal with {to:center}.",
        "{source:center}已为与{to:center}的交易保留{listing_id:title}。",
        DEAL,
    ),
    Sentence(
        ReservationRefused,
        "{source:center} can't hold {listing_id:title} for the deal with {to:center} ({rule:plain}).",
        "{source:center}无法为与{to:center}的交易保留{listing_id:title}（{rule:plain}）。",
        DEAL,
    ),
    Sentence(
        MatchFound,
        "A match ({score:percent}): {demand_id:title} at {demand_center:center} and {offer_id:title} "
        "at {offer_center:center}.",
        "匹配（{score:percent}）：{demand_center:center}的{demand_id:title}与{offer_center:center}的{offer_id:title}。",
        ("demand_id", "offer_id"),
        speaker="demand_center",
    ),
    Sentence(
        InterestExpressed,
        "{seeker_organisation_id:name} at {seeker_center:center} is interested in {offer_id:title} of {to:center}; "
        "an answer is due by {answer_by:date}.",
        "{seeker_center:center}的{seeker_organisation_id:name}对{to:center}的{offer_id:title}表达了意向，"
        "请在{answer_by:date}前答复。",
        ("seeker_organisation_id", "offer_id"),
        speaker="seeker_center",
    ),
    Sentence(
        InterestAccepted,
        "{owner_organisation_id:name} at {owner_center:center} accepted the interest of {seeker_organisation_id:name} "
        "at {seeker_center:center} in {offer_id:title}.",
        "{owner_center:center}的{owner_organisation_id:name}接受了{seeker_center:center}的{seeker_organisation_id:name}"
        "对{offer_id:title}的意向。",
        ("seeker_organisation_id", "owner_organisation_id"),
        speaker="owner_center",
    ),
    Sentence(
        InterestDeclined,
        "{owner_center:center} declined the interest of {to:center} in {offer_id:title}.",
        "{owner_center:center}婉拒了{to:center}对{offer_id:title}的意向。",
        ("interest_id", "offer_id"),
        speaker="owner_center",
    ),
    Sentence(
        DealOpened,
        "{home:center} opened a deal on {listing_id:title}: {buyer_organisation_id:name} buys from "
        "{seller_organisation_id:name} at {to:center}.",
        "{home:center}就{listing_id:title}开立交易：买方{buyer_organisation_id:name}，"
        "卖方{to:center}的{seller_organisation_id:name}。",
        ("buyer_organisation_id", "seller_organisation_id"),
        speaker="home",
    ),
    Sentence(
        TermsProposed,
        "{source:center} proposed a {contract_type:contract} contract with {milestones:count} to {to:center}.",
        "{source:center}向{to:center}提出{contract_type:contract}合同条款，共{milestones:count}。",
        DEAL,
    ),
    Sentence(
        TermsAgreed,
        "{source:center} agreed to the terms for {deal_id:listing}; both hold the same contract.",
        "{source:center}同意了{deal_id:listing}的合同条款，双方合同一致。",
        DEAL,
    ),
    Sentence(
        DealFunded,
        "{deal_id:buyer} paid {amount:money} into escrow at {source:center}.",
        "{deal_id:buyer}已将{amount:money}存入{source:center}托管。",
        DEAL,
    ),
    Sentence(
        MilestoneDelivered,
        "{deal_id:seller} at {source:center} delivered milestone {number:plain} of {deal_id:listing}.",
        "{source:center}的{deal_id:seller}交付了{deal_id:listing}的第{number:plain}个里程碑。",
        DEAL,
    ),
    Sentence(
        MilestoneAccepted,
        "{source:center} accepted milestone {number:plain} of {deal_id:listing}; releasing it takes a second person.",
        "{source:center}验收了{deal_id:listing}的第{number:plain}个里程碑，放款须由另一人批准。",
        DEAL,
    ),
    Sentence(
        MilestoneReleased,
        "{source:center} released milestone {number:plain} ({amount:money}) to {to:center}'s {deal_id:seller}.",
        "{source:center}批准第{number:plain}个里程碑放款{amount:money}，付给{to:center}的{deal_id:seller}。",
        DEAL,
    ),
    Sentence(
        MilestoneRefunded,
        "{source:center} returned {amount:money} of milestone {number:plain} to {deal_id:buyer}.",
        "{source:center}将第{number:plain}个里程碑的{amount:money}退还给{deal_id:buyer}。",
        DEAL,
    ),
    Sentence(
        DealCompleted,
        "The deal on {deal_id:listing} between {deal_id:buyer} and {deal_id:seller} is complete: {transacted:outcome}.",
        "{deal_id:buyer}与{deal_id:seller}就{deal_id:listing}的交易已完成：{transacted:outcome}。",
        DEAL,
    ),
    Sentence(
        TransferPrepared,
        "{source:center} set aside {amount:money} for milestone {milestone:plain} and asked {to:center} to take it.",
        "{source:center}为第{milestone:plain}个里程碑预备付款{amount:money}，请{to:center}确认。",
        DEAL,
    ),
    Sentence(
        TransferDecided,
        "{source:center} {decision:word} the payment from {to:center}.",
        "{source:center}{decision:word}{to:center}的付款。",
        DEAL,
    ),
    Sentence(
        TransferCancelled,
        "{source:center} asked {to:center} to cancel a payment.",
        "{source:center}请求{to:center}取消一笔付款。",
        DEAL,
    ),
    Sentence(
        TransferSettled,
        "{source:center} {outcome:word} the payment of {amount:money} to {to:center}.",
        "{source:center}{outcome:word}付给{to:center}的{amount:money}。",
        DEAL,
    ),
    Sentence(
        NoticeDelivered,
        "A notice (“{event_type:event}”) reached its subscriber by {channel:word}.",
        "通知（“{event_type:event}”）已通过{channel:word}送达订阅者。",
        ("about",),
        notice=False,
    ),
    Sentence(
        SubscriptionDisabled,
        "Deliveries to a webhook at {source:center} were stopped ({rule:plain}); its owner can start them again.",
        "{source:center}停止了向一个网络回调地址投递（{rule:plain}），订阅者可重新启用。",
        ("subscription_id",),
        notice=False,
    ),
)

BY_TYPE: Final[Mapping[str, Sentence]] = {sentence.event.type: sentence for sentence in SENTENCES}
NAMES: Final = frozenset(sentence.event.event_name for sentence in SENTENCES if sentence.notice)
"""What a subscription may name: `milestone.released`, without service and version."""
