"""All SQL of orders and their events.

Every write that advances an order is one statement: it names the fencing token, raises `seq` and records the event.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import func, literal, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import ColumnElement
from sqlmodel import col, insert, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.orders.models import Order, OrderEvent

DATABASE_NOW = func.clock_timestamp()
"""The database's clock, as a value to write."""


class LeaseLost(Exception):
    """Another worker has taken the order over."""


class OrderClosed(Exception):
    """The order was cancelled or has expired: nothing more may be signed for it."""


async def insert_order(session: AsyncSession, order: Order, *, valid_for: timedelta, data: dict[str, Any]) -> Order:
    """Insert a pending order with its first event, `placed`.

    It expires `valid_for` after the database's clock; the row comes back with the database's times.
    """
    order.seq = 1
    setattr(order, "expires_at", DATABASE_NOW + valid_for)  # noqa: B010 - an SQL expression, not yet a datetime
    session.add(order)
    await session.flush()
    session.add(OrderEvent(order_id=order.id, seq=1, status=order.status, name="placed", data=data))
    await session.flush()
    await session.refresh(order)
    return order


async def advance(
    session: AsyncSession,
    order_id: UUID,
    token: int,
    *,
    event: str,
    data: dict[str, Any] | None = None,
    worker: str | None = None,
    only_open: bool = False,
    **changes: Any,
) -> Order:
    """Change an order and record the event, in one statement.

    Args:
        session: inside a transaction.
        order_id: the order.
        token: the fencing token of the lease under which the caller acts.
        event: the event's name.
        data: the event's own facts.
        worker: who acts.
        only_open: write only if the order is neither cancelled nor expired at this very moment.
        changes: columns of `orders` to set.

    Returns:
        The order as it now stands.

    Raises:
        LeaseLost: the token is no longer the order's; nothing was written.
        OrderClosed: only with `only_open`; nothing was written.
    """
    conditions = [
        col(Order.id) == order_id,
        col(Order.fencing_token) == token,
        # A token is worth nothing once its lease was given back.
        col(Order.lease_until).is_not(None),
    ]
    if only_open:
        conditions += [col(Order.cancel_requested_at).is_(None), col(Order.expires_at) > DATABASE_NOW]
    row = await _change_and_record(session, conditions, event=event, data=data, worker=worker, **changes)
    if row is not None:
        return row
    if only_open and await _has_token(session, order_id, token):
        raise OrderClosed(f"order {order_id} was cancelled or has expired")
    raise LeaseLost(f"order {order_id} was taken over from token {token}")


async def request_cancel(session: AsyncSession, user_id: int, order_id: UUID) -> Order | None:
    """Ask that nothing more be signed for a user's order; None where it is not his, done, or already asked for."""
    conditions = [
        col(Order.id) == order_id,
        col(Order.user_id) == user_id,
        col(Order.status).not_in(("confirmed", "failed")),
        col(Order.cancel_requested_at).is_(None),
    ]
    return await _change_and_record(session, conditions, event="cancel_requested", cancel_requested_at=DATABASE_NOW)


async def _has_token(session: AsyncSession, order_id: UUID, token: int) -> bool:
    found = await session.exec(select(Order.id).where(Order.id == order_id, Order.fencing_token == token))
    return found.one_or_none() is not None


async def _change_and_record(
    session: AsyncSession,
    conditions: Sequence[ColumnElement[bool]],
    *,
    event: str,
    data: dict[str, Any] | None = None,
    worker: str | None = None,
    **changes: Any,
) -> Order | None:
    """The one statement that changes an order: the row, the next `seq` and the event together."""
    advanced = (
        update(Order)
        .where(*conditions)
        .values(seq=Order.seq + 1, updated_at=DATABASE_NOW, **changes)
        .returning(Order)
        .cte("advanced")
    )
    recorded = (
        insert(OrderEvent)
        .from_select(
            ["order_id", "seq", "status", "name", "data", "worker"],
            sqlalchemy.select(
                advanced.c.id,
                advanced.c.seq,
                advanced.c.status,
                literal(event),
                literal(data or {}, JSONB),
                literal(worker),
            ),
        )
        .cte("recorded")
    )
    row = (await session.execute(sqlalchemy.select(advanced).add_cte(recorded))).mappings().one_or_none()
    return None if row is None else Order(**row)


async def order_of_user(session: AsyncSession, user_id: int, order_id: UUID) -> Order | None:
    """The order, if it is this user's."""
    found = await session.exec(select(Order).where(Order.id == order_id, Order.user_id == user_id))
    return found.one_or_none()


async def order_by_id(session: AsyncSession, order_id: UUID) -> Order | None:
    """The order, whoever's it is."""
    return (await session.exec(select(Order).where(Order.id == order_id))).one_or_none()


async def events_of(session: AsyncSession, order_id: UUID, *, after: int = 0) -> Sequence[OrderEvent]:
    """An order's events above `after`, in order."""
    found = await session.exec(
        select(OrderEvent).where(OrderEvent.order_id == order_id, OrderEvent.seq > after).order_by(col(OrderEvent.seq))
    )
    return found.all()


async def page_of_user(
    session: AsyncSession, user_id: int, *, limit: int, before: tuple[datetime, UUID] | None
) -> Sequence[Order]:
    """A user's orders, newest first, at most `limit`, those before the (createdAt, id) of `before`."""
    query = select(Order).where(Order.user_id == user_id)
    if before is not None:
        query = query.where(tuple_(col(Order.created_at), col(Order.id)) < before)
    query = query.order_by(col(Order.created_at).desc(), col(Order.id).desc()).limit(limit)
    return (await session.exec(query)).all()
