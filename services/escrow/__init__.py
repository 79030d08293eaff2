"""Escrow: the ledger of a center, its deals, and payments between centers."""

from datetime import datetime

from sqlalchemy import DateTime
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel


class Row(SQLModel, registry=registry()):
    """Base class of this service's tables."""


class Moment(TypeDecorator[datetime]):
    """A point in time, `timestamptz`."""

    impl = DateTime(timezone=True)
    cache_ok = True
