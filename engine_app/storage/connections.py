"""Connections on which prepared statements go to Postgres, with nothing between psycopg and whoever sends them."""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import psycopg
from psycopg import errors
from psycopg.adapt import AdaptersMap
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg.types.numeric import Int8Dumper

from engine_app.telemetry.logging import get_logger

Straight = psycopg.AsyncConnection[DictRow]
"""A connection on which each statement is a transaction of its own, unless one is begun."""

CONNECTING: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""As libpq takes it: a server that is gone without a word, behind a broken network say, is given up in half a minute
instead of the quarter of an hour, and the two hours of silence, that TCP gives it."""
WAIT_SECONDS = 30.0
"""For a connection that others use."""

_STALE = (errors.FeatureNotSupported, errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
"""A migration has changed what a prepared statement gives, or a pooler does not keep it with its connection."""

DEMOTED = errors.ReadOnlySqlTransaction
"""This server was the primary and is a standby now; where there is a new one, only a new connection comes to it."""

log = get_logger(__name__)


class Connections:
    """A pool of them. The one that was used last is used next, so that few have to know the statements."""

    def __init__(self, url: str, *, size: int, prepare: bool) -> None:
        """Open nothing yet.

        Args:
            url: as libpq takes it.
            size: at most so many.
            prepare: let Postgres plan each statement once a connection, where the connection is one that stays.
        """
        self._url = url
        self._prepare = prepare
        self._room = asyncio.Semaphore(size)
        self._idle: list[Straight] = []
        self._closed = False
        self._told = False

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Straight]:
        """A connection that Postgres has not left, for the block.

        Raises:
            psycopg.OperationalError: Postgres does not answer, plans what it has prepared no more, or takes no writes;
                nothing was written by the statement that says so.
        """
        await self._enter()
        try:
            connection = await self._standing()
            try:
                yield connection
            except _STALE as error:
                await self._forget(connection)
                raise psycopg.OperationalError(
                    f"{error.diag.message_primary}; behind a pooler set PREPARED_STATEMENTS=false"
                ) from error
            except DEMOTED as error:
                await self._forget(connection)
                raise psycopg.OperationalError(f"Postgres takes no writes: {error.diag.message_primary}") from error
            finally:
                await self._put_back(connection)
        finally:
            self._room.release()

    async def close(self) -> None:
        """Close those that are idle now and the others as they come back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()

    async def _enter(self) -> None:
        if not self._room.locked():
            await self._room.acquire()
            return
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._room.acquire()
        except TimeoutError:
            raise psycopg.OperationalError(f"no connection has become free for {WAIT_SECONDS:.0f} s") from None

    async def _standing(self) -> Straight:
        while self._idle:
            connection = self._idle.pop()
            if stands(connection):
                return connection
            await connection.close()
        return await self._connect()

    async def _connect(self) -> Straight:
        connection = await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            prepare_threshold=None,
            row_factory=dict_row,
            context=_ADAPTERS,
            **CONNECTING,
        )
        try:
            if self._prepare and await self._keeps_statements(connection):
                connection.prepare_threshold = 0
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _keeps_statements(self, connection: Straight) -> bool:
        """Whether what is prepared on a connection is there in its next transaction, too.

        A pooler shows itself by process ids: it tells its clients of one that is not Postgres's. One that keeps track
        of statements, as PgBouncer does from 1.21, gives them names of its own.
        """
        told = await (await connection.execute("SELECT pg_backend_pid() AS pid")).fetchone()
        if told is None or told["pid"] == connection.info.backend_pid:
            # Prepared statements here find few rows by indexes, whatever they are told: one plan does for all.
            await connection.execute("SET plan_cache_mode = force_generic_plan")
            return True
        connection.prepare_threshold = 0
        async with connection.transaction():
            found = await connection.execute(_OWN_NAMES, prepare=True)
            kept = not await found.fetchall()
            await connection.execute("DEALLOCATE ALL", prepare=False)
        connection.prepare_threshold = None
        if not kept and not self._told:
            self._told = True
            log.warning("database.statements_not_prepared", why="a pooler does not keep them with its connections")
        return kept

    async def _put_back(self, connection: Straight) -> None:
        """Keep it for the next one, unless something of its last use is left on it."""
        if self._closed or connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            await connection.close()
        else:
            self._idle.append(connection)

    async def _forget(self, connection: Straight) -> None:
        """Close it and the idle ones, which are as useless."""
        await connection.close()
        while self._idle:
            await self._idle.pop().close()


def stands(connection: psycopg.AsyncConnection[object]) -> bool:
    """Whether Postgres has not left an idle connection, so that nothing fails for a server that was restarted.

    An idle connection has nothing to say: what it has to read is the end, or a farewell before it. Looking costs no
    round trip.
    """
    if connection.closed:
        return False
    waits = select.poll()
    waits.register(connection.fileno(), select.POLLIN)
    return not waits.poll(0)


def _adapters() -> AdaptersMap:
    """One type for all integers, so that a statement is prepared once whatever their size; JSON as orjson has it."""
    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_dumper(int, Int8Dumper)
    set_json_dumps(orjson.dumps, adapters)
    set_json_loads(orjson.loads, adapters)
    return adapters


_ADAPTERS = _adapters()
_OWN_NAMES = r"SELECT name FROM pg_prepared_statements WHERE name LIKE '\_pg3\_%'"
"""Statements under the names that psycopg gives them."""
