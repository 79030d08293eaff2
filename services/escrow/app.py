"""Every door of the escrow service."""

import services.escrow.clearing.routes
import services.escrow.deal.routes
import services.escrow.ledger.routes
from services.escrow.deal import opening, payments, reactions
from services.escrow.ledger.blocks import close_block
from shared.schemas import escrow, listing, matching
from shared.service import Service, Worker

service = Service("escrow", package=__name__)

# A deal: opened by an accepted interest that was expressed here, then each side follows what the other decides.
service.react(matching.InterestExpressed, opening.note_expressed, noun="deal", halts=True, sent=True)
service.react(matching.InterestAccepted, opening.open_from_interest, noun="deal", halts=True, sent=True)
service.react(escrow.DealOpened, opening.copy_opened, noun="deal", halts=True)
service.react(listing.ReservationGranted, reactions.note_granted, noun="deal", halts=True, sent=True)
service.react(listing.ReservationRefused, reactions.note_refused, noun="deal", halts=True, sent=True)
service.react(escrow.TermsProposed, reactions.follow_terms, noun="deal", halts=True)
service.react(escrow.TermsAgreed, reactions.follow_agreement, noun="deal", halts=True)
service.react(escrow.DealFunded, reactions.follow_funding, noun="deal", halts=True)
service.react(escrow.MilestoneDelivered, reactions.follow_delivery, noun="deal", halts=True)
service.react(escrow.MilestoneAccepted, reactions.follow_acceptance, noun="deal", halts=True)
service.react(escrow.MilestoneReleased, reactions.follow_release, noun="deal", halts=True)
service.react(escrow.MilestoneRefunded, reactions.follow_refund, noun="deal", halts=True)
service.react(escrow.DealCompleted, reactions.follow_completion, noun="deal", halts=True)

# A payment between centers: prepared, decided, posted or voided.
service.react(escrow.TransferPrepared, payments.decide_prepared, noun="clearing", halts=True)
service.react(escrow.TransferCancelled, payments.decide_cancelled, noun="clearing", halts=True)
service.react(escrow.TransferDecided, payments.settle_decided, noun="clearing", halts=True)
service.react(escrow.TransferSettled, payments.learn_settled, noun="clearing", halts=True)


async def close_blocks(worker: Worker) -> int:
    """Close the next block of ledger entries; the count of them."""
    return await close_block(worker.database)


service.every(close_blocks, seconds=1.0, name="blocks")

service.routes(services.escrow.deal.routes.router)
service.routes(services.escrow.clearing.routes.router)
service.routes(services.escrow.ledger.routes.router)
