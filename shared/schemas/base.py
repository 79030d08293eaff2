"""The event base class, the catalogue of all event types, and the envelope (CloudEvents 1.0, Kafka binary mode)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

CenterId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$", description="id of a center, such as east")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 in lower-case hex")]


class Scope(StrEnum):
    """Who may read an event; topic, ACL, mirroring and sealing follow from it."""

    ALLIANCE = "alliance"  # every member: ctta.<center>.<service>
    STATE = "state"  # every member, compacted whole snapshots: ctta.<center>.<service>.state
    BILATERAL = "bilateral"  # one peer, sealed: ctta.<center>.<service>.to.<peer>
    OWN = "own"  # the center itself: ctta.<center>.<service>.own
    DLQ = "dlq"  # the center itself, announcements of parked events: ctta.<center>.<service>.dlq
    DIRECTORY = "directory"  # every member: ctta.<hub>.directory


class Event(BaseModel):
    """A fact in the past tense. Subclasses state name, scope and the field that identifies the aggregate.

    `class DealOpened(Event, service="escrow", name="deal.opened", scope=Scope.BILATERAL, subject="deal_id")`

    A bilateral event has a field `to`, the peer's center; addressed to the emitting center itself it travels on
    the `.own` topic. Unknown fields are ignored, so a newer peer may add optional ones (FULL_TRANSITIVE).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    service: ClassVar[str] = ""
    event_name: ClassVar[str] = ""
    schema_version: ClassVar[int] = 1
    scope: ClassVar[Scope] = Scope.OWN
    subject_field: ClassVar[str] = ""
    conversation_field: ClassVar[str] = ""
    type: ClassVar[str] = ""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        service: str = "",
        name: str = "",
        version: int = 1,
        scope: Scope = Scope.OWN,
        subject: str = "",
        conversation: str = "",
        **kwargs: Any,
    ) -> None:
        if not name:
            return
        for field in (subject, conversation or subject):
            if field not in cls.model_fields:
                raise TypeError(f"{cls.__name__}: no field {field!r} to take the subject or conversation from")
        if scope is Scope.BILATERAL and "to" not in cls.model_fields:
            raise TypeError(f"{cls.__name__}: a bilateral event needs a field `to`, the peer's center")
        cls.service, cls.event_name, cls.schema_version, cls.scope = service, name, version, scope
        cls.subject_field, cls.conversation_field = subject, conversation or subject
        cls.type = f"ctta.{service}.{name}.v{version}"
        if cls.type in CATALOGUE:
            raise TypeError(f"event type {cls.type} is declared twice")
        CATALOGUE[cls.type] = cls

    @property
    def subject(self) -> str:
        """Id of the aggregate the fact is about; also the topic key, so facts of one aggregate keep their order."""
        return str(getattr(self, self.subject_field))

    @property
    def conversation(self) -> str:
        """Id of the deal or listing whose story this belongs to."""
        return str(getattr(self, self.conversation_field))


CATALOGUE: dict[str, type[Event]] = {}
"""Every event type of the alliance by its `ce_type`."""


class Text(BaseModel):
    """A text in Chinese, English or both; at least one."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    zh: str = ""
    en: str = ""

    def say(self, lang: str) -> str:
        """The text in `lang` ("zh" or "en"), or in the other language where only that exists."""
        return (self.zh or self.en) if lang == "zh" else (self.en or self.zh)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of one received record besides its body. `time` is UTC; `sequence` is gapless per topic and key."""

    id: UUID
    source: str
    type: str
    time: datetime
    subject: str
    key: str
    sequence: int
    conversation: str
    topic: str
    partition: int
    offset: int
    traceparent: str | None = None
    tracestate: str | None = None

    @property
    def center(self) -> str:
        """The center that speaks, from `/centers/<center>/<service>`."""
        return self.source.split("/")[2]

    @property
    def service(self) -> str:
        """The service that speaks."""
        return self.source.split("/")[3]
