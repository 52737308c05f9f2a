"""All SQL of orders and their events.

Every write that advances an order is one statement: it names the fencing token, raises `seq` and records the event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Integer,
    Interval,
    String,
    Uuid,
    bindparam,
    func,
    literal,
    literal_column,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import ColumnElement
from sqlmodel import col, insert, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.orders.along import Along
from engine_app.orders.models import Order, OrderEvent
from engine_app.orders.replay import DEX_QUOTES, STATE
from engine_app.orders.view import DEXES
from engine_app.storage.prepared import Prepared, Statements, loaded

DATABASE_NOW = func.clock_timestamp()
"""The database's clock, as a value to write."""

ORDERS = Order.metadata.tables["orders"]


class LeaseLost(Exception):
    """Another worker has taken the order over."""


class OrderClosed(Exception):
    """The order was cancelled or has expired: nothing more may be signed for it."""


@dataclass(frozen=True, eq=False, slots=True)
class Condition:
    """A condition of statements, which are kept by it: make it once. Its bind parameter `of_user` is the order's."""

    holds: ColumnElement[bool]


async def insert_order(
    session: Statements,
    order: Order,
    *,
    valid_for: timedelta,
    data: dict[str, Any],
    only_if: Condition | None = None,
) -> Order | None:
    """Insert a pending order with its first event, `placed`, in one statement.

    It expires `valid_for` after the database's clock; the row comes back with the database's times. None where
    `only_if` does not hold: nothing was inserted.
    """
    given = {name: value for name, value in vars(order).items() if name in ORDERS.c and value is not None}
    given |= {"seq": 1}
    values = {f"set_{name}": value for name, value in given.items()}
    values |= {"valid_for": valid_for, "of_user": order.user_id, "event": "placed", "data": data, "worker": None}
    row = await _placing(tuple(given), only_if).row(session, values)
    return None if row is None else loaded(Order, row)


@lru_cache(maxsize=64)
def _placing(given: tuple[str, ...], only_if: Condition | None) -> Prepared:
    columns = [ORDERS.c[name] for name in given]
    wish = sqlalchemy.select(
        *(bindparam(f"set_{column.name}", type_=column.type) for column in columns),
        DATABASE_NOW + bindparam("valid_for", type_=Interval()),
    ).where(true() if only_if is None else only_if.holds)
    placed = insert(Order).from_select([*columns, ORDERS.c.expires_at], wish).returning(*ORDERS.c).cte("placed")
    return Prepared(sqlalchemy.select(placed).add_cte(recorded(placed)))


async def advance(
    session: Statements,
    order_id: UUID,
    token: int,
    *,
    event: str,
    data: dict[str, Any] | None = None,
    worker: str | None = None,
    only_open: bool = False,
    along: Sequence[Along] = (),
    **changes: Any,
) -> Order:
    """Change an order and record the event, in one statement.

    Args:
        session: inside a transaction, or at once.
        order_id: the order.
        token: the fencing token of the lease under which the caller acts.
        event: the event's name.
        data: the event's own facts.
        worker: who acts.
        only_open: write only if the order is neither cancelled nor expired at this very moment.
        along: what else is written in the same statement.
        changes: columns of `orders` to set.

    Returns:
        The order as it now stands.

    Raises:
        LeaseLost: the token is no longer the order's; nothing was written.
        OrderClosed: only with `only_open`; nothing was written.
    """
    guard = Guard.LEASE_OF_AN_OPEN_ORDER if only_open else Guard.LEASE
    row = await _change_and_record(
        session,
        guard,
        {"for_order": order_id, "for_token": token, "event": event, "data": data or {}, "worker": worker},
        changes,
        along,
    )
    if row is not None:
        return row
    if only_open and await _has_token(session, order_id, token):
        raise OrderClosed(f"order {order_id} was cancelled or has expired")
    raise LeaseLost(f"order {order_id} was taken over from token {token}")


async def request_cancel(
    session: Statements, user_id: int, order_id: UUID, *, operator: str | None = None
) -> Order | None:
    """Ask that nothing more be signed for a user's order; None where it is not his, done, or already asked for.

    `operator` is who asks in the user's place.
    """
    facts = {"for_order": order_id, "for_user": user_id, "event": "cancel_requested", "data": {}, "worker": operator}
    return await _change_and_record(session, Guard.OWNER, facts, {"cancel_requested_at": DATABASE_NOW})


async def _has_token(session: Statements, order_id: UUID, token: int) -> bool:
    return await _WITH_TOKEN.row(session, {"for_order": order_id, "for_token": token}) is not None


