"""Orders along routes of several legs, in one transaction each: what arrives, and what is left."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from engine_app.chain.token_accounts import TOKEN_ACCOUNT_SIZE
from engine_app.execution.reconcile import differing_orders
from engine_app.localnet.seed.lookup_table import LOOKUP_TABLE
from engine_app.orders.models import Order
from tests.execution.conftest import GRANT, Customer, Desk
from tests.waiting import until
from tests.whale import TOKENS

SOL_UNITS = 10**9


async def holdings(desk: Desk, customer: Customer) -> dict[str, int]:
    """Base units of every token account of the customer's, by symbol, empty ones too."""
    held = await desk.engine.rpc.token_accounts_by_owner(customer.address)
    return {TOKENS.symbol(str(token.mint)): token.amount for _, token in held}


async def lamports_gained(desk: Desk, customer: Customer, granted: int = GRANT) -> int:
    """Lamports that the customer has more than he was given; negative for fewer."""
    return await desk.engine.rpc.balance(customer.address) - granted


def legs(order: Order) -> list[dict[str, Any]]:
    """The legs of the route that was taken."""
    assert order.decision is not None
    return list(order.decision["route"])


def fill(order: Order) -> dict[str, int]:
    """What moved, base units."""
    assert order.fill is not None
    return {name: int(value) for name, value in order.fill.items() if name != "left_over_mint"}


async def test_a_large_order_is_split_over_both_exchanges(desk: Desk) -> None:
    granted = 400 * SOL_UNITS
    customer = await desk.customer(lamports=granted)
    order = await desk.run(await desk.place(customer, "SOL", "USDC", "300"))
    assert {leg["dex"] for leg in legs(order)} == {"raydium", "meteora"}
    assert sum(int(leg["amountInUnits"]) for leg in legs(order)) == 300 * SOL_UNITS
    order = await desk.reaches(order.id, "confirmed")
    assert order.decision is not None
    assert order.quoted_out == order.amount_out
    assert int(order.amount_out or 0) > int(order.decision["bestPoolUnits"])
    assert int(order.amount_out or 0) == int(order.decision["amountOutUnits"])
    assert await holdings(desk, customer) == {"USDC": order.amount_out}
    moved = fill(order)
    assert moved["spent"] == 300 * SOL_UNITS
    assert (moved["left_over"], moved["unexplained"]) == (0, 0)
    rent = await desk.engine.rents.exemption(TOKEN_ACCOUNT_SIZE)
    assert moved["rent_paid"] == rent
    assert await lamports_gained(desk, customer, granted) == -300 * SOL_UNITS - moved["network_fee"] - rent
    assert sum(order.rpc_calls.values()) <= 4


async def test_two_hops_buy_exactly_what_the_second_spends(desk: Desk) -> None:
    """No pool swaps USDT for BONK; what the first hop does not need never leaves."""
    held = 500 * 10**6
    customer = await desk.customer(tokens={"USDT": held})
    order = await desk.run(await desk.place(customer, "USDT", "BONK", "100"))
    first, *rest = legs(order)
    assert (first["hop"], first["exactOut"], {leg["hop"] for leg in rest}) == (1, True, {2})
    order = await desk.reaches(order.id, "confirmed")
    moved = fill(order)
    assert (moved["left_over"], moved["unexplained"]) == (0, 0)
    assert "left_over_mint" not in (order.fill or {})
    assert 99 * 10**6 < moved["spent"] == int(order.spent_in or 0) < order.amount_in
    assert int(order.floor_out or 0) <= moved["received"] == int(order.amount_out or 0)
    balances = await holdings(desk, customer)
    assert (balances.pop("USDT"), balances.pop("BONK")) == (held - moved["spent"], moved["received"])
    assert balances in ({}, {"USDC": 0})
    assert await lamports_gained(desk, customer) == -moved["network_fee"] - moved["rent_paid"]
    execution = (await desk.orders.get(customer.user_id, order.id)).execution
    assert execution is not None
    assert (execution.spent_units, execution.left_over) == (str(moved["spent"]), None)
    assert sum(order.rpc_calls.values()) <= 4


async def test_what_a_first_hop_brings_beyond_what_the_second_spends_is_the_wallets(desk: Desk) -> None:
    """The pool that pays most SOL for BONK sells for an exact amount in only."""
    held = 5_000_000 * 10**5
    customer = await desk.customer(tokens={"BONK": held})
    order = await desk.run(await desk.place(customer, "BONK", "USDT", "4000000"))
    first, *rest = legs(order)
    assert (first["hop"], first["exactOut"], {leg["mintIn"] for leg in rest}) == (1, False, {first["mintOut"]})
    assert TOKENS.symbol(first["mintOut"]) == "SOL"
    order = await desk.reaches(order.id, "confirmed")
    moved = fill(order)
    assert (moved["spent"], moved["unexplained"]) == (4_000_000 * 10**5, 0)
    through = sum(int(leg["amountInUnits"]) for leg in rest)
    assert moved["left_over"] == int(first["amountOutUnits"]) - through > 0
    assert await holdings(desk, customer) == {"BONK": held - moved["spent"], "USDT": moved["received"]}
    gained = await lamports_gained(desk, customer)
    assert gained == moved["left_over"] - moved["network_fee"] - moved["rent_paid"]
    execution = (await desk.orders.get(customer.user_id, order.id)).execution
    assert execution is not None
    assert execution.left_over is not None
    assert (execution.left_over.token, execution.left_over.amount_units) == ("SOL", str(moved["left_over"]))
    [confirmed] = [event for event in await desk.events(order.id) if event.name == "confirmed"]
    assert confirmed.data["leftOverUnits"] == str(moved["left_over"])
    exported = b"".join([lines async for lines in desk.orders.export(customer.user_id)]).decode()
    [row] = csv.DictReader(StringIO(exported, newline=""))
    assert (row["leftOver"], row["leftOverToken"]) == (str(execution.left_over.amount), "SOL")


async def test_a_route_that_is_too_large_without_goes_by_a_lookup_table(desk: Desk) -> None:
    held = 6 * 10**8 * 10**5
    customer = await desk.customer(tokens={"BONK": held})

    async def tables_are_read() -> bool:
        return bool(desk.engine.lookup_tables.ready)

    await until(tables_are_read)
    order = await desk.run(await desk.place(customer, "BONK", "USDT", "500000000"))
    assert [leg["hop"] for leg in legs(order)] == [1, 2, 2]
    (attempt,) = await desk.attempts(order.id)
    message = VersionedTransaction.from_bytes(attempt.transaction or b"").message
    assert isinstance(message, MessageV0)
    assert [lookup.account_key for lookup in message.address_table_lookups] == [LOOKUP_TABLE]
    order = await desk.reaches(order.id, "confirmed")
    moved = fill(order)
    assert (moved["spent"], moved["unexplained"]) == (5 * 10**8 * 10**5, 0)
    assert await holdings(desk, customer) == {"BONK": held - moved["spent"], "USDT": moved["received"]}
    gained = await lamports_gained(desk, customer)
    assert gained == moved["left_over"] - moved["network_fee"] - moved["rent_paid"]


async def test_what_routes_moved_is_what_the_chain_holds(desk: Desk) -> None:
    assert [difference async for difference in differing_orders(desk.database, desk.engine.rpc)] == []
