"""What the notify service publishes."""

from shared.schemas.base import Event, Scope


class NoticeDelivered(
    Event, service="notify", name="notice.delivered", scope=Scope.OWN, subject="notice_id", conversation="about"
):
    """A notice reached its recipient by one channel (`inbox` or `webhook`)."""

    notice_id: str
    subscription_id: str
    channel: str
    about: str
    event_type: str
    attempts: int


class SubscriptionDisabled(
    Event, service="notify", name="subscription.disabled", scope=Scope.OWN, subject="subscription_id"
):
    """Deliveries to a webhook stopped: `rule` is `failing-too-long` or `endpoint-gone`.

    They are kept, and go on when its owner enables it again.
    """

    subscription_id: str
    rule: str
