"""Where a command works: the settings of the environment, or those of the embedded alliance that runs in the home."""

from pathlib import Path

from ctta.alliance.state import AllianceState, read_state
from ctta.cli.words import language
from shared.settings import Settings, settings


def base_settings(home: Path | None = None) -> Settings:
    """The environment's settings with `--home` and the terminal's language put in."""
    base = settings()
    update: dict[str, object] = {} if "lang" in base.model_fields_set else {"lang": language()}
    return base.model_copy(update=update | ({"home": home} if home else {}))


def running(base: Settings) -> AllianceState | None:
    """The embedded alliance in the home, unless the environment names servers of its own."""
    return None if {"kafka", "postgres"} & base.model_fields_set else read_state(base.home)


def of_centers(center: str | None, *, every: bool = False, home: Path | None = None) -> list[Settings]:
    """Settings of the centers a command works for.

    One named center; or CTTA_CENTER; or, in an embedded alliance, all of them (with `every` also beside a name).
    """
    base = base_settings(home)
    state = running(base)
    if state is None:
        return [base.model_copy(update={"center": center} if center else {})]
    named = center or (base.center if "center" in base.model_fields_set else None)
    names = list(state.centers) if every or named is None else [named]
    return [state.settings_for(name, base) for name in names]
