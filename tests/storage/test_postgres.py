"""Connections to a real Postgres."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from engine_app.storage.postgres import DATABASE_AWAY, Database


async def test_an_error_does_not_repeat_what_was_sent(database: Database) -> None:
    with pytest.raises(ProgrammingError) as refused:
        async with database.connection() as connection:
            await connection.execute(text("INSERT INTO nowhere VALUES (:password)"), {"password": "hunter2"})
    assert "nowhere" in str(refused.value)
    assert "hunter2" not in str(refused.value)


WRITE = "CREATE TABLE IF NOT EXISTS written (id integer)"
READ_ONLY = "SET default_transaction_read_only = on"
"""Makes of one connection what a standby makes of all."""


async def test_connections_to_a_primary_that_is_a_standby_now_are_replaced(database: Database) -> None:
    async with database.at_once() as connection:
        await connection.execute(READ_ONLY)
        before = connection.info.backend_pid
    with pytest.raises(DATABASE_AWAY, match="takes no writes"):
        async with database.at_once() as connection:
            await connection.execute(WRITE)
    async with database.at_once() as connection:
        await connection.execute(WRITE)
        assert connection.info.backend_pid != before


async def test_so_are_those_of_the_orm(database: Database) -> None:
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(READ_ONLY))
    with pytest.raises(DATABASE_AWAY, match="read-only transaction"):
        async with database.transaction() as session:
            await session.execute(text(WRITE))
    async with database.transaction() as session:
        await session.execute(text(WRITE))
