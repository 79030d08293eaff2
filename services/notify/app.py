"""Every door of the notify service."""

from services.notify.delivery import routes as deliveries
from services.notify.delivery.courier import Courier
from services.notify.notice import routes as notices
from services.notify.notice.handlers import notify
from services.notify.story import routes as stories
from services.notify.story import stream
from services.notify.story.handlers import tell
from services.notify.story.sentences import SENTENCES
from services.notify.subject.handlers import learn_all
from services.notify.subscription import routes as subscriptions
from shared.schemas.base import Scope
from shared.schemas.escrow import DealOpened
from shared.schemas.listing import ListingState, ListingSubmitted, OrganisationState
from shared.schemas.matching import InterestExpressed
from shared.service import Service

service = Service("notify", package=__name__)

# What ids stand for.
service.project_many(OrganisationState, learn_all, noun="subject")
service.project_many(ListingState, learn_all, noun="subject")
service.project_many(ListingSubmitted, learn_all, noun="subject")
service.project_many(InterestExpressed, learn_all, noun="subject", sent=True)
service.project_many(DealOpened, learn_all, noun="subject", sent=True)

# What people hear about: every event that has a sentence; services/notify/story/sentences.py is the table.
for sentence in SENTENCES:
    both_ways = sentence.event.scope is Scope.BILATERAL
    service.project_many(sentence.event, tell, noun="story", sent=both_ways)
    if sentence.notice:
        service.react_many(sentence.event, notify, noun="notice", sent=both_ways)

service.every(Courier().step, name="delivery")

service.routes(subscriptions.router)
service.routes(notices.router)
service.routes(deliveries.router)
service.routes(stories.router)
service.routes(stream.router)
