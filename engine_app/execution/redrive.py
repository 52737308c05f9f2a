"""An operator has an order taken up anew: who holds its lease loses it, a worker goes on from where it stands."""

from __future__ import annotations

from uuid import UUID

from engine_app.errors import EngineError, register
from engine_app.orders import leases, repository
from engine_app.orders.leases import IN_FLIGHT
from engine_app.orders.models import Order
from engine_app.storage.postgres import Database


class NotUnderWay(EngineError):
    """The order is done, or there is none."""

    code = register(
        "NOT_UNDER_WAY",
        "The order is not under way.",
        "Nothing was changed.",
        "Look at its story: an order that is confirmed or failed is not taken up again.",
    )
    status = 409


async def redrive(database: Database, order_id: UUID, *, operator: str) -> Order:
    """Take an order's lease from whoever holds it and give it back free; any worker's sweeper takes it up.

    The rules stay: a worker that still works under the old lease can write nothing more, a live attempt is followed
    to its proof, and a try that is not due yet waits for its time.

    Args:
        database: where.
        order_id: an order that is under way.
        operator: who says so.

    Raises:
        NotUnderWay: it is confirmed or failed, or there is no such order.
    """
    async with database.transaction() as session:
        token = await leases.seize(session, order_id, operator)
        order = await repository.order_by_id(session, order_id)
        if order is None or order.status not in IN_FLIGHT:
            raise NotUnderWay(f"order {order_id} is {'unknown' if order is None else order.status}")
        return await repository.advance(
            session, order_id, token, event="redriven", worker=operator, lease_until=None, lease_owner=None
        )
