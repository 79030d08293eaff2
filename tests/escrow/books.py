"""The shortest words for posting to an escrow database."""

from typing import Any
from uuid import UUID, uuid4

from services.escrow.ledger.domain import Action, Instruction, Outcome
from services.escrow.ledger.handlers import open_accounts, post
from shared.db import Database


async def opened(db: Database, *codes: str, currency: str = "CNY") -> None:
    """Accounts by the chart."""
    async with db.transaction() as session:
        await open_accounts(session, [(code, currency) for code in codes])


async def posted(db: Database, *batch: Instruction) -> list[Outcome]:
    """Outcomes of one batch in a transaction of its own."""
    async with db.transaction() as session:
        return await post(session, batch)


def pay(debit: str, credit: str, minor: int, action: Action = Action.POST, **more: Any) -> Instruction:
    """One transfer of CNY."""
    fixed: dict[str, Any] = {"currency": "CNY", "purpose": "test", "reference": "r", "id": uuid4()} | more
    return Instruction(action=action, debit=debit, credit=credit, amount_minor=minor, **fixed)


def resolve(hold: UUID, action: Action, id: UUID | None = None, link: UUID | None = None) -> Instruction:
    """Post or void a hold."""
    return Instruction(id or uuid4(), action, "test", "r", resolves=hold, link=link)
