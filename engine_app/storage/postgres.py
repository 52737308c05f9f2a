"""The Postgres engine and its transactions.

Postgres is the truth: every commit is durable (`storage.schema` refuses a server whose commits are not), and no
caller may hold a transaction open across a call to the chain. Nothing relies on the state of a session, so that a
pooler may give each transaction another connection: where one does, nothing is prepared (`storage.connections`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import sqlalchemy.ext.asyncio
from sqlalchemy import ExceptionContext, event
from sqlalchemy.exc import DisconnectionError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.errors import register
from engine_app.storage.connections import CONNECTING, DEMOTED, Connections, Straight, stands

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError)
"""Postgres does not answer: what it was just told may be written or not, and trying again later is right."""

REFUSED = (IntegrityError, psycopg.IntegrityError)
"""A rule of the database stands against what was to be written; nothing was."""


def rule_of(refused: IntegrityError | psycopg.IntegrityError) -> str | None:
    """The name of the constraint that stands against it; None where a trigger does."""
    error = refused.orig if isinstance(refused, IntegrityError) else refused
    return error.diag.constraint_name if isinstance(error, psycopg.Error) else None


DATABASE_UNAVAILABLE = register(
    "DATABASE_UNAVAILABLE",
    "The engine's database does not answer at the moment.",
    "An order that was accepted is safe and goes on by itself; this request may not have been accepted.",
    "Look at your orders before you try again in a few seconds.",
)


class Session(AsyncSession):
    """SQLModel's session with SQLAlchemy's own `execute`, which SQLModel discourages and rows of several columns and
    CTEs need."""

    execute = sqlalchemy.ext.asyncio.AsyncSession.execute


class Database:
    """Connections to Postgres.

    A transaction commits at its end and is rolled back where an error leaves it. `transaction()` and `connection()`
    take any statement, `together()` and `at_once()` prepared ones, which cost a fraction there.
    """

    def __init__(self, database_url: str, *, pool_size: int = 10, prepare: bool = True) -> None:
        """Open nothing yet.

        Args:
            database_url: where.
            pool_size: most connections for prepared statements, and as many for others.
            prepare: let Postgres plan each prepared statement once a connection, where connections stay the same.
        """
        self.engine: AsyncEngine = create_async_engine(
            driver_url(database_url),
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"prepare_threshold": None, **CONNECTING},
        )
        event.listen(self.engine.sync_engine, "checkout", _require_standing)
        event.listen(self.engine.sync_engine, "handle_error", _leave_standby)
        self._straight = Connections(libpq_url(database_url), size=pool_size, prepare=prepare)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session inside one transaction; committed durably when the block ends without an error."""
        async with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[Straight]:
        """A connection on which each prepared statement is a transaction of its own, as durable as any other.

        BEGIN and COMMIT are not sent, so that a step that is one statement is one round trip instead of three.
        """
        async with self._straight.one() as connection:
            yield connection

    @asynccontextmanager
    async def together(self) -> AsyncIterator[Straight]:
        """A connection inside one transaction, for several prepared statements."""
        async with self._straight.one() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection inside one transaction, for statements that need no objects."""
        async with self.engine.begin() as connection:
            yield connection

    async def ping(self) -> None:
        """Raise psycopg.OperationalError where Postgres does not answer."""
        async with self._straight.one() as connection:
            await connection.execute("SELECT 1")

    async def close(self) -> None:
        """Close every connection."""
        await self._straight.close()
        await self.engine.dispose()


def driver_url(database_url: str) -> str:
    """The URL with psycopg named as the driver, from any of the usual spellings."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if database_url.startswith(prefix):
            return "postgresql+psycopg://" + database_url[len(prefix) :]
    raise ValueError("DATABASE_URL must begin with postgresql://")


def libpq_url(database_url: str) -> str:
    """The URL as libpq takes it."""
    return driver_url(database_url).replace("+psycopg", "", 1)


def _require_standing(_connection: Any, record: Any, _proxy: Any) -> None:
    """Have a connection replaced that Postgres has left."""
    if not stands(record.driver_connection):
        raise DisconnectionError


def _leave_standby(context: ExceptionContext) -> None:
    """Have all connections replaced once the server turns out to be a standby now, which is as good as away."""
    if isinstance(context.original_exception, DEMOTED):
        context.is_disconnect = True
        raise OperationalError(None, None, context.original_exception, hide_parameters=True)
