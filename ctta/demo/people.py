"""The cast: people of each center with tokens of its development issuer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ctta.demo.desk import Desk
from ctta.tokens import issue

OFFICERS: Final = {"officer": ("Officer Lin", "林专员"), "second-officer": ("Officer Zhao", "赵专员")}


@dataclass
class Cast:
    """Opens desks, each person's once. `urls`: where each center answers now."""

    trust: Path
    urls: dict[str, str]
    lang: str
    _desks: dict[tuple[str, str, str], Desk] = field(default_factory=dict)

    def officer(self, center: str, subject: str = "officer") -> Desk:
        """An officer of the center: imports, publishes, records payments, approves releases."""
        names = OFFICERS[subject]
        return self._desk(center, subject, names[self.lang == "zh"], ("officer", "auditor", "operator"))

    def manager(self, center: str) -> Desk:
        """A technology manager of the center."""
        return self._desk(center, "manager", "技术经理人陈" if self.lang == "zh" else "Technology manager Chen",
                          ("technology_manager",))  # fmt: skip

    def member(self, center: str, organisation: str, name: str) -> Desk:
        """Somebody who acts for an organisation."""
        return self._desk(center, f"member-{organisation}", name, ("member",), organisation)

    def _desk(
        self, center: str, subject: str, name: str, roles: Sequence[str], organisation: str | None = None
    ) -> Desk:
        place = (center, subject, organisation or "")
        if place not in self._desks:
            token = issue(
                self.trust, center, subject=f"demo-{subject}"[:80], roles=roles, name=name, organisation=organisation
            )
            self._desks[place] = Desk(center, self.urls[center], token, name, lang=self.lang)
        return self._desks[place]

    async def close(self) -> None:
        """Everybody goes home."""
        for desk in self._desks.values():
            await desk.close()
