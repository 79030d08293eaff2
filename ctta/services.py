"""The services of this installation: found by their `app.py`, loaded when they are run."""

from importlib import import_module
from importlib.util import find_spec

from ctta.cli.words import Exit, Failure
from shared.service import Service
from shared.topics import SERVICES

ALL = "all"


def installed() -> list[str]:
    """Names of the services that this installation has, in the order of the scheme."""
    return [name for name in SERVICES if find_spec(f"services.{name}") and find_spec(f"services.{name}.app")]


def load(names: list[str]) -> list[Service]:
    """The services by name; `all` is every one. Raises Failure (usage) for a name that is none."""
    have = installed()
    wanted = have if ALL in names else list(dict.fromkeys(names))
    for name in wanted:
        if name not in have:
            raise Failure(
                f"There is no service {name}: choose from {', '.join(have)}, or all.",
                f"没有名为 {name} 的服务：请从 {'、'.join(have)} 或 all 中选择。",
                Exit.USAGE,
            )
    return [import_module(f"services.{name}.app").service for name in wanted]