class Guard(Enum):
    """Who may change an order."""

    LEASE = auto()
    """Whoever has its lease."""
    LEASE_OF_AN_OPEN_ORDER = auto()
    """The same, as long as it is neither cancelled nor expired."""
    OWNER = auto()
    """Its user, while it is under way and not yet cancelled."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """As a statement asks for them."""
        its_id = col(Order.id) == bindparam("for_order", type_=Uuid())
        if self is Guard.OWNER:
            return [
                its_id,
                col(Order.user_id) == bindparam("for_user", type_=Integer()),
                col(Order.status).not_in(("confirmed", "failed")),
                col(Order.cancel_requested_at).is_(None),
            ]
        held = [
            its_id,
            col(Order.fencing_token) == bindparam("for_token", type_=BigInteger()),
            # A token is worth nothing once its lease was given back.
            col(Order.lease_until).is_not(None),
        ]
        if self is Guard.LEASE:
            return held
        return [*held, col(Order.cancel_requested_at).is_(None), col(Order.expires_at) > DATABASE_NOW]


async def _change_and_record(
    session: Statements,
    guard: Guard,
    facts: Mapping[str, Any],
    changes: Mapping[str, Any],
    along: Sequence[Along] = (),
) -> Order | None:
    """The one statement that changes an order: the row, the next `seq`, the event and what goes along, together.

    A change is a value, or `DATABASE_NOW`.
    """
    given = {name: value for name, value in changes.items() if value is not DATABASE_NOW}
    at_now = tuple(sorted(changes.keys() - given.keys()))
    statement = _changing(guard, tuple(sorted(given)), at_now, tuple(each.part for each in along))
    values = {f"set_{name}": value for name, value in given.items()} | dict(facts)
    for each in along:
        values |= each.values
    row = await statement.row(session, values)
    return None if row is None else loaded(Order, row)


@lru_cache(maxsize=256)
def _changing(
    guard: Guard, given: tuple[str, ...], at_now: tuple[str, ...], parts: tuple[Callable[[CTE], CTE], ...]
) -> Prepared:
    columns = ORDERS.c
    values = {name: bindparam(f"set_{name}", type_=columns[name].type) for name in given}
    computed = dict.fromkeys(at_now, DATABASE_NOW)
    advanced = (
        update(ORDERS)
        .where(*guard.conditions())
        .values(seq=columns.seq + literal_column("1"), updated_at=DATABASE_NOW, **values, **computed)
        .returning(*columns)
        .cte("advanced")
    )
    return Prepared(sqlalchemy.select(advanced).add_cte(recorded(advanced), *(part(advanced) for part in parts)))


def recorded(order: CTE, *, where: ColumnElement[bool] | None = None, data: ColumnElement[Any] | None = None) -> CTE:
    """The part of a statement that records an event of the orders which another part has written.

    What is told is in the bind parameters `event`, `worker` and, where no expression is given for it, `data`.
    """
    # Names are literals: each bind parameter costs its conversion with every execution.
    quotes = literal_column(f"'{DEX_QUOTES}'", String())
    remembered = [part for name in STATE for part in (literal_column(f"'{name}'", String()), order.c[name])]
    dexes = literal_column(f"'{DEXES}'", String())
    state = func.jsonb_build_object(*remembered, quotes, order.c.decision[quotes], dexes, route_dexes(order.c.decision))
    told = sqlalchemy.select(
        order.c.id,
        order.c.seq,
        order.c.status,
        bindparam("event", type_=String()),
        bindparam("data", type_=JSONB()) if data is None else data,
        bindparam("worker", type_=String()),
        func.jsonb_strip_nulls(state),
    )
    return (
        insert(OrderEvent)
        .from_select(
            ["order_id", "seq", "status", "name", "data", "worker", "state"],
            told if where is None else told.where(where),
        )
        .cte("recorded")
    )


def route_dexes(decision: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of a stored decision the DEX of each leg; null where there is none."""
    return func.jsonb_path_query_array(decision, literal_column("'$.route[*].dex'", String()), type_=JSONB())


async def order_of_user(session: Statements, user_id: int, order_id: UUID) -> Order | None:
    """The order, if it is this user's."""
    row = await _OF_USER.row(session, {"for_order": order_id, "for_user": user_id})
    return None if row is None else loaded(Order, row)


async def orders_of_user(session: AsyncSession, user_id: int, order_ids: Iterable[UUID]) -> dict[UUID, Order]:
    """Those of the orders that are this user's, by id."""
    found = await session.exec(select(Order).where(col(Order.id).in_(order_ids), Order.user_id == user_id))
    return {order.id: order for order in found.all()}


async def order_by_id(session: Statements, order_id: UUID) -> Order | None:
    """The order, whoever's it is."""
    row = await _BY_ID.row(session, {"for_order": order_id})
    return None if row is None else loaded(Order, row)


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


_THIS = ORDERS.c.id == bindparam("for_order", type_=Uuid())
_BY_ID = Prepared(sqlalchemy.select(*ORDERS.c).where(_THIS))
_OF_USER = Prepared(
    sqlalchemy.select(*ORDERS.c).where(_THIS, ORDERS.c.user_id == bindparam("for_user", type_=Integer()))
)
_WITH_TOKEN = Prepared(
    sqlalchemy.select(ORDERS.c.id).where(_THIS, ORDERS.c.fencing_token == bindparam("for_token", type_=BigInteger()))
)
