"""The listing service: organisations, what they offer and seek, and the catalogue of the whole alliance."""

from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Row(SQLModel, registry=registry()):
    """Base class of this service's tables."""
