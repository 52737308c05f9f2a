"""Accounts over a real Postgres and a real Valkey."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from engine_app.accounts.service import Accounts
from engine_app.accounts.upkeep import Upkeep
from engine_app.errors import EngineError
from engine_app.settings import Settings
from engine_app.storage.postgres import Database
from engine_app.storage.rate_limits import RateLimits
from engine_app.wallets import repository as wallets

SECRET = "a secret of thirty-two bytes or more"
PASSWORD = "correct horse"
IP = "192.0.2.7"

MakeAccounts = Callable[..., Accounts]


@pytest.fixture
async def make(database: Database, redis: Redis) -> AsyncIterator[MakeAccounts]:
    """Makes accounts services with the given settings, each as another process would have its own."""
    made = []

    def with_settings(**settings: object) -> Accounts:
        accounts = Accounts(database, RateLimits(redis), Settings.model_validate(settings), jwt_secrets=(SECRET,))
        made.append(accounts)
        return accounts

    yield with_settings
    for accounts in made:
        await accounts.close()


@pytest.fixture
def accounts(make: MakeAccounts) -> Accounts:
    """An accounts service with the settings' defaults."""
    return make()


@pytest.fixture
def upkeep(accounts: Accounts, database: Database, redis: Redis) -> Upkeep:
    """What an owner does, over the same accounts."""
    return Upkeep(database, accounts, redis)


@pytest.fixture
async def stock(database: Database) -> None:
    """Forty fresh addresses."""
    async with database.transaction() as session:
        await wallets.add_to_stock(session, [(index, f"address {index}") for index in range(40)])


async def count(database: Database, query: str) -> int:
    """The one number that a query gives."""
    async with database.connection() as connection:
        return int((await connection.execute(text(query))).scalar_one())


async def outcome(call: Awaitable[object]) -> str:
    """`ok`, or the code of the error that a call raised."""
    try:
        await call
    except EngineError as error:
        return error.code
    return "ok"
