"""An operator has an order taken up anew."""

from __future__ import annotations

import pytest

from engine_app.execution.redrive import NotUnderWay, redrive
from tests.execution.conftest import Desk


async def test_an_order_that_is_redriven_goes_on_from_where_it_stands(desk: Desk) -> None:
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    async with desk.no_slot():
        submitted = await desk.run(order_id)
        assert submitted.status == "submitted"
        free = await redrive(desk.database, order_id, operator="olga")
        assert free.lease_until is None
        assert free.fencing_token > submitted.fencing_token
    confirmed = await desk.reaches(order_id, "confirmed", "failed")
    assert confirmed.status == "confirmed"
    (attempt,) = await desk.attempts(order_id)
    assert attempt.signature == confirmed.tx_hash
    redriven = next(event for event in await desk.events(order_id) if event.name == "redriven")
    assert (redriven.worker, redriven.status) == ("olga", "submitted")
    with pytest.raises(NotUnderWay, match="is confirmed"):
        await redrive(desk.database, order_id, operator="olga")
