"""Who this process is: center, service, settings, keys, the directory of now, and the clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.settings import Settings
from shared.trust import Directory, Keyring


def utc_now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Center:
    """Handlers get it as `session.info["center"]`."""

    id: str
    service: str
    settings: Settings
    keyring: Keyring
    now: Callable[[], datetime] = field(default=utc_now)

    @property
    def directory(self) -> Directory:
        """The directory's snapshot of now."""
        return self.keyring.directory()

    @property
    def centers(self) -> list[str]:
        """Ids of all centers of the alliance, sorted."""
        return sorted(self.directory.centers)

    @property
    def hubs(self) -> tuple[str, ...]:
        """Ids of the two hubs."""
        return self.directory.hubs

    def is_known(self, center: str) -> bool:
        """Whether a center is a member of the alliance."""
        return center in self.directory.centers
