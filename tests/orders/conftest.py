"""A database with a user who has a wallet, and orders to work with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from engine_app.accounts.models import User
from engine_app.orders import repository
from engine_app.orders.models import Order
from engine_app.storage.postgres import Database
from engine_app.wallets.models import Wallet

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


@dataclass(frozen=True)
class Trader:
    """A user and the wallet he trades from."""

    user_id: int
    wallet_id: int


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def new_trader(database: Database) -> Callable[[], Awaitable[Trader]]:
    """Makes a user with a wallet."""

    async def make() -> Trader:
        name = uuid4().hex
        async with database.transaction() as session:
            user = User(username=name, name_key=name, password_hash="not used here")
            session.add(user)
            await session.flush()
            wallet = Wallet(address=name, derivation_index=user.id, user_id=user.id, assigned_at=datetime.now(UTC))
            session.add(wallet)
            await session.flush()
            return Trader(user.id, wallet.id)

    return make


@pytest.fixture
async def trader(new_trader: Callable[[], Awaitable[Trader]]) -> Trader:
    return await new_trader()


@pytest.fixture
def new_order(database: Database, trader: Trader) -> Callable[..., Awaitable[Order]]:
    """Places an order of 1.5 SOL for USDC; keyword arguments set other columns."""

    async def place(*, valid_for: timedelta = timedelta(minutes=5), **columns: Any) -> Order:
        values: dict[str, Any] = {
            "user_id": trader.user_id,
            "wallet_id": trader.wallet_id,
            "token_in": SOL,
            "token_out": USDC,
            "decimals_in": 9,
            "decimals_out": 6,
            "amount_in": Decimal(1_500_000_000),
            "slippage": Decimal("0.01"),
            "max_price_impact": Decimal("0.05"),
        }
        async with database.transaction() as session:
            order = Order(id=uuid4(), **(values | columns))
            placed = await repository.insert_order(session, order, valid_for=valid_for, data={})
            assert placed is not None
            return placed

    return place
