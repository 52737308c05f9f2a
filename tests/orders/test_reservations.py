"""A balance is spent once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from engine_app.orders import reservations
from engine_app.orders.models import Order
from engine_app.storage.postgres import Database
from tests.orders.conftest import SOL, USDC

NewOrder = Callable[..., Awaitable[Order]]


async def reserve(
    database: Database, order: Order, needs: Mapping[str, int], balances: Mapping[str, int], slot: int = 100
) -> dict[str, int]:
    async with database.transaction() as session:
        return await reservations.reserve(session, order.id, order.wallet_id, needs=needs, balances=balances, slot=slot)


async def close(database: Database, order: Order, landed_slot: int | None) -> None:
    async with database.transaction() as session:
        await reservations.close(session, order.id, landed_slot=landed_slot)


async def test_fifty_at_once_on_a_balance_for_seven_leave_seven(database: Database, new_order: NewOrder) -> None:
    orders = [await new_order() for _ in range(50)]
    missing = await asyncio.gather(*(reserve(database, order, {SOL: 10}, {SOL: 79}) for order in orders))
    assert len([short for short in missing if not short]) == 7
    assert {short[SOL] for short in missing if short} == {1}


async def test_what_is_missing_is_told_per_mint(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    assert await reserve(database, order, {SOL: 5, USDC: 9}, {SOL: 5, USDC: 2}) == {USDC: 7}
    assert await reserve(database, order, {SOL: 5}, {}) == {SOL: 5}


async def test_an_order_does_not_compete_with_itself(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    assert await reserve(database, order, {SOL: 8}, {SOL: 10}) == {}
    assert await reserve(database, order, {SOL: 10}, {SOL: 10}) == {}


async def test_a_landed_reservation_counts_for_balances_read_before_it_landed(
    database: Database, new_order: NewOrder
) -> None:
    spent, next_one = await new_order(), await new_order()
    await reserve(database, spent, {SOL: 6}, {SOL: 10})
    await close(database, spent, landed_slot=120)
    assert await reserve(database, next_one, {SOL: 5}, {SOL: 10}, slot=119) == {SOL: 1}
    assert await reserve(database, next_one, {SOL: 4}, {SOL: 4}, slot=120) == {}


async def test_a_failed_order_holds_nothing(database: Database, new_order: NewOrder) -> None:
    failed, next_one = await new_order(), await new_order()
    await reserve(database, failed, {SOL: 6}, {SOL: 10})
    await close(database, failed, landed_slot=None)
    assert await reserve(database, next_one, {SOL: 10}, {SOL: 10}) == {}


async def test_what_a_fork_took_back_is_held_again(database: Database, new_order: NewOrder) -> None:
    order, next_one = await new_order(), await new_order()
    await reserve(database, order, {SOL: 6}, {SOL: 10})
    await close(database, order, landed_slot=120)
    async with database.transaction() as session:
        await reservations.reopen(session, order.id)
        assert await reservations.reserved_by_user(session, order.user_id) == {SOL: 6}
    assert await reserve(database, next_one, {SOL: 5}, {SOL: 10}, slot=130) == {SOL: 1}
