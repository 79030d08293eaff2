"""Every door of the matching service."""

from services.matching.index.handlers import warm
from services.matching.index.routes import router as search
from services.matching.interest import handlers as interest
from services.matching.interest.routes import router as interests
from services.matching.match import handlers as match
from services.matching.match.routes import router as matches
from shared.schemas.listing import ListingState
from shared.schemas.matching import InterestAccepted, InterestDeclined, InterestExpressed, MatchFound
from shared.service import Service

service = Service("matching", package=__name__)

service.starts(warm)
service.react_many(ListingState, match.match_listings, noun="match")
service.react(MatchFound, match.record_told, noun="told")
service.react(InterestExpressed, interest.receive, noun="interest")
service.react(InterestAccepted, interest.record_acceptance, noun="interest")
service.react(InterestDeclined, interest.record_decline, noun="interest")

service.routes(matches)
service.routes(interests)
service.routes(search)
