"""What can go wrong has names. A rule that says no is a `Refused`; a predecessor still on its way is a `NotYet`;
a server that is away is transient; anything else is a bug."""

from typing import Any, ClassVar


class Refused(Exception):
    """A rule said no. Raise before the first write: refusal, idempotent answer and announcement commit together.

    Subclasses give `rule` (kebab-case English name), `status` (HTTP) and the sentence in both languages, with the
    facts as `{fields}`: `raise MakerIsChecker(person="alice")`.
    """

    rule: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    en: ClassVar[str] = "The request was refused."
    zh: ClassVar[str] = "请求被拒绝。"

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(self.say("en"))

    def say(self, lang: str) -> str:
        """The sentence for a person, in "zh" or "en"."""
        return (self.zh if lang == "zh" else self.en).format(**self.facts)


class NotFound(Refused):
    """There is no such thing here, or the person may not know of it."""

    rule = "not-found"
    status = 404
    en = "There is no {what} {id} at this center."
    zh = "本中心没有 {what} {id}。"


class NotYet(Exception):
    """A predecessor is still on its way. The event waits for `waits_for` (the id it misses), then parks."""

    def __init__(self, waits_for: str) -> None:
        self.waits_for = waits_for
        super().__init__(f"waits for {waits_for}")


class RefusedAfterWriting(Exception):
    """If you hit this, a handler raised Refused or NotYet after it had already written: decide first, then write."""
