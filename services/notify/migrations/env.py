"""Alembic's entry."""

from shared.db.migrate import run

run()
