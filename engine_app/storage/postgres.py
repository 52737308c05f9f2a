"""The Postgres engine and its transactions.

Postgres is the truth: every commit is durable (`storage.schema` refuses a server whose commits are not), and no
caller may hold a transaction open across a call to the chain. Nothing relies on the state of a session, so that a
pooler may give each transaction another connection.
"""

from __future__ import annotations

import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy.ext.asyncio
from sqlalchemy import event, text
from sqlalchemy.exc import DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.errors import register


def driver_url(database_url: str) -> str:
    """The URL with psycopg named as the driver, from any of the usual spellings."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if database_url.startswith(prefix):
            return "postgresql+psycopg://" + database_url[len(prefix) :]
    raise ValueError("DATABASE_URL must begin with postgresql://")


DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""Postgres does not answer: nothing was written, and trying again later is right."""

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


Statements = Session | AsyncSession | AsyncConnection
"""Where a statement may be executed: in a transaction, or at once."""


class Database:
    """One pool of connections to Postgres.

    `transaction()` commits at its end and rolls back where an error leaves it. One statement may also go `at_once()`.
    """

    def __init__(self, database_url: str, *, pool_size: int = 10) -> None:
        """Open nothing yet.

        Args:
            database_url: where.
            pool_size: connections kept open; as many again under load.
        """
        self.engine: AsyncEngine = create_async_engine(
            driver_url(database_url),
            pool_size=pool_size,
            max_overflow=pool_size,
            hide_parameters=True,
            connect_args={"prepare_threshold": None, "connect_timeout": 5},
        )
        event.listen(self.engine.sync_engine, "checkout", _require_standing)
        self._at_once = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session inside one transaction; committed durably when the block ends without an error."""
        async with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement is a transaction of its own, as durable as any other.

        BEGIN and COMMIT are not sent, so that a step that is one statement is one round trip instead of three.
        """
        async with self._at_once.connect() as connection:
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection inside one transaction, for statements that need no objects."""
        async with self.engine.begin() as connection:
            yield connection

    async def ping(self) -> None:
        """Raise SQLAlchemy's error where Postgres does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("select 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _require_standing(_connection: Any, record: Any, _proxy: Any) -> None:
    """Have a connection replaced that Postgres has left, so that nothing fails for a server that was restarted.

    An idle connection has nothing to say: what it has to read is the end, or a farewell before it. Looking costs no
    round trip.
    """
    connection = record.driver_connection
    if connection.closed:
        raise DisconnectionError
    waits = select.poll()
    waits.register(connection.fileno(), select.POLLIN)
    if waits.poll(0):
        raise DisconnectionError
