"""Every event for people has its sentence; what is kept of it is what the sentence says."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.notify.story import domain, sentences
from services.notify.story.wording import Known
from shared.schemas.base import CATALOGUE, Envelope, Event, Scope, Text
from shared.schemas.escrow import MilestoneReleased, MilestoneTerms, TermsProposed
from shared.schemas.listing import ListingPublished
from shared.schemas.matching import InterestDeclined, InterestExpressed, MatchFound
from shared.schemas.money import Money

KNOWN = {
    "lst_a": Known(Text(zh="高盐废水分盐", en="Salt separation")),
    "lst_d": Known(Text(zh="印染废水回用")),
    "org_s": Known(Text(zh="朔屿理工大学", en="Shuoyu University")),
    "org_b": Known(Text(en="Beijing's Institute")),
    "dea_1": Known(links={"listing_id": "lst_a", "seller_organisation_id": "org_s", "buyer_organisation_id": "org_b"}),
}


def told(event: Event, center: str) -> Text:
    return domain.say(event.type, domain.facts(event), center, KNOWN)


def cause_of(event: Event, center: str) -> Envelope:
    source = f"/centers/{center}/{event.service}"
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return Envelope(uuid4(), source, event.type, now, event.subject, event.subject, 1, event.conversation, "t", 0, 0)


def test_every_event_that_leaves_a_center_is_told() -> None:
    """Snapshots, and what stays at its center, may be silent."""
    catalogue = {event for event in CATALOGUE.values() if event.__module__.startswith("shared.schemas.")}
    leaving = {event for event in catalogue if event.scope in (Scope.ALLIANCE, Scope.BILATERAL)}
    assert leaving - {sentence.event for sentence in sentences.SENTENCES} == set(), "give it a sentence"


def test_no_notice_is_told_about_notices() -> None:
    assert not [name for name in sentences.NAMES if name.startswith(("notice.", "subscription."))]


@pytest.mark.parametrize("sentence", sentences.SENTENCES, ids=lambda sentence: sentence.event.__name__)
def test_whom_it_concerns_is_named(sentence: sentences.Sentence) -> None:
    assert (sentence.event.scope is Scope.ALLIANCE) == (not sentence.concerns)
    assert set(sentence.concerns) <= set(sentence.event.model_fields)


def test_a_release_reads_well() -> None:
    event = MilestoneReleased(
        to="beijing", deal_id="dea_1", number=1, transfer_id="trf_1", amount=Money(minor=12_000_000)
    )
    assert told(event, "east") == Text(
        en="Shanghai released milestone 1 (CNY 120,000.00) to Zhongguancun's Shuoyu University.",
        zh="上海批准第1个里程碑放款12万元，付给中关村的朔屿理工大学。",
    )


def test_a_publication_carries_its_title() -> None:
    event = ListingPublished(
        listing_id="lst_x", center="south", organisation_id="org_s", kind="technology", listing_version=1,
        title=Text(zh="硬碳负极"),
    )  # fmt: skip
    assert told(event, "south").en == "Shenzhen published the technology “硬碳负极”."
    assert told(event, "south").zh == "深圳发布了技术成果《硬碳负极》。"


def test_a_match_names_both_listings() -> None:
    event = MatchFound(
        to="beijing", match_id="mat_1", demand_id="lst_d", demand_version=1, offer_id="lst_a", offer_version=1,
        demand_center="east", offer_center="beijing", offer_kind="technology", score=0.731, components={},
    )  # fmt: skip
    assert told(event, "east").zh == "匹配（73%）：上海的《印染废水回用》与中关村的《高盐废水分盐》。"
    with pytest.raises(domain.SpeaksForAnother):
        domain.check_speaker(event, cause_of(event, "beijing"))
    domain.check_speaker(event, cause_of(event, "east"))


def test_what_is_unknown_is_said_plainly() -> None:
    event = InterestDeclined(
        to="east", interest_id="int_1", offer_id="lst_?", owner_center="ocean", reason="secret plan"
    )
    assert told(event, "ocean") == Text(
        en="Qingdao declined the interest of Shanghai in a listing.", zh="青岛婉拒了上海对一项资源的意向。"
    )
    assert "secret plan" not in str(domain.facts(event)), "texts between two centers stay where they are"


def test_messages_and_milestone_titles_are_not_kept() -> None:
    asked = InterestExpressed(
        to="beijing", interest_id="int_1", match_id=None, demand_id="lst_d", offer_id="lst_a", seeker_center="east",
        seeker_organisation_id="org_b", message="our margin is 12%", answer_by=datetime(2026, 4, 2, 8, tzinfo=UTC),
    )  # fmt: skip
    assert "margin" not in str(domain.facts(asked))
    assert "an answer is due by 2026-04-02" in told(asked, "east").en
    assert "2026年4月2日" in told(asked, "east").zh
    terms = TermsProposed(
        to="beijing", deal_id="dea_1", contract_type="licence", contract_sha256="0" * 64,
        milestones=[MilestoneTerms(number=1, title="quiet title", amount=Money(minor=1))],
    )  # fmt: skip
    assert "quiet" not in str(domain.facts(terms))
    assert told(terms, "east").en == "Shanghai proposed a technology licence contract with 1 milestone to Zhongguancun."


def test_an_unknown_kind_or_type_is_passed_on() -> None:
    event = ListingPublished(
        listing_id="lst_x", center="south", organisation_id="org_s", kind="spaceship", listing_version=1,
        title=Text(en="Hull"),
    )  # fmt: skip
    assert told(event, "twelfth").en == "Twelfth published the spaceship “Hull”."
    assert domain.say("ctta.listing.thing.v9", {}, "east", {}).en == "ctta.listing.thing.v9"
