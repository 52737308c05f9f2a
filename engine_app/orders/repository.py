"""All SQL of orders and their events.

Every write that advances an order is one statement: it names the fencing token, raises `seq` and records the event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import ARRAY, CTE, Integer, Uuid, func, inspect, literal, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import ColumnElement
from sqlmodel import col, insert, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.orders.models import Order, OrderEvent
from engine_app.orders.replay import DEX_QUOTES, STATE

DATABASE_NOW = func.clock_timestamp()
"""The database's clock, as a value to write."""


class LeaseLost(Exception):
    """Another worker has taken the order over."""


class OrderClosed(Exception):
    """The order was cancelled or has expired: nothing more may be signed for it."""


async def insert_order(
    session: AsyncSession,
    order: Order,
    *,
    valid_for: timedelta,
    data: dict[str, Any],
    only_if: ColumnElement[bool] | None = None,
) -> Order | None:
    """Insert a pending order with its first event, `placed`, in one statement.

    It expires `valid_for` after the database's clock; the row comes back with the database's times. None where
    `only_if` does not hold: nothing was inserted.
    """
    columns = inspect(Order).columns
    given = {name: value for name, value in order.model_dump().items() if value is not None}
    given |= {"seq": 1, "expires_at": DATABASE_NOW + valid_for}
    values = [
        value if isinstance(value, ColumnElement) else literal(value, columns[name].type)
        for name, value in given.items()
    ]
    wish = sqlalchemy.select(*values).where(true() if only_if is None else only_if)
    placed = insert(Order).from_select([columns[name] for name in given], wish).returning(Order).cte("placed")
    recorded = _recorded(placed, event="placed", data=data)
    row = (await session.execute(sqlalchemy.select(placed).add_cte(recorded))).mappings().one_or_none()
    return None if row is None else Order(**row)


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
    recorded = _recorded(advanced, event=event, data=data, worker=worker)
    row = (await session.execute(sqlalchemy.select(advanced).add_cte(recorded))).mappings().one_or_none()
    return None if row is None else Order(**row)


def _recorded(order: CTE, *, event: str, data: dict[str, Any] | None = None, worker: str | None = None) -> CTE:
    """The part of a statement that records an event of the order which another part has written."""
    remembered = {name: order.c[name] for name in STATE} | {DEX_QUOTES: order.c.decision[DEX_QUOTES]}
    state = func.jsonb_build_object(*(part for pair in remembered.items() for part in pair))
    return (
        insert(OrderEvent)
        .from_select(
            ["order_id", "seq", "status", "name", "data", "worker", "state"],
            sqlalchemy.select(
                order.c.id,
                order.c.seq,
                order.c.status,
                literal(event),
                literal(data or {}, JSONB),
                literal(worker),
                func.jsonb_strip_nulls(state),
            ),
        )
        .cte("recorded")
    )


async def order_of_user(session: AsyncSession, user_id: int, order_id: UUID) -> Order | None:
    """The order, if it is this user's."""
    found = await session.exec(select(Order).where(Order.id == order_id, Order.user_id == user_id))
    return found.one_or_none()


async def orders_of_user(session: AsyncSession, user_id: int, order_ids: Iterable[UUID]) -> dict[UUID, Order]:
    """Those of the orders that are this user's, by id."""
    found = await session.exec(select(Order).where(col(Order.id).in_(order_ids), Order.user_id == user_id))
    return {order.id: order for order in found.all()}


async def order_by_id(session: AsyncSession, order_id: UUID) -> Order | None:
    """The order, whoever's it is."""
    return (await session.exec(select(Order).where(Order.id == order_id))).one_or_none()


async def events_of(session: AsyncSession, order_id: UUID, *, after: int = 0) -> Sequence[OrderEvent]:
    """An order's events above `after`, in order."""
    found = await session.exec(
        select(OrderEvent).where(OrderEvent.order_id == order_id, OrderEvent.seq > after).order_by(col(OrderEvent.seq))
    )
    return found.all()


async def events_after(session: AsyncSession, after: Mapping[UUID, int]) -> Sequence[OrderEvent]:
    """The events of several orders, those of each above its own `seq`, in order."""
    if not after:
        return []
    seen = (
        func.unnest(literal(list(after), ARRAY(Uuid())), literal(list(after.values()), ARRAY(Integer())))
        .table_valued("id", "seq")
        .render_derived(name="seen")
    )
    found = await session.exec(
        select(OrderEvent)
        .join(seen, (col(OrderEvent.order_id) == seen.c.id) & (col(OrderEvent.seq) > seen.c.seq))
        .order_by(col(OrderEvent.order_id), col(OrderEvent.seq))
    )
    return found.all()
