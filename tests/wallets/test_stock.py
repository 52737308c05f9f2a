"""The stock of fresh addresses over a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from engine_app.embedded.postgres import Postgres
from engine_app.storage.postgres import DATABASE_AWAY, Database
from engine_app.wallets import repository
from engine_app.wallets.derivation import keypair_at, seed_of
from engine_app.wallets.models import Wallet
from engine_app.wallets.stock import AddressStock
from tests.wallets.messages import PHRASE


@pytest.fixture
async def users(database: Database) -> list[int]:
    async with database.connection() as connection:
        rows = await connection.execute(
            text(
                "INSERT INTO users (username, name_key, password_hash) "
                "SELECT 'user ' || n, 'user ' || n, '' FROM generate_series(1, 40) n RETURNING id"
            )
        )
        return [row[0] for row in rows]


async def stocked(database: Database) -> int:
    async with database.transaction() as session:
        return await repository.stock_size(session)


async def take(database: Database, user_id: int) -> Wallet | None:
    async with database.transaction() as session:
        return await repository.take(session, user_id)


async def test_filling_makes_addresses_of_the_mnemonic(database: Database) -> None:
    assert await AddressStock(database, PHRASE, size=20).fill(20) == 20
    seed = seed_of(PHRASE)
    async with database.connection() as connection:
        rows = (await connection.execute(text("SELECT derivation_index, address FROM wallets"))).all()
    assert len({row.derivation_index for row in rows}) == 20
    assert all(str(keypair_at(seed, row.derivation_index).pubkey()) == row.address for row in rows)
    indexes = sorted(row.derivation_index for row in rows)
    assert indexes[-1] - indexes[0] > 1_000_000


async def test_refilled_only_below_the_least(database: Database, users: list[int]) -> None:
    stock = AddressStock(database, PHRASE, size=20)
    await stock.fill(20)
    for user_id in users[:10]:
        assert await take(database, user_id)
    assert await stock.fill(10) == 0
    assert await take(database, users[10])
    assert await stock.fill(10) == 11
    assert await stocked(database) == 20


async def test_workers_do_not_fill_twice(database: Database) -> None:
    stocks = [AddressStock(database, PHRASE, size=30) for _ in range(6)]
    added = await asyncio.gather(*(stock.fill(30) for stock in stocks))
    assert sum(added) == 30
    assert await stocked(database) == 30


async def test_taking_at_once_gives_each_its_own(database: Database, users: list[int]) -> None:
    await AddressStock(database, PHRASE, size=30).fill(30)
    wallets = await asyncio.gather(*(take(database, user_id) for user_id in users))
    taken = [wallet for wallet in wallets if wallet is not None]
    assert len(taken) == 30
    assert len({wallet.address for wallet in taken}) == 30
    assert {wallet.user_id for wallet in taken} <= set(users)
    assert await stocked(database) == 0


async def test_an_index_that_exists_is_not_inserted_again(database: Database) -> None:
    async with database.transaction() as session:
        assert await repository.add_to_stock(session, [(1, "one"), (2, "two")]) == 2
        assert await repository.add_to_stock(session, [(2, "other"), (3, "one"), (4, "four")]) == 1
        assert await repository.add_to_stock(session, []) == 0


@pytest.fixture
async def keep(database: Database) -> AsyncIterator[asyncio.Task[None]]:
    keeping = asyncio.create_task(AddressStock(database, PHRASE, size=10).run())
    yield keeping
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


async def until_full(database: Database) -> None:
    async with asyncio.timeout(30):
        while await stocked(database) < 10:  # noqa: ASYNC110 - Postgres holds what is waited for
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("keep")
async def test_the_loop_keeps_the_stock(database: Database, users: list[int]) -> None:
    await until_full(database)
    for user_id in users[:8]:
        assert await take(database, user_id)
    await until_full(database)


async def test_a_lost_database_is_waited_for(
    database: Database, database_url: str, postgres_server: Postgres, keep: asyncio.Task[None]
) -> None:
    await until_full(database)
    name = database_url.rpartition("/")[2]
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        with pytest.raises(DATABASE_AWAY):
            await stocked(database)
        await asyncio.sleep(1.5)
        assert not keep.done()
        server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
    async with asyncio.timeout(30):
        await until_answering(database)
    async with database.connection() as connection:
        await connection.execute(text("DELETE FROM wallets"))
    await until_full(database)


async def until_answering(database: Database) -> None:
    while True:
        with suppress(*DATABASE_AWAY):
            return await database.ping()
        await asyncio.sleep(0.05)
