"""HTTP of payments between centers: for the center's staff."""

from typing import Annotated

from fastapi import Path, Query
from sqlmodel import col, select

from services.escrow.clearing import handlers
from services.escrow.clearing.tables import Incoming, Outgoing
from services.escrow.clearing.views import TransferView, incoming_view, outgoing_view
from shared.http import Caller, Moves, Page, Router, Tx, cursor, require, uncursor

router = Router(prefix="/escrow/transfers", tags=["clearing"])
STAFF = [require("officer", "operator", "auditor", "technology_manager")]
PAGE_MAX = 200
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


@router.get("/outgoing", dependencies=STAFF)
async def list_outgoing(
    tx: Tx, after: str | None = None, limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50
) -> Page[TransferView]:
    """Payments this center prepared, by id."""
    query = select(Outgoing).order_by(col(Outgoing.transfer_id)).limit(limit + 1)
    if after:
        query = query.where(col(Outgoing.transfer_id) > uncursor(after, str)[0])
    rows = (await tx.exec(query)).all()
    more = len(rows) > limit
    return Page(
        items=[outgoing_view(row) for row in rows[:limit]],
        next=cursor(rows[limit - 1].transfer_id) if more else None,
    )


@router.get("/incoming/{peer}", dependencies=STAFF)
async def list_incoming(
    tx: Tx, peer: Id, after: str | None = None, limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50
) -> Page[TransferView]:
    """What this center decided about a peer's payments, by decision number."""
    query = select(Incoming).where(Incoming.peer == peer).order_by(col(Incoming.decision_number)).limit(limit + 1)
    if after:
        query = query.where(col(Incoming.decision_number) > uncursor(after, int)[0])
    rows = (await tx.exec(query)).all()
    more = len(rows) > limit
    return Page(
        items=[incoming_view(row) for row in rows[:limit]],
        next=cursor(rows[limit - 1].decision_number) if more else None,
    )


@router.post("/{transfer_id}/cancellation", dependencies=[Moves, require("officer")])
async def cancel(tx: Tx, who: Caller, transfer_id: Id) -> TransferView:
    """Ask the payee's center to reject what it has not decided; its answer decides."""
    return outgoing_view(await handlers.cancel(tx, transfer_id, who))
