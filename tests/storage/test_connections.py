"""Prepared statements on a real Postgres: through migrations, restarts and a pooler."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import ARRAY, Integer, String, bindparam, column, func, literal, select, table
from sqlalchemy.dialects.postgresql import JSONB

from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.ports import free_port
from engine_app.storage.connections import Straight
from engine_app.storage.postgres import DATABASE_AWAY, Database
from engine_app.storage.prepared import Prepared
from engine_app.storage.redis import connect
from tests.pooler import CONNECTIONS, pgbouncer

THINGS = table("things", column("id", Integer()), column("name", String()), column("kind", String()))
NAMED = Prepared(
    select(THINGS.c.id, THINGS.c.name).where(THINGS.c.id == bindparam("id", type_=Integer()), THINGS.c.kind == "100%")
)
PREPARED = "SELECT count(*) AS count FROM pg_prepared_statements WHERE statement LIKE '%FROM things%'"


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of somebody else's, who has made the table."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE things (id integer, name varchar(9), kind varchar)")
        connection.execute("INSERT INTO things VALUES (1, 'one', '100%')")
        yield connection


async def named(database: Database, *, in_one_transaction: bool = False) -> Any:
    async with database.together() if in_one_transaction else database.at_once() as connection:
        return await NAMED.rows(connection, {"id": 1})


async def count_prepared(connection: Straight) -> int:
    found = await (await connection.execute(PREPARED, prepare=False)).fetchone()
    assert found is not None
    return int(found["count"])


@pytest.fixture
async def pooled(
    database_url: str, supervisor: BackgroundSupervisor, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Database]:
    """The database behind a pooler."""
    service, url = pgbouncer(tmp_path_factory.mktemp("pooler") / "pgbouncer", free_port(), database_url)
    supervisor.start(service)
    database = Database(url)
    yield database
    await database.close()
    supervisor.stop(service.name)


async def test_a_statement_is_planned_once_a_connection(owner: Any, database: Database) -> None:
    for _ in range(3):
        assert await named(database) == [{"id": 1, "name": "one"}]
    async with database.at_once() as connection:
        assert await count_prepared(connection) == 1
        plain = await (await connection.execute("SELECT statement FROM pg_prepared_statements")).fetchall()
    text = next(row["statement"] for row in plain if "FROM things" in row["statement"])
    assert "things.kind = '100%'" in text
    assert "$1" in text
    assert "$2" not in text


async def test_one_that_is_planned_by_its_values_is_prepared_nowhere(owner: Any, database: Database) -> None:
    statement = Prepared(
        select(THINGS.c.id, THINGS.c.name).where(
            THINGS.c.name == bindparam("name", type_=String()), THINGS.c.kind.like("100%")
        ),
        by_values=True,
    )
    owner.execute("UPDATE things SET name = 'o''%(x)s'")
    async with database.at_once() as straight, database.transaction() as session:
        for where in (straight, session):
            for _ in range(2):
                assert await statement.rows(where, {"name": "o'%(x)s"}) == [{"id": 1, "name": "o'%(x)s"}]
            assert await statement.rows(where, {"name": "' OR true --"}) == []
        assert await count_prepared(straight) == 0


async def test_nothing_is_prepared_where_that_is_asked_for(owner: Any, database_url: str) -> None:
    database = Database(database_url, prepare=False)
    assert await named(database) == [{"id": 1, "name": "one"}]
    async with database.at_once() as connection:
        assert await count_prepared(connection) == 0
    await database.close()


async def test_a_column_that_a_migration_adds_changes_nothing_for_who_runs(owner: Any, database: Database) -> None:
    await named(database)
    owner.execute("ALTER TABLE things ADD COLUMN more integer NOT NULL DEFAULT 7")
    assert await named(database) == [{"id": 1, "name": "one"}]


@pytest.mark.parametrize("in_one_transaction", [False, True])
async def test_a_column_of_another_type_is_found_at_the_second_try(
    owner: Any, database: Database, *, in_one_transaction: bool
) -> None:
    """Whoever is told that the database does not answer tries again, and then finds it so."""
    async with database.at_once() as first, database.at_once() as second:
        for connection in (first, second):
            await NAMED.rows(connection, {"id": 1})
    owner.execute("ALTER TABLE things ALTER COLUMN name TYPE text")
    with pytest.raises(DATABASE_AWAY, match="cached plan must not change result type"):
        await named(database, in_one_transaction=in_one_transaction)
    async with database.at_once() as first, database.at_once() as second:
        for connection in (first, second):
            assert await NAMED.rows(connection, {"id": 1}) == [{"id": 1, "name": "one"}]


async def test_connections_that_postgres_has_left_are_replaced(owner: Any, database: Database) -> None:
    async with database.at_once() as connection:
        pid = connection.info.backend_pid
        await NAMED.rows(connection, {"id": 1})
    owner.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert await named(database) == [{"id": 1, "name": "one"}]


async def test_one_that_postgres_leaves_while_it_is_used_says_so(owner: Any, database: Database) -> None:
    async def is_left() -> None:
        async with database.at_once() as connection:
            owner.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
            await NAMED.rows(connection, {"id": 1})

    with pytest.raises(DATABASE_AWAY):
        await is_left()
    assert await named(database) == [{"id": 1, "name": "one"}]


async def test_what_fails_together_is_undone_together(owner: Any, database: Database) -> None:
    async def fails() -> None:
        async with database.together() as connection:
            await connection.execute("UPDATE things SET name = 'two'")
            await connection.execute("SELECT 1 / 0")

    with pytest.raises(errors.DivisionByZero):
        await fails()
    assert await named(database) == [{"id": 1, "name": "one"}]


async def test_a_connection_comes_back_clean_from_who_was_stopped_in_the_middle(owner: Any, database_url: str) -> None:
    database = Database(database_url, pool_size=1)

    async def stays() -> None:
        async with database.together() as connection:
            await connection.execute("UPDATE things SET name = 'two'")
            await connection.execute("SELECT pg_sleep(60)")

    stopped = asyncio.create_task(stays())
    await asyncio.sleep(0.2)
    waiting = asyncio.create_task(named(database))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    assert await waiting == [{"id": 1, "name": "one"}]
    await database.close()


async def test_behind_a_pooler_that_keeps_no_statements_none_is_prepared(owner: Any, pooled: Database) -> None:
    """It gives each transaction another connection, so that a prepared statement would soon be missing."""
    for _ in range(3 * CONNECTIONS):
        async with pooled.at_once() as first, pooled.at_once() as second:
            for connection in (first, second):
                assert await NAMED.rows(connection, {"id": 1}) == [{"id": 1, "name": "one"}]
                assert await count_prepared(connection) == 0


async def test_statements_go_the_same_with_and_without_sqlalchemy(database: Database) -> None:
    listed = func.unnest(bindparam("numbers", type_=ARRAY(Integer()))).column_valued("number")
    statement = Prepared(
        select(
            listed.label("number"),
            bindparam("told", type_=JSONB(none_as_null=True)).label("told"),
            literal("it's %").label("word"),
        )
    )
    told = {"numbers": [1, 2**31 - 1], "told": {"a": [1, "ü", None]}}
    expected = [{"number": number, "told": told["told"], "word": "it's %"} for number in (1, 2**31 - 1)]
    async with database.transaction() as session, database.at_once() as straight:
        assert await statement.rows(session, told) == expected
        assert await statement.rows(straight, told) == expected
        assert await statement.rows(straight, told | {"told": None, "numbers": []}) == []


def patience(descriptor: int) -> tuple[int, int]:
    """Seconds of silence after which TCP asks, and milliseconds after which it gives up."""
    with socket.socket(fileno=os.dup(descriptor)) as same:
        idle = same.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        return idle, same.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux")
async def test_a_server_that_is_gone_without_a_word_is_given_up_within_half_a_minute(
    database: Database, redis_url: str
) -> None:
    async with database.at_once() as straight, database.engine.connect() as by_sqlalchemy:
        raw = (await by_sqlalchemy.get_raw_connection()).driver_connection
        assert raw is not None
        assert patience(straight.fileno()) == patience(raw.fileno()) == (15, 30_000)
    listener = connect(redis_url, listens=True)
    async with listener.pubsub() as subscription:
        await subscription.subscribe("anything")
        assert subscription.connection is not None
        writer = subscription.connection._writer
        assert writer is not None
        assert patience(writer.get_extra_info("socket").fileno()) == (15, 30_000)
    await listener.aclose()
