"""Every door of the listing service."""

from services.listing.catalogue import handlers as catalogue
from services.listing.catalogue import routes as catalogue_routes
from services.listing.organisation import routes as organisation_routes
from services.listing.resource import import_routes, reservation
from services.listing.resource import routes as resource_routes
from shared.schemas.escrow import DealCompleted, DealOpened
from shared.schemas.listing import ListingState, OrganisationState
from shared.schemas.matching import InterestAccepted
from shared.service import Service

service = Service("listing", package=__name__)

service.project_many(ListingState, catalogue.apply_listings, noun="catalogue")
service.project_many(OrganisationState, catalogue.apply_organisations, noun="catalogue")

service.react(InterestAccepted, reservation.note_accepted, noun="reservation", sent=True)
service.react(DealOpened, reservation.hold_for_deal, noun="reservation")
service.react(DealCompleted, reservation.end_with_deal, noun="reservation")

service.routes(organisation_routes.router)
service.routes(catalogue_routes.router)
service.routes(resource_routes.router)
service.routes(import_routes.router)
