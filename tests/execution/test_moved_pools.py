"""The pool moves between quote and landing: what landed counts, and no try accepts less than the floor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal

import pytest
from solders.pubkey import Pubkey

from engine_app.embedded.processes import LocalChain
from engine_app.orders.models import OrderEvent
from tests.chaos.chain_admin import ChainAdmin
from tests.execution.conftest import Desk
from tests.waiting import until
from tests.whale import TOKENS, Whale


@pytest.fixture
def admin(chain: LocalChain) -> Iterator[ChainAdmin]:
    """Holds the chain's slots."""
    assert chain.admin_url is not None
    made = ChainAdmin(chain.admin_url)
    yield made
    made.close()


@asynccontextmanager
async def no_slot(admin: ChainAdmin) -> AsyncIterator[None]:
    """No slot comes within the block: what is sent in it lands in one, the first after it."""
    fault = admin.add("stalled_slots")

    async def held() -> bool:
        return admin.hits_of(fault) > 0

    try:
        await until(held)
        yield
    finally:
        admin.remove(fault)


def at(events: list[OrderEvent], name: str) -> list[datetime]:
    return [event.at for event in events if event.name == name]


async def test_amounts_come_from_what_landed_not_from_the_quote(desk: Desk, trader: Whale, admin: ChainAdmin) -> None:
    customer = await desk.customer()
    pool = await trader.pool("SOL", "USDC", 10**9)
    moved = await trader.signed_swap(pool, "SOL", "USDC", 50 * 10**9)
    order_id = await desk.place(customer, "SOL", "USDC", "1", slippage=Decimal("0.05"))
    async with no_slot(admin):
        submitted = await desk.run(order_id)
        await trader.rpc.send(bytes(moved))
    assert submitted.status == "submitted"
    confirmed = await desk.reaches(order_id, "confirmed")
    (attempt,) = await desk.attempts(order_id)
    assert attempt.observed_slot == await trader.landed(moved)
    quoted, out = confirmed.quoted_out, confirmed.amount_out
    assert quoted is not None
    assert out is not None
    assert attempt.min_out is not None
    assert attempt.min_out <= out < quoted
    held = await desk.engine.rpc.token_accounts_by_owner(customer.address)
    assert [(token.mint, token.amount) for _, token in held] == [(TOKENS.resolve("USDC").mint, int(out))]
    view = await desk.orders.get(customer.user_id, order_id)
    assert view.execution_price == Decimal(int(out)).scaleb(-6)


async def test_slippage_is_cured_by_a_fresh_quote_of_the_other_venue(
    desk: Desk, trader: Whale, admin: ChainAdmin
) -> None:
    customer = await desk.customer(tokens={"USDC": 10**9})
    order_id = await desk.place(customer, "USDC", "SOL", "100", slippage=Decimal("0.04"))
    pool = await trader.pool("USDC", "SOL", 100 * 10**6)
    moved = await trader.swap(pool, "USDC", "SOL", pool.reserve(TOKENS.resolve("USDC").mint) // 10)

    async def processed() -> bool:
        _, (status,) = await trader.rpc.signature_statuses([moved.signatures[0]])
        return status is not None

    await until(processed)
    async with no_slot(admin):
        await desk.run(order_id)
    confirmed = await desk.reaches(order_id, "confirmed")
    assert confirmed.tries == 2
    first, second = await desk.attempts(order_id)
    assert (first.verdict, first.error_code, first.signature) == ("not_sent", "SLIPPAGE", None)
    assert second.signature == confirmed.tx_hash
    assert first.selected_dex != second.selected_dex


async def test_a_price_that_falls_is_tried_three_times_two_and_four_seconds_apart(
    desk: Desk, trader: Whale, admin: ChainAdmin
) -> None:
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDT", "1")
    # Seen at `processed`, the new price is what the simulation runs on, while the quote still reads `confirmed`.
    # The way over USDC falls with it.
    await trader.move("SOL", "USDC", 2_000 * 10**9)
    await trader.move("SOL", "USDT", 2_000 * 10**9)
    async with no_slot(admin):
        await desk.run(order_id)
    failed = await desk.reaches(order_id, "failed")
    tries = await desk.attempts(order_id)
    assert [(row.number, row.verdict, row.error_code) for row in tries] == [
        (1, "not_sent", "SLIPPAGE"),
        (2, "not_sent", "PRICE_MOVED"),
        (3, "not_sent", "PRICE_MOVED"),
    ]
    assert all(row.signature is None for row in tries)
    assert failed.error_code == "PRICE_MOVED"
    assert failed.tries == 3
    assert failed.tx_hash is None
    events = await desk.events(order_id)
    starts, failures = at(events, "routing"), at(events, "try_failed")
    assert 2.0 <= (starts[1] - failures[0]).total_seconds() < 3.5
    assert 4.0 <= (starts[2] - failures[1]).total_seconds() < 5.5
    assert await desk.engine.rpc.balance(customer.address) == 100 * 10**9


async def test_a_swap_that_fails_on_chain_is_dead_only_once_finalized(
    desk: Desk, trader: Whale, admin: ChainAdmin
) -> None:
    customer = await desk.customer()
    pool = await trader.pool("SOL", "BONK", 10**9)
    moved = await trader.signed_swap(pool, "SOL", "BONK", 5_000 * 10**9)
    order_id = await desk.place(customer, "SOL", "BONK", "1")
    async with no_slot(admin):
        submitted = await desk.run(order_id)
        await trader.rpc.send(bytes(moved))
    assert submitted.status == "submitted"

    async def observed() -> bool:
        order = await desk.order(order_id)
        return (order.waiting_for or {}).get("reason") == "finality"

    await until(observed)
    (attempt,) = await desk.attempts(order_id)
    assert attempt.verdict is None
    assert attempt.observed_slot is not None
    assert attempt.observed_slot == await trader.landed(moved)
    assert (await desk.order(order_id)).status == "submitted"
    confirmed = await desk.reaches(order_id, "confirmed")
    first, second = await desk.attempts(order_id)
    assert (first.verdict, first.error_code) == ("landed_error", "SLIPPAGE")
    assert first.evidence is not None
    assert first.evidence["commitment"] == "finalized"
    assert first.verdict_at is not None
    assert first.verdict_at < second.created_at, "the second signature came before the first was proven dead"
    assert (confirmed.tries, confirmed.tx_hash) == (2, second.signature)
    assert first.selected_dex != second.selected_dex


async def test_an_order_that_is_too_large_for_its_pools_fails_at_once(desk: Desk) -> None:
    customer = await desk.customer(lamports=50_000 * 10**9)
    order_id = await desk.place(customer, "SOL", "USDC", "20000")
    failed = await desk.run(order_id)
    assert (failed.status, failed.error_code, failed.tries) == ("failed", "PRICE_IMPACT", 0)
    assert failed.decision is not None


async def test_a_better_price_raises_what_the_attempt_accepts(desk: Desk) -> None:
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDC", "1", expected_quote="100")
    submitted = await desk.run(order_id)
    assert submitted.quoted_out == 100 * 10**6
    assert submitted.floor_out == 99 * 10**6
    (attempt,) = await desk.attempts(order_id)
    assert attempt.min_out is not None
    assert attempt.quoted_out is not None
    assert attempt.min_out == attempt.quoted_out * 99 // 100 > submitted.floor_out
    confirmed = await desk.reaches(order_id, "confirmed")
    assert confirmed.amount_out == attempt.quoted_out
    assert isinstance(customer.address, Pubkey)
