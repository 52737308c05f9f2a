"""The pool moves between quote and landing: what landed counts, and no try accepts less than the floor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from engine_app.orders.models import OrderEvent
from tests.execution.conftest import Desk
from tests.waiting import until
from tests.whale import TOKENS, Whale

PROMPTLY = timedelta(seconds=10)
"""Ample for a machine that has other work to do."""


@asynccontextmanager
async def seen_by_simulations_alone(
    desk: Desk, trader: Whale, move: Callable[[], Awaitable[Sequence[VersionedTransaction]]]
) -> AsyncIterator[None]:
    """What the move sends is `processed` within the block, where simulations see it, and not `confirmed`, where quotes
    would. A move that was confirmed before the slots were held is made again."""
    while True:
        sent = await move()
        async with desk.no_slot():
            if set(await trader.commitments(sent)) == {"processed"}:
                yield
                return


def at(events: list[OrderEvent], name: str) -> list[datetime]:
    return [event.at for event in events if event.name == name]


async def test_amounts_come_from_what_landed_not_from_the_quote(desk: Desk, trader: Whale) -> None:
    customer = await desk.customer()
    pool = await trader.pool("SOL", "USDC", 10**9)
    moved = await trader.signed_swap(pool, "SOL", "USDC", 50 * 10**9)
    order_id = await desk.place(customer, "SOL", "USDC", "1", slippage=Decimal("0.05"))
    async with desk.no_slot():
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


async def test_slippage_is_cured_by_a_fresh_quote_of_the_other_venue(desk: Desk, trader: Whale) -> None:
    customer = await desk.customer(tokens={"USDC": 10**9})
    order_id = await desk.place(customer, "USDC", "SOL", "100", slippage=Decimal("0.04"))
    pool = await trader.pool("USDC", "SOL", 100 * 10**6)

    async def move() -> list[VersionedTransaction]:
        tenth = pool.reserve(TOKENS.resolve("USDC").mint) // 10
        return await trader.processed([await trader.swap(pool, "USDC", "SOL", tenth)])

    async with seen_by_simulations_alone(desk, trader, move):
        await desk.run(order_id)
    confirmed = await desk.reaches(order_id, "confirmed")
    assert confirmed.tries == 2
    first, second = await desk.attempts(order_id)
    assert (first.verdict, first.error_code, first.signature) == ("not_sent", "SLIPPAGE", None)
    assert second.signature == confirmed.tx_hash
    assert first.selected_dex != second.selected_dex


async def test_a_price_that_falls_is_tried_three_times_two_and_four_seconds_apart(desk: Desk, trader: Whale) -> None:
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDT", "1")
    # The way over USDC falls as well.
    await trader.move("SOL", "USDC", 2_000 * 10**9)
    async with seen_by_simulations_alone(desk, trader, lambda: trader.move("SOL", "USDT", 2_000 * 10**9)):
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
    due = [datetime.fromisoformat(event.data["notBefore"]) for event in events if event.name == "waiting"]
    waits = [(then - failed).total_seconds() for then, failed in zip(due, failures, strict=False)]
    assert waits == pytest.approx([2.0, 4.0], abs=0.1)
    assert all(timedelta() <= start - then < PROMPTLY for start, then in zip(starts[1:], due, strict=True))
    assert await desk.engine.rpc.balance(customer.address) == 100 * 10**9


async def test_a_swap_that_fails_on_chain_is_dead_only_once_finalized(desk: Desk, trader: Whale) -> None:
    customer = await desk.customer()
    pool = await trader.pool("SOL", "BONK", 10**9)
    moved = await trader.signed_swap(pool, "SOL", "BONK", 5_000 * 10**9)
    order_id = await desk.place(customer, "SOL", "BONK", "1")
    async with desk.no_slot():
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
