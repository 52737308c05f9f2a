"""What comes too late, under a lease that was given back or lost, writes nothing."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from engine_app.chain.landing import HistoryMissing, Observation
from engine_app.execution import settle
from engine_app.execution.turn import Turn
from engine_app.execution.watcher import Followed, live_attempt
from engine_app.orders.repository import LeaseLost
from tests.execution.conftest import Desk


async def test_nothing_is_written_of_an_attempt_whose_order_is_confirmed(desk: Desk) -> None:
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    submitted = await desk.run(order_id)
    (attempt,) = await desk.attempts(order_id)
    confirmed = await desk.reaches(order_id, "confirmed")
    late = Followed(submitted, live_attempt(attempt), submitted.fencing_token)
    for proof in (None, HistoryMissing(())):
        with pytest.raises(LeaseLost):
            await settle.overdue(desk.engine, late, proof)
    again = Observation(attempt.id, 1, None, "finalized", "a late poll")
    with pytest.raises(LeaseLost):
        await settle.observed(desk.engine, late, again)
    after = await desk.order(order_id)
    assert (after.status, after.waiting_for, after.rpc_calls) == ("confirmed", None, confirmed.rpc_calls)
    assert [event.name for event in await desk.events(order_id)].count("confirmed") == 1


async def test_forgetting_an_old_turn_leaves_its_successor_alone(desk: Desk) -> None:
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    async with desk.no_slot():
        submitted = await desk.run(order_id)
        (attempt,) = await desk.attempts(order_id)
        old = Followed(submitted, live_attempt(attempt), submitted.fencing_token - 1)
        desk.engine.watcher.forget(old)
        assert desk.engine.watcher.follows(order_id)
        assert desk.engine.held[order_id] == submitted.fencing_token
    assert (await desk.reaches(order_id, "confirmed")).status == "confirmed"


async def test_an_order_is_not_done_whose_moved_transaction_no_node_tells(desk: Desk) -> None:
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    await desk.run(order_id)
    confirmed = await desk.reaches(order_id, "confirmed")
    (attempt,) = await desk.attempts(order_id)
    turn = Turn(desk.engine, confirmed, confirmed.fencing_token, confirmed.updated_at, Counter())
    assert await settle.finalized(turn, attempt, slot=(attempt.observed_slot or 0) + 1) is False
    assert turn.order is confirmed


async def test_an_order_runs_once_however_often_it_is_asked_for(desk: Desk) -> None:
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    await asyncio.gather(*(desk.process.execute(order_id) for _ in range(20)))
    await desk.reaches(order_id, "confirmed")
    assert len(await desk.attempts(order_id)) == 1
    assert order_id not in desk.engine.held
