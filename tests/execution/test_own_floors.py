"""An order's own floor and price impact: an absolute least amount out, and the most it may move the price."""

from __future__ import annotations

from decimal import Decimal

from engine_app.markets.tokens import whole
from engine_app.orders.lifecycle import WaitReason
from tests.execution.conftest import Desk


async def test_the_higher_floor_holds(desk: Desk) -> None:
    customer = await desk.customer()
    first = await desk.run(await desk.place(customer, "SOL", "USDC", "0.1"))
    assert first.quoted_out is not None
    tight = int(first.quoted_out) * 999 // 1000
    second = await desk.run(
        await desk.place(customer, "SOL", "USDC", "0.1", min_amount_out=whole(tight, 6), slippage=Decimal("0.01"))
    )
    assert second.status == "submitted"
    assert second.floor_out == second.min_out == tight
    (attempt,) = await desk.attempts(second.id)
    assert attempt.min_out == tight
    loose = await desk.run(await desk.place(customer, "SOL", "USDC", "0.1", min_amount_out="1"))
    assert loose.floor_out is not None
    assert int(loose.floor_out) == int(loose.quoted_out or 0) * 99 // 100
    for order in (first, second, loose):
        await desk.reaches(order.id, "confirmed")


async def test_a_floor_that_nobody_pays_is_tried_again(desk: Desk) -> None:
    customer = await desk.customer()
    order = await desk.run(await desk.place(customer, "SOL", "USDC", "0.1", min_amount_out="1000000"))
    assert (order.status, order.tries) == ("routing", 1)
    assert order.floor_out == 10**12
    assert (order.waiting_for or {})["reason"] == WaitReason.RETRY
    assert order.quoted_out is not None
    assert order.quoted_out < 10**12
    (attempt,) = await desk.attempts(order.id)
    assert (attempt.verdict, attempt.error_code, attempt.signature) == ("not_sent", "PRICE_MOVED", None)
    await desk.orders.cancel(customer.user_id, order.id)


async def test_an_order_says_how_much_it_may_move_the_price(desk: Desk) -> None:
    customer = await desk.customer()
    careful = await desk.run(await desk.place(customer, "SOL", "USDC", "5", max_price_impact=Decimal("0.000000001")))
    assert (careful.status, careful.error_code) == ("failed", "PRICE_IMPACT")
    bold = await desk.run(await desk.place(customer, "SOL", "USDC", "5", max_price_impact=Decimal("0.5")))
    assert bold.status == "submitted"
    await desk.reaches(bold.id, "confirmed")
