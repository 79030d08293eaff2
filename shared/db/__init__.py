"""The database of one service: engine, `transaction()`, migrations."""

from shared.db.database import Database, Session, driver

__all__ = ["Database", "Session", "driver"]
