"""When a webhook is tried again, when it is given up, when its endpoint is disabled. Pure: chance and time come in."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from shared.errors import Refused

PAUSES_S: Final = (5, 30, 120, 600, 3600, 3 * 3600, 8 * 3600, 24 * 3600, 24 * 3600, 24 * 3600, 24 * 3600)
"""Longest pause after the 1st, 2nd, ... failed try; after the last one a delivery is exhausted. With full jitter (a
random share of it) the tries spread over about two days, at most over four and a half."""
DISABLE_AFTER: Final = timedelta(days=5)
"""An endpoint where nothing succeeded for so long is disabled at its next failure."""
RETRY_AFTER_MAX_S: Final = 24 * 3600
LEASE: Final = timedelta(seconds=60)
"""How long a sender may hold a delivery; longer than any attempt takes, so that only a dead sender's come back."""
SEND_MAX_S: Final = 15.0
"""Longest attempt, from resolving the name to the answer's first line."""
PER_ENDPOINT: Final = 4
"""Attempts at one endpoint side by side; one where the last attempt failed."""
IN_FLIGHT_MAX: Final = 200
"""Attempts of one process side by side."""

GONE: Final = "endpoint-gone"
FAILING: Final = "failing-too-long"


class NotAWebhookNotice(Refused):
    """A notice of the inbox was not sent anywhere."""

    rule = "not-sent-by-webhook"
    en = "Notice {id} was not sent by webhook."
    zh = "通知 {id} 未通过网络回调发送。"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an attempt met: an HTTP status, or None and why there is none. `retry_after` is the header as it came."""

    status: int | None = None
    error: str = ""
    retry_after: str = ""

    @property
    def is_good(self) -> bool:
        """2xx alone means delivered; a redirect does not."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows. `state` of the delivery, when it is next due, until when its endpoint rests, why it is disabled."""

    state: str
    next_at: datetime
    paused_until: datetime | None = None
    disabled_rule: str | None = None


def judge(answer: Answer, tries: int, failing_since: datetime | None, now: datetime, chance: float) -> Verdict:
    """`tries` counts this one; `failing_since` is when the endpoint's failures began, None before this one; `chance` is
    a random number in [0, 1)."""
    if answer.is_good:
        return Verdict("delivered", now)
    rule = None
    if answer.status == 410:
        rule = GONE
    elif failing_since is not None and now - failing_since >= DISABLE_AFTER:
        rule = FAILING
    if tries > len(PAUSES_S) or rule == GONE:
        return Verdict("exhausted", now, disabled_rule=rule)
    asked = retry_after_s(answer.retry_after, now) if answer.status in (429, 503) else None
    paused_until = now + timedelta(seconds=asked) if asked is not None else None
    next_at = now + timedelta(seconds=pause_s(tries, chance))
    return Verdict("pending", max(next_at, paused_until or next_at), paused_until, rule)


def pause_s(tries: int, chance: float) -> float:
    """Seconds until the next try: a random share of the table's pause (exponential backoff with full jitter)."""
    return PAUSES_S[tries - 1] * chance


def retry_after_s(header: str, now: datetime) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3: seconds or a date), at most a day; None: it makes no sense."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text), RETRY_AFTER_MAX_S))
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    seconds = (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), float(RETRY_AFTER_MAX_S))
