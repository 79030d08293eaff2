"""Engine and `transaction()`. One transaction: the rows, the journal, the commit; then the relay is woken."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.orm import Session as SyncSession
from sqlmodel import Session as SQLModelSession
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelAsyncSession

from shared.events.outbox import Outbox

if TYPE_CHECKING:
    from shared.center import Center

CONNECT_TIMEOUT_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 60.0
KEEPALIVE: Final = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
"""The server notices within half a minute that a client's machine is gone, and frees its locks (lanes, sequences)."""
IDLE: Final = {"idle_in_transaction_session_timeout": "300s"}
"""A transaction that has fallen silent ends."""


class _Session(SQLModelSession):
    execute = SyncSession.execute  # SQLModel warns off `execute`; Core statements need it


class Session(SQLModelAsyncSession):
    """The session of one transaction: `exec` for SQLModel rows, `execute` for Core statements and text."""

    sync_session_class = _Session
    execute = AsyncSession.execute


async def driver(session: Session) -> asyncpg.Connection:
    """The asyncpg connection of the session's transaction, for set-based SQL. It sees what the session has flushed."""
    raw = await (await session.connection()).get_raw_connection()
    adapter: Any = raw.dbapi_connection
    if adapter._transaction is None:  # SQLAlchemy begins with its own first statement; until then all would autocommit
        await adapter._start_transaction()
    return cast("asyncpg.Connection", raw.driver_connection)


class Database:
    """One service's database.

    `url` is `postgresql://user@host:port/name`. `committed` is called after each commit that announced something.
    """

    def __init__(self, url: str, center: "Center", *, pool_size: int = 10) -> None:
        self.url = url
        self.center = center
        self.committed: Callable[[], None] = lambda: None
        self.engine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=False,
            pool_recycle=1800,
            connect_args={
                "timeout": CONNECT_TIMEOUT_S,
                "command_timeout": COMMAND_TIMEOUT_S,
                "server_settings": KEEPALIVE | IDLE,
            },
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)

    @asynccontextmanager
    async def transaction(self, *, read_only: bool = False) -> AsyncIterator[Session]:
        """One transaction. Leaves by commit, or by rollback when an exception passes.

        `read_only` sessions (projections) refuse `emit`.
        """
        async with Session(self.engine, expire_on_commit=False) as session:
            outbox = Outbox(self.center, closed=read_only)
            session.info.update(center=self.center, outbox=outbox, writes=0)
            async with session.begin():
                yield session
                if outbox:
                    await session.flush()
                    await outbox.write(await driver(session))
        if outbox:
            self.committed()

    async def connect(self) -> asyncpg.Connection:
        """A connection of one's own, outside the pool (the relay's, for its session locks)."""
        return await asyncpg.connect(
            self.url, timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S, server_settings=KEEPALIVE
        )

    async def close(self) -> None:
        """Close the pool."""
        await self.engine.dispose()


def _refuse_closed(connection: Any, *_: Any) -> None:
    """A connection that the server ended is noticed here, without a round trip, and the pool starts anew."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError()


def _count_write(session: SyncSession) -> None:
    session.info["writes"] = session.info.get("writes", 0) + 1


@event.listens_for(SyncSession, "do_orm_execute")
def _orm_write(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        _count_write(state.session)


@event.listens_for(SyncSession, "before_flush")
def _flush_write(session: SyncSession, *_: Any) -> None:
    if session.new or session.dirty or session.deleted:
        _count_write(session)


def has_pending(session: Session) -> bool:
    """Whether the session holds rows that it has yet to write."""
    return bool(session.new or session.deleted or any(session.is_modified(row) for row in session.dirty))


def has_written(session: Session) -> bool:
    """Whether a handler has written, or announced, anything in this transaction so far."""
    return bool(session.info["writes"] or session.info["outbox"]) or has_pending(session)


__all__ = ["Database", "Session", "driver", "has_pending", "has_written"]
