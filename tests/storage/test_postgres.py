"""Connections to a real Postgres."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from engine_app.storage.postgres import Database


async def test_an_error_does_not_repeat_what_was_sent(database: Database) -> None:
    with pytest.raises(ProgrammingError) as refused:
        async with database.connection() as connection:
            await connection.execute(text("INSERT INTO nowhere VALUES (:password)"), {"password": "hunter2"})
    assert "nowhere" in str(refused.value)
    assert "hunter2" not in str(refused.value)
