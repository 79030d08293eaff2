"""The alliance's directory as it travels: centers, roles, keys, revocations."""

from typing import Any

from shared.schemas.base import CenterId, Event, Scope


class CenterListed(Event, service="directory", name="center.listed", scope=Scope.DIRECTORY, subject="center"):
    """One version of a center's directory entry, signed by both hubs (`shared.trust.CenterEntry`)."""

    center: CenterId
    version: int
    entry: dict[str, Any]
