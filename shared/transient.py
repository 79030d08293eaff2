"""Which failures are passing: the same work may succeed when it is simply tried again later."""

import asyncpg
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

TRANSIENT_SQLSTATES = ("08", "40", "53", "55P03", "57P0", "58", "25006", "25P03")
"""Connection, rollback (deadlock, serialisation), resources, lock timeout, shutdown, system: PostgreSQL, appendix A.
25006: the server is a standby just now (a failover); 25P03: it ended a transaction that had fallen silent."""

PASSING = (PoolTimeout, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, KafkaException, KafkaError)


LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""An OSError each, and as lasting as any bug."""


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed when it is simply tried again later."""
    if isinstance(error, LASTING):
        return False
    if isinstance(error, DBAPIError):
        code = getattr(error.orig, "sqlstate", None) or getattr(
            getattr(error.orig, "__cause__", None), "sqlstate", None
        )
        if code:
            return str(code).startswith(TRANSIENT_SQLSTATES)
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "").startswith(TRANSIENT_SQLSTATES)
    if isinstance(error, AsyncAdapt_asyncpg_dbapi.Error):  # raised at BEGIN, where SQLAlchemy does not wrap it
        return str(error.sqlstate or "08").startswith(TRANSIENT_SQLSTATES)
    return isinstance(error, PASSING)
