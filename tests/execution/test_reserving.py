"""What an open order holds is not free for others, and is free again when it is done."""

from __future__ import annotations

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.markets.tokens import TokenList
from engine_app.wallets.balances import Wallets
from tests.execution.conftest import GRANT, Desk

SOL = str(WRAPPED_SOL_MINT)


async def test_an_open_order_holds_amount_rents_and_fees_until_it_is_done(desk: Desk) -> None:
    customer = await desk.customer()
    wallets = Wallets(desk.database, desk.engine.rpc, TokenList(desk.engine.cluster), desk.orders.reserved)
    order_id = await desk.place(customer, "SOL", "USDC", "3")
    assert await desk.orders.reserved(customer.user_id) == {}
    async with desk.no_slot():
        assert (await desk.run(order_id)).status == "submitted"
        held = (await desk.orders.reserved(customer.user_id))[SOL]
        assert 3 * 10**9 < held < 3 * 10**9 + 10_000_000
        (sol, *_) = (await wallets.view(customer.user_id)).balances
        assert (sol.amount_units, sol.available_units) == (GRANT, GRANT - held)
    await desk.reaches(order_id, "confirmed")
    assert await desk.orders.reserved(customer.user_id) == {}
    (sol, *_) = (await wallets.view(customer.user_id)).balances
    assert sol.available_units == sol.amount_units < GRANT - 3 * 10**9


async def test_an_order_cannot_spend_what_another_holds(desk: Desk) -> None:
    customer = await desk.customer(lamports=5 * 10**9)
    first = await desk.place(customer, "SOL", "USDC", "3")
    second = await desk.place(customer, "SOL", "USDC", "3")
    async with desk.no_slot():
        assert (await desk.run(first)).status == "submitted"
        refused = await desk.run(second)
    assert (refused.status, refused.error_code) == ("failed", "INSUFFICIENT_FUNDS")
    assert (await desk.reaches(first, "confirmed")).error_code is None
