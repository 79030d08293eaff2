"""The database of one service: engine, `transaction()`, the base class of its rows, migrations."""

from shared.db.database import Database, Session, driver, row_base

__all__ = ["Database", "Session", "driver", "row_base"]
