"""An operator calls off all that is open, as after a restore: what was signed goes on, nothing else is."""

from __future__ import annotations

from engine_app import operations
from tests.execution.conftest import Desk


async def test_nothing_is_signed_for_what_was_called_off_and_what_is_on_its_way_lands(
    desk: Desk, database_url: str
) -> None:
    customer = await desk.customer()
    on_its_way = await desk.place(customer, "SOL", "USDC", "1")
    unsigned = [await desk.place(customer, "SOL", "USDC", "1") for _ in range(2)]
    async with desk.no_slot():
        assert (await desk.run(on_its_way)).status == "submitted"
        assert await operations.call_off(database_url, operator="olga") == 3
        assert await operations.call_off(database_url, operator="olga") == 0
    for order_id in unsigned:
        await desk.run(order_id)
        failed = await desk.reaches(order_id, "confirmed", "failed")
        assert (failed.status, failed.error_code) == ("failed", "CANCELLED")
        assert await desk.attempts(order_id) == []
        asked = next(event for event in await desk.events(order_id) if event.name == "cancel_requested")
        assert asked.worker == "olga"
    assert (await desk.reaches(on_its_way, "confirmed", "failed")).status == "confirmed"
