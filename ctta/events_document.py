"""docs/events.md: every event of the alliance, who says it, who reads it, written from the code itself."""

import ast
from pathlib import Path
from typing import Final

from pydantic.fields import FieldInfo

import services
from ctta.schemas import catalogue
from ctta.services import ALL, load
from shared.schemas.base import Event, Scope
from shared.topics import SERVICES

DOCUMENT: Final = Path("docs/events.md")
ROOT: Final = Path(next(iter(services.__path__))).resolve()
TOPICS: Final = {
    Scope.ALLIANCE: "ctta.<center>.{service}",
    Scope.STATE: "ctta.<center>.{service}.state",
    Scope.BILATERAL: "ctta.<center>.{service}.to.<peer>",
    Scope.OWN: "ctta.<center>.{service}.own",
    Scope.DLQ: "ctta.<center>.<service>.dlq",
    Scope.DIRECTORY: "ctta.<hub>.directory",
}
HEAD: Final = """# Events

Every event type of the alliance. This page is written by `ctta events document` from the code and kept current by a
test; edit the docstrings in `shared/schemas/`, not this page. JSON Schemas: `ctta events show TYPE`, and those of the
last release in [schemas/](schemas/). How a record is signed: [verify-signature.md](verify-signature.md).
How to add one: [adding.md](adding.md).
"""


def document() -> str:
    """The whole page."""
    readers = _readers()
    by_service: dict[str, list[type[Event]]] = {}
    for event in catalogue().values():
        by_service.setdefault(event.service, []).append(event)
    parts = [HEAD]
    for service, events in sorted(by_service.items()):
        parts.append(f"\n## {service}\n")
        parts += [_section(event, readers.get(event.type, [])) for event in events]
    return "".join(parts)


def _section(event: type[Event], readers: list[str]) -> str:
    topic = TOPICS[event.scope].format(service=event.service)
    fields = "".join(f"| `{name}` | {_kind(field)} |\n" for name, field in event.model_fields.items())
    said = ", ".join(f"`{place}`" for place in _emitters(event)) or "-"
    read = ", ".join(f"`{place}`" for place in readers) or "-"
    about = "" if event.conversation_field == event.subject_field else f", story of `{event.conversation_field}`"
    return (
        f"\n### `{event.type}`\n\n{_text(event)}\n\n"
        f"Class `{event.__name__}`, topic `{topic}`, key `{event.subject_field}`{about}.\n"
        f"Made in {said}. Read by {read}.\n\n| field | type |\n|---|---|\n{fields}"
    )


def _text(event: type[Event]) -> str:
    return " ".join((event.__doc__ or "").split())


def _kind(field: FieldInfo) -> str:
    name = getattr(field.annotation, "__name__", None) if not getattr(field.annotation, "__args__", None) else None
    kind = name or str(field.annotation).replace("typing.", "").replace("NoneType", "null")
    kind = kind.rsplit(".", 1)[-1] if "[" not in kind and "|" not in kind else _short(kind)
    return f"{kind}{'' if field.is_required() else ', optional'}".replace("|", "\\|")


def _short(kind: str) -> str:
    for module in ("shared.schemas.base.", "shared.schemas.money.", *(f"shared.schemas.{s}." for s in SERVICES)):
        kind = kind.replace(module, "")
    return kind


def _readers() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for service in load([ALL]):
        for noun in service.nouns.values():
            for event_type in noun.reactions:
                found.setdefault(event_type, []).append(f"{service.name}.{noun.name}")
    return {event_type: sorted(readers) for event_type, readers in found.items()}


def _emitters(event: type[Event]) -> list[str]:
    """Modules of the publishing service that make such an event, as their source says."""
    folder = ROOT / event.service
    if not folder.is_dir():
        return ["shared/events/runner.py"] if event.service == "runtime" else ["shared/directory.py"]
    return sorted(
        str(path.relative_to(ROOT.parent)) for path in folder.rglob("*.py") if event.__name__ in _called(path)
    )


def _called(path: Path) -> set[str]:
    calls = (node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    return {node.id if isinstance(node, ast.Name) else node.attr for call in calls for node in _names(call)}


def _names(function: ast.expr) -> list[ast.Name | ast.Attribute]:
    """What is called, and what it is called on: `ListingState(...)`, `escrow.ListingState.model_validate(...)`."""
    return [node for node in ast.walk(function) if isinstance(node, ast.Name | ast.Attribute)]
