"""People of the tests: what `shared.http.Person` gives a rule to decide on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Somebody:
    """Somebody who asks."""

    id: str = "dev|somebody"
    roles: frozenset[str] = frozenset()
    organisation_id: str | None = None


OFFICER = Somebody("dev|olga", frozenset({"officer"}))
MANAGER = Somebody("dev|ming", frozenset({"technology_manager"}))
AUDITOR = Somebody("dev|anna", frozenset({"auditor"}))


def member(organisation_id: str) -> Somebody:
    """A member of an organisation."""
    return Somebody("dev|mei", frozenset({"member"}), organisation_id)
