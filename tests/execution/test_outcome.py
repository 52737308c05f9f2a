"""An order whose outcome nobody can prove: it stays, until an operator says what he found."""

from __future__ import annotations

import pytest

from engine_app.chain.landing import HistoryMissing
from engine_app.execution import outcome, settle
from engine_app.execution.outcome import NotUndecided
from engine_app.execution.watcher import Followed, live_attempt
from engine_app.orders.repository import LeaseLost
from tests.execution.conftest import Desk


async def test_only_an_operator_ends_what_nobody_can_prove(desk: Desk) -> None:
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    async with desk.no_slot():
        submitted = await desk.run(order_id)
        (attempt,) = await desk.attempts(order_id)
        with pytest.raises(NotUndecided):
            await outcome.declare_expired(desk.database, order_id, operator="olga", note="-")
        followed = Followed(submitted, live_attempt(attempt), desk.engine.held[order_id])
        await settle.overdue(desk.engine, followed, HistoryMissing(()))
        waiting = await desk.order(order_id)
        assert waiting.status == "submitted"
        assert waiting.waiting_for == {"reason": "operator", "code": "OUTCOME_UNKNOWN"}
        failed = await outcome.declare_expired(desk.database, order_id, operator="olga", note="not in block 1 to 9")
    assert (failed.status, failed.error_code) == ("failed", "NOT_LANDED")
    (attempt,) = await desk.attempts(order_id)
    assert attempt.verdict == "expired"
    assert attempt.evidence == {"operator": "olga", "note": "not in block 1 to 9"}
    with pytest.raises(LeaseLost):
        await settle.overdue(desk.engine, Followed(waiting, live_attempt(attempt), followed.token), None)
