"""What an operator and the metrics see of orders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from engine_app.orders import leases, oversight
from engine_app.orders.models import Order
from engine_app.orders.oversight import UnderWay
from engine_app.storage.postgres import Database

NewOrder = Callable[..., Awaitable[Order]]


async def age(database: Database, order: Order, seconds: int) -> None:
    """Have an order wait for so long already."""
    async with database.connection() as connection:
        await connection.execute(text("ALTER TABLE orders DISABLE TRIGGER orders_keep_the_rules"))
        await connection.execute(
            text("UPDATE orders SET created_at = created_at - :age, updated_at = updated_at - :age WHERE id = :id"),
            {"age": timedelta(seconds=seconds), "id": order.id},
        )
        await connection.execute(text("ALTER TABLE orders ENABLE TRIGGER orders_keep_the_rules"))


async def test_an_old_order_that_nobody_advances_is_stuck(database: Database, new_order: NewOrder) -> None:
    old, held, _fresh = await new_order(), await new_order(), await new_order()
    await age(database, old, 100)
    await age(database, held, 90)
    async with database.transaction() as session:
        await leases.take(session, held.id, "worker-1")
    async with database.transaction() as session:
        found = await oversight.stuck(session, older_than=timedelta(minutes=1))
        assert await oversight.longest_overdue(session) == pytest.approx(100, abs=5)
    first, second = found
    assert (first.order_id, first.status, first.holder) == (old.id, "pending", None)
    assert first.seconds == pytest.approx(100, abs=5)
    assert first.overdue == pytest.approx(100, abs=5)
    assert (second.order_id, second.holder, second.overdue) == (held.id, "worker-1", 0)


async def test_an_order_that_waits_for_its_time_is_not_overdue(database: Database, new_order: NewOrder) -> None:
    order = await new_order(not_before=datetime.now(UTC) + timedelta(seconds=60))
    await age(database, order, 100)
    async with database.transaction() as session:
        assert await oversight.longest_overdue(session) == 0


async def test_an_order_that_waits_for_an_operator_is_stuck_at_once(database: Database, new_order: NewOrder) -> None:
    order = await new_order(waiting_for={"reason": "operator", "code": "OUTCOME_UNKNOWN"})
    async with database.transaction() as session:
        (found,) = await oversight.stuck(session, older_than=timedelta(hours=1))
        assert found.order_id == order.id
        assert await oversight.under_way(session) == [UnderWay("pending", "operator", 1)]


async def test_a_story_has_whose_the_order_is_and_all_that_happened(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    async with database.transaction() as session:
        found = await oversight.story(session, order.id)
    assert found is not None
    assert found.order.id == order.id
    assert found.username == found.address  # the fixture gives them one name
    assert [event.name for event in found.events] == ["placed"]
    assert (list(found.attempts), list(found.reservations)) == ([], [])
