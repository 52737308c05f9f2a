"""What of a user's orders is read for whoever follows them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.markets.tokens import TokenList, TokenLookup
from engine_app.orders import leases, repository
from engine_app.orders.errors import OrderNotFound
from engine_app.orders.models import Order
from engine_app.orders.progress import ProgressPublisher
from engine_app.orders.service import Orders
from engine_app.orders.updates import Stage
from engine_app.settings import Settings
from engine_app.storage.postgres import Database
from tests.orders.conftest import Trader

NewOrder = Callable[..., Awaitable[Order]]


@pytest.fixture
def orders(database: Database, redis: Redis) -> Orders:
    tokens = TokenList(CLUSTERS["localnet"])
    lookup = TokenLookup(tokens, Rpc(["http://127.0.0.1:1"], CLUSTERS["localnet"]), allow_unlisted=False)
    return Orders(database, lookup, Settings(), ProgressPublisher(redis, tokens))


async def fail(database: Database, order: Order) -> None:
    """Take an order and end it: its second event."""
    async with database.transaction() as session:
        taken = await leases.take(session, order.id, "worker")
        assert taken is not None
        token = taken.order.fencing_token
        await repository.advance(
            session, order.id, token, event="failed", status="failed", error_code="EXPIRED", error_message="too late"
        )


async def test_what_was_missed_is_told_order_by_order_as_they_are_named(
    orders: Orders, database: Database, trader: Trader, new_order: NewOrder
) -> None:
    placed = [await new_order() for _ in range(4)]
    for order in placed[:3]:
        await fail(database, order)
    after = {placed[3].id: 0, placed[1].id: 0, placed[0].id: None, placed[2].id: 2}
    missed = await orders.updates(trader.user_id, after)
    assert [(update.order_id, update.seq, update.stage) for update in missed.updates] == [
        (placed[3].id, 1, Stage.OPEN),
        (placed[1].id, 1, Stage.OPEN),
        (placed[1].id, 2, Stage.ENDED),
        (placed[0].id, 2, Stage.ENDED),
    ]
    assert missed.ended == {order.id: order.created_at for order in placed[:3]}
    assert {update.order_id: update.placed_at for update in missed.updates} == {
        order.id: order.created_at for order in placed if order is not placed[2]
    }
    with pytest.raises(OrderNotFound):
        await orders.updates(trader.user_id, after | {uuid4(): 0})


async def test_orders_that_were_placed_since_a_moment_are_told_the_oldest_first_whatever_has_become_of_them(
    orders: Orders, database: Database, trader: Trader, new_trader: Callable[[], Awaitable[Trader]], new_order: NewOrder
) -> None:
    await new_order()
    since = await orders.clock()
    later = [await new_order() for _ in range(3)]
    stranger = await new_trader()
    await new_order(user_id=stranger.user_id, wallet_id=stranger.wallet_id)
    await fail(database, later[1])
    found = await orders.placed_since(trader.user_id, since)
    assert list(found.items()) == [(order.id, order.created_at) for order in later]
