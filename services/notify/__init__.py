"""Notices: who wants to hear of what, the inbox, signed webhooks, and the story of what happened."""

from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Row(SQLModel, registry=registry()):
    """Base class of this service's rows.

    Subscriptions are edited row by row; subjects, steps, notices and deliveries are written set-wise in SQL: their
    tables stand in migrations/versions/0001_notify.sql.
    """
