"""The limits on orders hold to the unit however many are placed at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.errors import EngineError
from engine_app.markets.tokens import TokenList, TokenLookup
from engine_app.orders import leases, limits, repository
from engine_app.orders.limits import DailyVolumeUsedUp, OrderLimits, OrderTooLarge
from engine_app.orders.progress import ProgressPublisher
from engine_app.orders.service import Orders, PlaceSwap
from engine_app.settings import Settings, SettingsError
from engine_app.storage.postgres import Database
from tests.orders.conftest import Trader

TOKENS = TokenList(CLUSTERS["localnet"])
NewTrader = Callable[[], Awaitable[Trader]]


@pytest.fixture
def orders_with(database: Database, redis: Redis) -> Callable[..., Orders]:
    """The service under limits of its own; its orders wait for a worker that never comes, its tokens are listed."""
    nodes = Rpc(["http://127.0.0.1:1"], CLUSTERS["localnet"])
    lookup = TokenLookup(TOKENS, nodes, allow_unlisted=False)

    def make(**limit: Any) -> Orders:
        return Orders(database, lookup, Settings(**limit), ProgressPublisher(redis, TOKENS))

    return make


async def place(orders: Orders, traders: Iterable[Trader], **wanted: Any) -> Counter[str]:
    """Place an order for each at once; how many were accepted, or refused with which code."""

    async def one(trader: Trader) -> str:
        try:
            wish = {"token_in": "SOL", "token_out": "USDC", "amount": "0.3"} | wanted
            await orders.place(trader.user_id, PlaceSwap(**wish))
        except EngineError as error:
            return error.code
        return "accepted"

    return Counter(await asyncio.gather(*map(one, traders)))


async def count(database: Database) -> int:
    async with database.connection() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM orders"))).scalar_one())


async def end_one(database: Database, trader: Trader) -> None:
    """Let an open order of somebody fail."""
    async with database.connection() as connection:
        some = text("SELECT id FROM orders WHERE user_id = :u AND status = 'pending' ORDER BY created_at DESC LIMIT 1")
        order_id: UUID = (await connection.execute(some, {"u": trader.user_id})).scalar_one()
    async with database.transaction() as session:
        taken = await leases.take(session, order_id, "tester")
        assert taken is not None
        await repository.advance(
            session, order_id, taken.order.fencing_token, event="failed", status="failed", error_code="CANCELLED"
        )


async def test_an_account_has_so_many_orders_open(
    database: Database, orders_with: Callable[..., Orders], trader: Trader, new_trader: NewTrader
) -> None:
    orders = orders_with(max_open_orders=7)
    assert await place(orders, [trader] * 30) == {"accepted": 7, "TOO_MANY_OPEN_ORDERS": 23}
    assert await count(database) == 7
    assert await place(orders, [await new_trader()]) == {"accepted": 1}
    await end_one(database, trader)
    assert await place(orders, [trader] * 5) == {"accepted": 1, "TOO_MANY_OPEN_ORDERS": 4}


@pytest.mark.parametrize("side_by_side", [10, 1000])
async def test_all_accounts_together_have_so_many_orders_open(
    database: Database, orders_with: Callable[..., Orders], new_trader: NewTrader, monkeypatch: pytest.MonkeyPatch,
    side_by_side: int,
) -> None:  # fmt: skip
    """Ten are on their way at once: as many as there are connections."""
    monkeypatch.setattr(limits, "SIDE_BY_SIDE", side_by_side)
    traders = [await new_trader() for _ in range(10)]
    orders = orders_with(max_open_orders_altogether=25)
    assert await place(orders, traders * 4) == {"accepted": 25, "ENGINE_FULL": 15}
    assert await count(database) == 25


async def test_a_refused_order_does_not_use_up_its_key(
    database: Database, orders_with: Callable[..., Orders], trader: Trader
) -> None:
    orders = orders_with(max_open_orders=1, max_daily_volume="SOL=10")
    wanted = PlaceSwap("SOL", "USDC", "1")
    await orders.place(trader.user_id, wanted, key="one")
    with pytest.raises(EngineError):
        await orders.place(trader.user_id, wanted, key="two")
    await end_one(database, trader)
    again = await orders.place(trader.user_id, wanted, key="two")
    assert (await orders.place(trader.user_id, wanted, key="two")).order_id == again.order_id
    assert await volumes(database) == {(trader.user_id, 10**9), (limits.ENGINE, 10**9)}


async def volumes(database: Database) -> set[tuple[int, int]]:
    async with database.connection() as connection:
        found = await connection.execute(text("SELECT user_id, amount FROM order_volumes"))
        return {(user_id, int(amount)) for user_id, amount in found.all()}


async def test_an_account_trades_so_much_of_a_token_in_a_day(
    database: Database, orders_with: Callable[..., Orders], trader: Trader, new_trader: NewTrader
) -> None:
    orders, other = orders_with(max_daily_volume="SOL=1.2,BONK=5"), await new_trader()
    assert await place(orders, [trader] * 20) == {"accepted": 4, "DAILY_VOLUME_USED_UP": 16}
    assert await place(orders, [trader], amount="0.000000001") == {"DAILY_VOLUME_USED_UP": 1}
    assert await place(orders, [trader], token_in="USDC", token_out="SOL", amount="100000") == {"accepted": 1}
    assert await place(orders, [other] * 2) == {"accepted": 2}
    assert await volumes(database) == {
        (trader.user_id, 1_200_000_000), (other.user_id, 600_000_000), (limits.ENGINE, 1_800_000_000)
    }  # fmt: skip
    await end_one(database, other)
    assert await volumes(database) >= {(other.user_id, 300_000_000), (limits.ENGINE, 1_500_000_000)}


async def test_what_fails_gives_its_volume_back(
    database: Database, orders_with: Callable[..., Orders], trader: Trader
) -> None:
    orders = orders_with(max_daily_volume="SOL=0.6")
    assert await place(orders, [trader] * 3) == {"accepted": 2, "DAILY_VOLUME_USED_UP": 1}
    await end_one(database, trader)
    assert await place(orders, [trader] * 3) == {"accepted": 1, "DAILY_VOLUME_USED_UP": 2}


async def test_all_accounts_together_trade_so_much_of_a_token_in_a_day(
    database: Database, orders_with: Callable[..., Orders], new_trader: NewTrader
) -> None:
    traders = [await new_trader() for _ in range(8)]
    orders = orders_with(max_daily_volume="SOL=0.9", max_daily_volume_altogether="SOL=3")
    told = await place(orders, traders * 4, amount="0.25")
    assert told["accepted"] == await count(database) == 12
    assert set(told) <= {"accepted", "DAILY_VOLUME_USED_UP", "ENGINE_VOLUME_USED_UP"}
    assert (limits.ENGINE, 3 * 10**9) in await volumes(database)


async def test_sums_of_old_days_are_forgotten(
    database: Database, orders_with: Callable[..., Orders], trader: Trader
) -> None:
    await place(orders_with(max_daily_volume="SOL=10"), [trader])
    async with database.connection() as connection:
        await connection.execute(
            text("INSERT INTO order_volumes SELECT user_id, mint, day - 9, amount FROM order_volumes")
        )
    async with database.transaction() as session:
        await limits.forget_old(session)
    assert len(await volumes(database)) == 2


def test_one_order_pays_at_most_so_much() -> None:
    some = OrderLimits.of(Settings(max_order_size="SOL=10,usdc=1500.5"), TOKENS)
    sol, usdc, bonk = map(TOKENS.resolve, ("SOL", "USDC", "BONK"))
    some.require_size(sol, 10 * 10**9)
    some.require_size(usdc, 1_500_500_000)
    some.require_size(bonk, 10**18)
    with pytest.raises(OrderTooLarge, match=r"at most 1500\.5 USDC"):
        some.require_size(usdc, 1_500_500_001)


async def test_an_order_above_the_days_limit_is_told_so_at_once(trader: Trader, database: Database) -> None:
    some = replace(OrderLimits.of(Settings(), TOKENS), volume_of_account={str(TOKENS.resolve("SOL").mint): 5})
    async with database.transaction() as session:
        with pytest.raises(DailyVolumeUsedUp) as refused:
            await some.take_volume(session, trader.user_id, TOKENS.resolve("SOL"), 6)
    assert 1 <= (refused.value.retry_after or 0) <= 86_400


def test_limits_are_read_token_by_token() -> None:
    read = Settings(max_daily_volume=" SOL = 10.5 , USDC=1500,")
    assert read.max_daily_volume == (("SOL", Decimal("10.5")), ("USDC", Decimal(1500)))
    with pytest.raises(SettingsError, match="DOGE"):
        OrderLimits.of(Settings(max_order_size="DOGE=1"), TOKENS)
