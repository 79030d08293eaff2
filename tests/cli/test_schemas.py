"""The rules of evolution, on schemas of made-up events."""

from typing import Any

import pytest

from ctta.schemas import compare, differences, read, schema_of, write
from shared.schemas.listing import ListingPublished
from shared.schemas.matching import MatchFound

OLD: dict[str, Any] = {
    "x-ctta": {"scope": "alliance", "subject": "id"},
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "title": "Id"},
        "kind": {"$ref": "#/$defs/Kind"},
        "title": {"type": "string", "default": ""},
    },
    "$defs": {"Kind": {"enum": ["a", "b"], "type": "string"}},
}


def changed(**properties: Any) -> dict[str, Any]:
    """OLD with other fields; None takes one away."""
    fields = {name: value for name, value in {**OLD["properties"], **properties}.items() if value is not None}
    return {**OLD, "properties": fields}


def test_the_same_is_an_evolution() -> None:
    assert compare(OLD, OLD) == []


def test_an_optional_field_with_a_default_may_come() -> None:
    assert compare(OLD, changed(note={"type": "string", "default": ""})) == []


def test_words_for_people_may_change() -> None:
    assert compare(OLD, {**changed(id={"type": "string", "title": "Other", "description": "new"}), "title": "T"}) == []


def test_a_value_of_an_enum_may_come() -> None:
    assert compare(OLD, {**OLD, "$defs": {"Kind": {"enum": ["a", "b", "c"], "type": "string"}}}) == []


@pytest.mark.parametrize(
    ("new", "place"),
    [
        (changed(title=None), "/title"),
        (changed(id={"type": "integer"}), "/id"),
        (changed(title={"type": "string", "default": "-"}), "/title"),
        ({**OLD, "required": ["id", "title"]}, "/title"),
        ({**OLD, "required": []}, "/id"),
        ({**changed(note={"type": "string"}), "required": ["id", "note"]}, "/note"),
        ({**OLD, "$defs": {"Kind": {"enum": ["a"], "type": "string"}}}, "/Kind"),
        ({**OLD, "$defs": {}}, "/Kind"),
        ({**OLD, "x-ctta": {"scope": "own", "subject": "id"}}, "scope"),
        ({**OLD, "additionalProperties": False}, "additionalProperties"),
    ],
)
def test_everything_else_is_a_new_version(new: dict[str, Any], place: str) -> None:
    (why,) = compare(OLD, new)
    assert place in why


def test_what_is_written_is_what_is_read(tmp_path: Any) -> None:
    write(tmp_path)
    assert differences(read(tmp_path)) == ([], [])
    committed = read(tmp_path)
    gone = committed.pop(ListingPublished.type)
    assert differences(committed) == ([], [f"{ListingPublished.type}: is new"])
    broken, _ = differences({**committed, ListingPublished.type: gone, "ctta.listing.gone.v1": gone})
    assert broken == ["ctta.listing.gone.v1: the event type is gone; peers still send and read it"]


def test_a_field_with_a_default_is_not_required() -> None:
    schema = schema_of(MatchFound)
    assert "match_id" in schema["required"]
    assert "terms" not in schema["required"]
