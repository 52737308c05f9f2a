"""Who holds a connection open learns that its session has ended: at once, and soon also where Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from engine_app.accounts import endings
from engine_app.accounts.endings import Endings
from engine_app.accounts.scopes import Scope
from engine_app.accounts.service import Accounts, Identity
from engine_app.accounts.upkeep import Upkeep
from engine_app.storage.postgres import Database
from engine_app.storage.redis import connect
from tests.accounts.conftest import IP, PASSWORD

pytestmark = pytest.mark.usefixtures("stock")

AT_ONCE = 5.0


@pytest.fixture
async def listening(database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Endings]:
    """One that only listens: what it sees at once, Redis told it."""
    monkeypatch.setattr(endings, "LOOK_SECONDS", 300.0)
    async with running(Endings(database, connect(redis_url, listens=True))) as made:
        await asyncio.wait_for(made.listening.wait(), 30)
        yield made


@pytest.fixture
async def looking(database: Database, unused_tcp_port: int) -> AsyncIterator[Endings]:
    """One whose Redis is away."""
    async with running(Endings(database, connect(f"redis://127.0.0.1:{unused_tcp_port}/0", listens=True))) as made:
        yield made


@asynccontextmanager
async def running(made: Endings) -> AsyncIterator[Endings]:
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.wait([task])


@pytest.fixture
async def owner(accounts: Accounts) -> Identity:
    return await accounts.authenticate((await accounts.create("alice", PASSWORD, IP)).token)


async def test_a_watcher_hears_of_its_own_session_alone(
    accounts: Accounts, upkeep: Upkeep, owner: Identity, listening: Endings
) -> None:
    other = await accounts.authenticate((await accounts.log_in("alice", PASSWORD, IP)).token)
    async with listening.watch(owner) as kept, listening.watch(other) as ended, listening.watch(other) as twin:
        await upkeep.log_out(other, IP)
        await asyncio.wait_for(asyncio.gather(ended.wait(), twin.wait()), AT_ONCE)
        assert not kept.is_set()
    assert listening._watched == {}


async def test_a_revoked_key_and_a_changed_password_end_what_is_open(
    accounts: Accounts, upkeep: Upkeep, owner: Identity, listening: Endings
) -> None:
    made = await upkeep.create_key(owner, name="bot", scopes=[Scope.READ], days=None, password=PASSWORD, ip=IP)
    other = await accounts.authenticate((await accounts.log_in("alice", PASSWORD, IP)).token)
    watched = [await accounts.authenticate(made.secret), other]
    waiting = [asyncio.create_task(listening.until_ended(identity)) for identity in watched]
    await asyncio.sleep(0.1)
    await upkeep.revoke_key(owner, made.key.id, IP)
    await upkeep.change_password(owner, PASSWORD, "another horse", IP)
    await asyncio.wait_for(asyncio.gather(*waiting), AT_ONCE)


async def test_what_ended_before_watching_began_is_seen(upkeep: Upkeep, owner: Identity, listening: Endings) -> None:
    await upkeep.log_out(owner, IP)
    await asyncio.wait_for(listening.until_ended(owner), AT_ONCE)


async def test_without_redis_an_ending_is_seen_at_the_next_look(
    owner: Identity, looking: Endings, database: Database, accounts: Accounts, unused_tcp_port: int
) -> None:
    away = Upkeep(database, accounts, connect(f"redis://127.0.0.1:{unused_tcp_port}/0"))
    async with looking.watch(owner) as ended:
        await away.log_out(owner, IP)
        await asyncio.wait_for(ended.wait(), endings.LOOK_SECONDS + AT_ONCE)


async def test_what_expired_is_seen_at_the_next_look(owner: Identity, looking: Endings, database: Database) -> None:
    async with looking.watch(owner) as ended:
        async with database.connection() as connection:
            await connection.execute(text("ALTER TABLE sessions DISABLE TRIGGER sessions_keep_the_rules"))
            await connection.execute(text("UPDATE sessions SET expires_at = now()"))
        await asyncio.wait_for(ended.wait(), endings.LOOK_SECONDS + AT_ONCE)
