"""The compose file is one center in the order: servers, databases, topics, services."""

from pathlib import Path
from typing import Any

import pytest
import yaml

COMPOSE = Path(__file__).parents[2] / "deploy/compose.yaml"


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(COMPOSE.read_text())["services"])


def test_images_have_a_version(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        _, tag = service["image"].rsplit(":", 1)
        assert tag != "latest"


def test_the_center_starts_after_its_topics_and_those_after_its_databases(services: dict[str, dict[str, Any]]) -> None:
    waits = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    assert waits == {
        "kafka": set(),
        "postgres": set(),
        "migrate": {"postgres"},
        "topics": {"kafka", "migrate"},
        "center": {"topics"},
    }


def test_the_center_is_confined_and_reached_from_this_machine_alone(services: dict[str, dict[str, Any]]) -> None:
    center = services["center"]
    assert center["read_only"] is True
    assert center["cap_drop"] == ["ALL"]
    assert center["ports"] == ["127.0.0.1:8080:8080"]
