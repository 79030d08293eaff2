"""JSON Schemas of the events: generated, committed, and compared under the rules of evolution.

A subscriber may be older or newer than the publisher, by any number of releases (FULL_TRANSITIVE for open models). So
an optional field with a default may come; whatever else changes is another version of the event.
"""

import json
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

import shared.schemas
from shared.schemas.base import CATALOGUE, Event

Schema = dict[str, Any]
SAYS_NOTHING: Final = frozenset({"title", "description", "examples"})
"""Keywords that are for people; they may change."""


def catalogue() -> dict[str, type[Event]]:
    """Every event type by its `ce_type`, sorted."""
    for module in iter_modules(shared.schemas.__path__):
        import_module(f"shared.schemas.{module.name}")
    return dict(sorted(CATALOGUE.items()))


def schema_of(event: type[Event]) -> Schema:
    """The schema of an event's body, with what the catalogue says of it in `x-ctta`."""
    facts = {
        "type": event.type,
        "scope": event.scope.value,
        "subject": event.subject_field,
        "conversation": event.conversation_field,
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "x-ctta": facts, **event.model_json_schema()}


def write(folder: Path) -> list[Path]:
    """Write every schema; returns the files. Files of types that are gone stay: they were published once."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, event in catalogue().items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(schema_of(event), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        written.append(path)
    return written


def read(folder: Path) -> dict[str, Schema]:
    """The committed schemas by event type."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def differences(committed: dict[str, Schema]) -> tuple[list[str], list[str]]:
    """(what breaks a peer that has not upgraded, what is allowed but not committed yet)."""
    broken: list[str] = []
    fresh: list[str] = []
    now = {name: schema_of(event) for name, event in catalogue().items()}
    broken += [f"{name}: the event type is gone; peers still send and read it" for name in committed if name not in now]
    for name, schema in now.items():
        if name not in committed:
            fresh.append(f"{name}: is new")
            continue
        breaks = [f"{name}{where}" for where in compare(committed[name], schema)]
        broken += breaks
        if not breaks and plain(committed[name]) != plain(schema):
            fresh.append(f"{name}: has new optional fields")
    return broken, fresh


def compare(old: Schema, new: Schema) -> list[str]:
    """Why `new` is no evolution of `old`: each line a place and a reason. Empty: it is one."""
    found = _facts(old, new)
    found += _object("", old, new)
    old_parts, new_parts = old.get("$defs", {}), new.get("$defs", {})
    for name, part in old_parts.items():
        if name not in new_parts:
            found.append(f"/{name}: the part is gone")
        else:
            found += _object(f"/{name}", part, new_parts[name])
    return found


def _facts(old: Schema, new: Schema) -> list[str]:
    before, after = old.get("x-ctta", {}), new.get("x-ctta", {})
    return [f": {key} was {before[key]}, is {after.get(key)}" for key in before if before[key] != after.get(key)]


def _object(where: str, old: Schema, new: Schema) -> list[str]:
    if "enum" in old and "enum" in new:
        return _values(where, old, new)
    found = []
    before, after = old.get("properties", {}), new.get("properties", {})
    needed, needs = set(old.get("required", ())), set(new.get("required", ()))
    for name, field in before.items():
        if name not in after:
            found.append(f"{where}/{name}: the field is gone")
        elif plain(field) != plain(after[name]):
            found.append(f"{where}/{name}: the field has another type or default")
        elif (name in needed) is not (name in needs):
            found.append(f"{where}/{name}: required was {name in needed}, is {name in needs}")
    found += [f"{where}/{name}: a new field needs a default" for name in after.keys() - before.keys() if name in needs]
    rest_before, rest_after = _rest(old), _rest(new)
    if rest_before != rest_after:
        found.append(f"{where}: changed from {rest_before} to {rest_after}")
    return found


def _values(where: str, old: Schema, new: Schema) -> list[str]:
    """Enums are open: a value may come, none may go."""
    gone = [value for value in old["enum"] if value not in new["enum"]]
    return [f"{where}: the values {gone} are gone"] if gone else []


def _rest(schema: Schema) -> Schema:
    dealt_with = {"properties", "required", "$defs", "x-ctta", "$schema"}
    return {key: value for key, value in plain(schema).items() if key not in dealt_with}


def plain(schema: Any) -> Any:
    """The schema without what is for people only."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        cleaned = {key: plain(value) for key, value in schema.items() if key not in SAYS_NOTHING}
        if isinstance(properties, dict):  # fields may be called title or description themselves
            cleaned["properties"] = {name: plain(field) for name, field in properties.items()}
        return cleaned
    return [plain(one) for one in schema] if isinstance(schema, list) else schema
