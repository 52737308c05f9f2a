"""Orders of one wallet for one and the same swap."""

from __future__ import annotations

import asyncio

from tests.execution.conftest import Desk

ORDERS = 5


async def test_the_same_swap_between_tokens_at_the_same_moment_is_signed_for_each_order(desk: Desk) -> None:
    """Nothing in such a transaction is the attempt's own but what sets it apart on purpose."""
    customer = await desk.customer(tokens={"USDT": 100 * 10**6})
    placed = [await desk.place(customer, "USDT", "USDC", "5") for _ in range(ORDERS)]
    async with desk.no_slot():
        orders = await asyncio.gather(*(desk.run(order_id) for order_id in placed))
        assert {order.status for order in orders} == {"submitted"}
    tries = [attempt for order_id in placed for attempt in await desk.attempts(order_id)]
    assert len({attempt.signature for attempt in tries}) == ORDERS
    assert len({attempt.blockhash for attempt in tries}) < ORDERS, "each had a blockhash of its own"
    for order_id in placed:
        assert (await desk.reaches(order_id, "confirmed", "failed")).status == "confirmed"
