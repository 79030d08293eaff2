"""Matching: brings demands and offers of the alliance together, says why, carries interests between centers."""

from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Row(SQLModel, registry=registry()):
    """Base class of this service's tables."""
