"""The security log over a real Postgres."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from engine_app.accounts import repository, security_log
from engine_app.accounts.security_log import SecurityEvent
from engine_app.storage.postgres import Database


@pytest.fixture
async def user_id(database: Database) -> int:
    async with database.transaction() as session:
        made = await repository.insert_user(session, username="alice", name_key="alice", password_hash="-")
    assert made is not None
    return made


async def written(database: Database, user_id: int, *events: SecurityEvent) -> None:
    for number, event in enumerate(events):
        async with database.transaction() as session:
            await security_log.record(session, user_id, event, ip=f"192.0.2.{number}", device=None)


async def test_entries_come_newest_first_and_in_pages(database: Database, user_id: int) -> None:
    await written(database, user_id, SecurityEvent.LOGIN, SecurityEvent.PASSWORD_CHANGED, SecurityEvent.LOGOUT)
    async with database.transaction() as session:
        first = await security_log.page(session, user_id, limit=2)
        rest = await security_log.page(session, user_id, limit=2, before=first[-1].id)
        assert await security_log.page(session, user_id + 1, limit=2) == []
    assert [entry.event for entry in (*first, *rest)] == ["logout", "password_changed", "login"]
    assert rest[0].facts == {"ip": "192.0.2.0"}
    assert rest[0].at <= first[0].at


async def test_an_entry_falls_with_its_transaction(database: Database, user_id: int) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            await security_log.record(session, user_id, SecurityEvent.LOGIN)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.transaction() as session:
        assert await security_log.page(session, user_id, limit=2) == []


@pytest.mark.parametrize(
    "change", ["UPDATE security_log SET event = 'logout'", "DELETE FROM security_log", "TRUNCATE security_log"]
)
async def test_nobody_changes_what_is_written(database: Database, user_id: int, change: str) -> None:
    await written(database, user_id, SecurityEvent.LOGIN)
    with pytest.raises(IntegrityError, match="never changed or deleted"):
        async with database.connection() as connection:
            await connection.execute(text(change))
    async with database.transaction() as session:
        assert [entry.event for entry in await security_log.page(session, user_id, limit=2)] == ["login"]
