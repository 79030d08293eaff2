"""Escrow: the ledger of a center, its deals, and payments between centers."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import DateTime
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

from shared.db import row_base

if TYPE_CHECKING:  # a base class made by a function is none to a type checker

    class Row(SQLModel):
        """The base class of escrow's rows."""
else:
    Row = row_base("escrow")


class Moment(TypeDecorator[datetime]):
    """A point in time, `timestamptz`."""

    impl = DateTime(timezone=True)
    cache_ok = True
