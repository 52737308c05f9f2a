"""A user with a wallet on the session's local chain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
from sqlalchemy import text

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.embedded.processes import LocalChain
from engine_app.storage.postgres import Database
from engine_app.wallets.stock import AddressStock
from tests.wallets.messages import PHRASE

LOCALNET = CLUSTERS["localnet"]


async def nothing_reserved(user_id: int) -> Mapping[str, int]:
    """That no open order holds anything."""
    return {}


@pytest.fixture
async def rpc(localnet: LocalChain) -> AsyncIterator[Rpc]:
    opened = Rpc([localnet.rpc_url], LOCALNET)
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
async def user(database: Database) -> int:
    await AddressStock(database, PHRASE, size=1).fill(1)
    async with database.connection() as connection:
        made = await connection.execute(
            text("INSERT INTO users (username, name_key, password_hash) VALUES ('a', 'a', '') RETURNING id")
        )
        user_id = int(made.scalar_one())
        await connection.execute(text("UPDATE wallets SET user_id = :id, assigned_at = now()"), {"id": user_id})
    return user_id
