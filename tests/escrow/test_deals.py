"""Deals through HTTP, between two centers and within one."""

import asyncio
from typing import Any

import pytest

from services.escrow.app import service
from shared.schemas import escrow
from shared.schemas.listing import ReservationRefused
from tests.escrow.play import BUYER, CONTRACT, EVIDENCE, SELLER, Play, key, sql
from tests.fixtures import OpenDatabase, client, deliver, emitted


async def test_a_deal_from_interest_to_completion_across_two_centers(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    assert await play.states() == ("funded", ["pending", "pending"])
    assert await play.states(play.seller) == ("funded", ["pending", "pending"])
    for number in (1, 2):
        await play.deliver(number)
        await play.accept(number)
        await play.release(number)
    assert await play.states() == ("completed", ["paid", "paid"])
    assert await play.states(play.seller) == ("completed", ["paid", "paid"])
    assert await play.balances(play.home) == {"bank:ops": 1_000_000, "clr:east": -1_000_000}
    assert await play.balances(play.seller) == {"clr:beijing": 1_000_000, f"party:{SELLER}:payable": -1_000_000}
    done = await emitted(play.home, escrow.DealCompleted)
    assert [event.transacted for event in done if isinstance(event, escrow.DealCompleted)] == [True]
    deal = await play.deal()
    assert [t["state"] for t in deal["transfers"]] == ["posted", "posted"]
    assert sorted(t["decision_number"] for t in deal["transfers"]) == [1, 2]
    approval = deal["milestones"][0]["approvals"][0]
    assert approval["maker"].endswith("|alice")
    assert approval["checker"].endswith("|bob")


async def test_within_one_center_the_payee_is_paid_at_once(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database, home="east", seller="east")
    await play.fund()
    await play.deliver(1)
    await play.accept(1)
    await play.release(1)
    assert await play.states() == ("funded", ["paid", "pending"])
    assert (await play.balances(play.home))[f"party:{SELLER}:payable"] == -600_000
    assert not [event for event in await emitted(play.home) if isinstance(event, escrow.TransferPrepared)]
    await play.step(play.home, "/milestones/2/refund-request", subject="alice")
    await play.step(play.home, "/milestones/2/refund", subject="bob")
    assert (await play.states())[0] == "completed"
    listed = (await play.get(play.home, "/deals")).json()["items"]
    assert [deal["side"] for deal in listed] == ["home"]
    seller = (await play.get(play.home, "/deals", roles=["member"], organisation_id=SELLER)).json()["items"]
    assert [(deal["side"], deal["state"]) for deal in seller] == [("seller", "completed")]


async def test_a_refund_needs_two_people_and_voids_an_acceptance(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    await play.deliver(1)
    await play.accept(1)
    await play.step(play.home, "/milestones/1/refund-request", subject="bob")
    same = await play.post(play.home, f"/deals/{play.deal_id}/milestones/1/refund", subject="bob")
    assert (same.status_code, same.json()["title"]) == (403, "maker-is-checker")
    released = await play.post(play.home, f"/deals/{play.deal_id}/milestones/1/release", subject="carol")
    assert released.json()["title"] == "step-not-possible"
    await play.step(play.home, "/milestones/1/refund", subject="carol")
    assert await play.states() == ("funded", ["refunded", "pending"])
    assert await play.states(play.seller) == ("funded", ["refunded", "pending"])
    assert (await play.balances(play.home))[f"party:{BUYER}:payable"] == -600_000
    approvals = (await play.deal())["milestones"][0]["approvals"]
    assert [(a["purpose"], a["void"]) for a in approvals] == [("release", "refund requested"), ("refund", None)]


async def test_releasing_takes_a_second_person(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    await play.deliver(1)
    early = await play.post(play.home, f"/deals/{play.deal_id}/milestones/1/release", subject="bob")
    assert early.json()["title"] == "step-not-possible"
    await play.accept(1, subject="alice")
    same = await play.post(play.home, f"/deals/{play.deal_id}/milestones/1/release", subject="alice", lang="zh")
    assert (same.status_code, same.json()["title"]) == (403, "maker-is-checker")
    assert "同一人" in same.text
    assert not await emitted(play.home, escrow.TransferPrepared)
    await play.release(1, subject="bob")
    again = await play.post(play.home, f"/deals/{play.deal_id}/milestones/1/release", subject="carol")
    assert again.json()["title"] == "step-not-possible"


async def test_an_approval_covers_amount_payee_and_milestone(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    await play.deliver(1)
    await play.accept(1)
    await sql(play.home, "UPDATE milestone SET amount_minor = 599_999 WHERE number = 1")
    void = await play.post(play.home, f"/deals/{play.deal_id}/milestones/1/release", subject="bob")
    assert void.json()["title"] == "approval-void"
    await sql(play.home, "UPDATE milestone SET amount_minor = 600_000 WHERE number = 1")
    await sql(play.home, "UPDATE deal SET seller_organisation_id = 'org_other'")
    void = await play.post(play.home, f"/deals/{play.deal_id}/milestones/1/release", subject="bob")
    assert void.json()["title"] == "approval-void"


async def test_funding_is_whole_in_the_right_currency_and_each_receipt_counts_once(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.agree()
    path = f"/deals/{play.deal_id}/funding"
    for body, rule in (
        (play.funding(999_999), "wrong-amount"),
        (play.funding(1_000_001), "wrong-amount"),
        (play.funding(1_000_000, "USD"), "wrong-currency"),
    ):
        assert (await play.post(play.home, path, body)).json()["title"] == rule
    receipt = play.funding(1_000_000)
    assert (await play.post(play.home, path, receipt)).status_code == 200
    assert (await play.post(play.home, path, receipt)).json()["title"] == "step-not-possible"
    other = Play(play.home, play.seller, play.wire)
    await other.agree()
    used = await other.post(other.home, f"/deals/{other.deal_id}/funding", receipt)
    assert (used.status_code, used.json()["title"]) == (409, "bank-reference-used")
    assert (await play.balances(play.home))["bank:ops"] == 1_000_000


async def test_the_same_key_and_body_get_the_same_answer(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.agree()
    body, header = play.funding(1_000_000), key()
    async with client(play.home, service) as http:
        first = await http.post(f"/escrow/deals/{play.deal_id}/funding", json=body, headers=header)
        second = await http.post(f"/escrow/deals/{play.deal_id}/funding", json=body, headers=header)
        bare = await http.post(f"/escrow/deals/{play.deal_id}/funding", json=body)
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert bare.json()["title"] == "idempotency-key-required"
    assert len(await emitted(play.home, escrow.DealFunded)) == 1


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        ({"contract_sha256": "f" * 64, "numbers": [1, 3]}, "milestone-numbers"),
        ({"contract_sha256": "f" * 64, "numbers": [1, 2], "currencies": ["CNY", "USD"]}, "mixed-currencies"),
        ({"contract_sha256": "f" * 64, "numbers": [1], "currencies": ["XXX"]}, "unknown-currency"),
        ({"contract_sha256": "f" * 64, "numbers": [1], "minor": 0}, "wrong-amount"),
    ],
)
async def test_terms_that_cannot_be(open_database: OpenDatabase, terms: dict[str, Any], rule: str) -> None:
    play = await Play.start(open_database)
    await play.open()
    await play.reserve()
    numbers = terms["numbers"]
    currencies = terms.get("currencies", ["CNY"] * len(numbers))
    body = {
        "contract_type": "licence",
        "contract_sha256": terms["contract_sha256"],
        "milestones": [
            {"number": n, "title": "t", "amount": {"minor": terms.get("minor", 5), "currency": c}}
            for n, c in zip(numbers, currencies, strict=True)
        ],
    }
    answer = await play.post(play.home, f"/deals/{play.deal_id}/terms", body)
    assert (answer.status_code, answer.json()["title"]) == (422, rule)


async def test_terms_proposed_anew_replace_the_first_and_an_old_agreement_is_refused(
    open_database: OpenDatabase,
) -> None:
    play = await Play.start(open_database)
    await play.open()
    await play.reserve()
    await play.step(play.home, "/terms", play.terms())
    crossing = await play.post(play.seller, f"/deals/{play.deal_id}/agreement", {"contract_sha256": CONTRACT})
    assert crossing.status_code == 200
    newer = play.terms((700_000,)) | {"contract_sha256": EVIDENCE}
    assert (await play.post(play.home, f"/deals/{play.deal_id}/terms", newer)).status_code == 200
    await play.wire.carry()
    assert await play.states() == ("proposed", ["pending"])
    assert await play.states(play.seller) == ("proposed", ["pending"])
    wrong = await play.post(play.seller, f"/deals/{play.deal_id}/agreement", {"contract_sha256": CONTRACT})
    assert wrong.json()["title"] == "contract-differs"
    await play.step(play.seller, "/agreement", {"contract_sha256": EVIDENCE})
    assert (await play.states())[0] == "agreed"


async def test_an_agreement_to_other_milestones_of_the_same_contract_is_refused(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.open()
    await play.reserve()
    await play.step(play.home, "/terms", play.terms())
    agreed = await play.post(play.seller, f"/deals/{play.deal_id}/agreement", {"contract_sha256": CONTRACT})
    crossing = await play.post(play.home, f"/deals/{play.deal_id}/terms", play.terms((1, 1)))
    assert agreed.status_code == crossing.status_code == 200
    await play.wire.carry()
    assert (await play.states())[0] == (await play.states(play.seller))[0] == "proposed"
    rules = await sql(play.home, "SELECT rule FROM inbox WHERE outcome = 'refused'")
    assert [row["rule"] for row in rules] == ["contract-differs"]


async def test_who_only_looks_takes_no_step_for_another_organisation(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    await play.deliver(1)
    path = f"/deals/{play.deal_id}/milestones/1/acceptance"
    for role in ("auditor", "operator"):
        looks = await play.post(play.home, path, roles=["member", role], organisation_id="org_other")
        assert (looks.status_code, looks.json()["title"]) == (404, "not-found")
    mine = await play.post(play.home, path, roles=["member", "auditor"], organisation_id=BUYER)
    assert mine.status_code == 200


async def test_a_refused_reservation_cancels_both_sides(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.open()
    refused = ReservationRefused(
        to=play.home.center.id, listing_id=play.listing_id, deal_id=play.deal_id, rule="listing-reserved"
    )
    await play.tell(refused)
    assert (await play.states())[0] == "cancelled"
    assert (await play.states(play.seller))[0] == "cancelled"
    answer = await play.post(play.home, f"/deals/{play.deal_id}/terms", play.terms())
    assert answer.json()["title"] == "step-not-possible"


async def test_only_the_parties_center_decides(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    forged = escrow.MilestoneDelivered(to="beijing", deal_id=play.deal_id, number=1, evidence_sha256=EVIDENCE)
    await deliver(play.home, service, forged, source="south")
    assert (await play.states())[1] == ["pending", "pending"]
    rules = await sql(play.home, "SELECT rule FROM inbox WHERE outcome = 'refused'")
    assert [row["rule"] for row in rules] == ["not-a-party"]


async def test_members_see_the_deals_of_their_organisation_only(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    mine = await play.get(play.home, f"/deals/{play.deal_id}", roles=["member"], organisation_id=BUYER)
    assert mine.status_code == 200
    for who in ({"organisation_id": "org_other"}, {"organisation_id": SELLER}, {}):
        hidden = await play.get(play.home, f"/deals/{play.deal_id}", roles=["member"], **who)
        assert (hidden.status_code, hidden.json()["title"]) == (404, "not-found")
        assert (await play.get(play.home, "/deals", roles=["member"], **who)).json()["items"] == []
    foreign = await play.post(
        play.home, f"/deals/{play.deal_id}/milestones/1/acceptance", roles=["member"], organisation_id="org_other"
    )
    assert foreign.status_code == 404
    member = await play.post(
        play.home, f"/deals/{play.deal_id}/milestones/1/release", roles=["member"], organisation_id=BUYER
    )
    assert member.json()["title"] == "role-missing"
    assert (await play.get(play.home, "/ledger/accounts", roles=["member"])).status_code == 403


async def test_twenty_racing_acceptances_of_one_milestone(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    await play.deliver(1)
    path = f"/deals/{play.deal_id}/milestones/1/acceptance"
    answers = await asyncio.gather(*(play.post(play.home, path, subject=f"officer{n}") for n in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
    assert {answer.json()["title"] for answer in answers if answer.status_code == 409} == {"step-not-possible"}
    assert len(await emitted(play.home, escrow.MilestoneAccepted)) == 1
    assert len((await play.deal())["milestones"][0]["approvals"]) == 1


async def test_twenty_racing_releases_pay_once(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    await play.fund()
    await play.deliver(1)
    await play.accept(1, subject="alice")
    path = f"/deals/{play.deal_id}/milestones/1/release"
    answers = await asyncio.gather(*(play.post(play.home, path, subject=f"officer{n}") for n in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
    await play.wire.carry()
    assert (await play.balances(play.home))["clr:east"] == -600_000


async def test_lists_page_by_cursor_and_the_ledger_reads(open_database: OpenDatabase) -> None:
    play = await Play.start(open_database)
    for _ in range(3):
        play = Play(play.home, play.seller, play.wire)
        await play.open()
    seen, after = [], ""
    while True:
        page = (await play.get(play.home, f"/deals?limit=2{after}")).json()
        seen += [deal["id"] for deal in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(seen) == len(set(seen)) == 3
    await play.reserve()
    await play.step(play.home, "/terms", play.terms())
    await play.step(play.seller, "/agreement", {"contract_sha256": CONTRACT})
    await play.step(play.home, "/funding", play.funding(1_000_000))
    accounts = (await play.get(play.home, "/ledger/accounts?limit=200")).json()["items"]
    held = f"deal:{play.deal_id}:held"
    assert {a["code"]: a["balance_minor"] for a in accounts}[held] == 0
    entries = (await play.get(play.home, f"/ledger/accounts/{held}/entries?limit=1")).json()
    assert [(e["minor"], e["sequence"], e["balance_minor"]) for e in entries["items"]] == [(-1_000_000, 1, -1_000_000)]
    assert entries["next"]
