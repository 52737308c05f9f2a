"""Who may advance an order now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from engine_app.orders import leases, repository
from engine_app.orders.models import Order
from engine_app.storage.postgres import Database

NewOrder = Callable[..., Awaitable[Order]]


async def take(database: Database, order_id: UUID, owner: str = "one") -> Order | None:
    async with database.transaction() as session:
        taken = await leases.take(session, order_id, owner)
    return None if taken is None else taken.order


async def lasts(database: Database, order_id: UUID, seconds: float) -> None:
    """Have the lease last so long from now on."""
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE orders SET lease_until = clock_timestamp() + make_interval(secs => :seconds) WHERE id = :id"),
            {"id": order_id, "seconds": seconds},
        )


async def run_out(database: Database, order_id: UUID) -> None:
    """Let the lease's time pass."""
    await lasts(database, order_id, -1)


async def due(database: Database, *, grace: timedelta = timedelta(0)) -> list[UUID]:
    async with database.transaction() as session:
        return list(await leases.due(session, limit=10, grace=grace))


async def test_one_of_many_takes_it(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    takers = await asyncio.gather(*(take(database, order.id, str(n)) for n in range(8)))
    assert len([taken for taken in takers if taken is not None]) == 1


async def test_each_taking_has_a_higher_token(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    first = await take(database, order.id)
    assert first is not None
    assert await take(database, order.id, "two") is None
    await run_out(database, order.id)
    second = await take(database, order.id, "two")
    assert second is not None
    assert second.fencing_token == first.fencing_token + 1
    assert second.lease_owner == "two"


async def test_a_lease_from_before_the_clock_was_set_back_is_free(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    first = await take(database, order.id)
    assert first is not None
    await lasts(database, order.id, 1.5 * leases.LEASE.total_seconds())
    assert await take(database, order.id, "two") is None
    await lasts(database, order.id, 3600)
    assert await due(database) == [order.id]
    second = await take(database, order.id, "two")
    assert second is not None
    assert second.fencing_token == first.fencing_token + 1


async def test_only_the_present_token_renews_or_releases(database: Database, new_order: NewOrder) -> None:
    orders = [await new_order() for _ in range(3)]
    held = {}
    for order in orders:
        taken = await take(database, order.id)
        assert taken is not None
        held[order.id] = taken.fencing_token
    await run_out(database, orders[0].id)
    await take(database, orders[0].id, "two")
    async with database.transaction() as session:
        assert await leases.renew(session, held) == {orders[1].id, orders[2].id}
        await leases.release(session, {order.id: held[order.id] for order in orders[:2]})
    assert await take(database, orders[0].id, "three") is None
    assert await take(database, orders[1].id, "three") is not None


async def test_due_are_those_that_nobody_advances_and_whose_time_has_come(
    database: Database, new_order: NewOrder
) -> None:
    waiting, free, held = [await new_order() for _ in range(3)]
    taken = await take(database, waiting.id)
    assert taken is not None
    async with database.transaction() as session:
        await repository.advance(
            session,
            waiting.id,
            taken.fencing_token,
            lease_until=None,
            event="waiting",
            status="routing",
            not_before=datetime.now(UTC) + timedelta(minutes=1),
        )
    await take(database, held.id)
    assert await due(database) == [free.id]
    assert await due(database, grace=timedelta(minutes=1)) == []
    await run_out(database, held.id)
    assert await due(database) == [free.id, held.id]


async def test_an_expired_order_is_due_though_its_next_try_is_not(database: Database, new_order: NewOrder) -> None:
    order = await new_order(valid_for=timedelta(seconds=-1))
    taken = await take(database, order.id)
    assert taken is not None
    async with database.transaction() as session:
        await repository.advance(
            session,
            order.id,
            taken.fencing_token,
            event="waiting",
            lease_until=None,
            not_before=datetime.now(UTC) + timedelta(minutes=1),
        )
    assert await due(database) == [order.id]
