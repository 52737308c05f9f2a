"""All SQL of looking at orders from outside: what is under way, what is stuck, one order's whole story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, case, func, or_, select
from sqlalchemy.sql import ColumnElement
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.accounts.models import User
from engine_app.orders.leases import IN_FLIGHT, is_free
from engine_app.orders.models import Attempt, Order, OrderEvent, Reservation
from engine_app.storage.prepared import Prepared, Statements
from engine_app.wallets.models import Wallet

NOW = func.clock_timestamp()


@dataclass(frozen=True, slots=True)
class UnderWay:
    """How many orders are in one state and wait for one thing; `waits_for` is empty where they wait for nothing."""

    status: str
    waits_for: str
    orders: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """An order that should have moved on.

    Attributes:
        seconds: since it was placed.
        overdue: seconds for which it has been due and nobody has advanced it.
        holder: the worker that holds its lease, or None.
    """

    order_id: UUID
    status: str
    seconds: int
    overdue: int
    tries: int
    waiting_for: dict[str, Any] | None
    holder: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the database knows of one order."""

    order: Order
    username: str
    address: str
    attempts: Sequence[Attempt]
    events: Sequence[OrderEvent]
    reservations: Sequence[Reservation]


async def under_way(session: Statements) -> list[UnderWay]:
    """Orders that are not final, counted by state and by what they wait for."""
    return [UnderWay(**row) for row in await _UNDER_WAY.rows(session, {})]


async def not_called_off(session: AsyncSession) -> list[tuple[int, UUID]]:
    """The orders in flight for which something may still be signed, as user and order, the oldest first."""
    found = await session.execute(
        select(col(Order.user_id), col(Order.id))
        .where(col(Order.status).in_(IN_FLIGHT), col(Order.cancel_requested_at).is_(None))
        .order_by(col(Order.created_at))
    )
    return [(user_id, order_id) for user_id, order_id in found]


async def longest_overdue(session: Statements) -> float:
    """For how many seconds the order that has waited longest for a worker has been due; 0 where none is."""
    found = await _OVERDUE.row(session, {})
    return float((found or {}).get("seconds") or 0)


async def stuck(session: AsyncSession, *, older_than: timedelta) -> list[Stuck]:
    """Orders that wait for an operator, that were placed longer ago than this and are still in flight, or that are
    confirmed and were still not finalized so long after; the oldest first."""
    found = await session.execute(
        select(
            col(Order.id),
            col(Order.status),
            _seconds(NOW - col(Order.created_at)),
            _overdue(),
            col(Order.tries),
            col(Order.waiting_for),
            case((is_free(), None), else_=col(Order.lease_owner)),
        )
        .where(
            _not_final(),
            or_(
                col(Order.created_at) < NOW - older_than,
                col(Order.waiting_for)["reason"].astext == "operator",
            ),
        )
        .order_by(col(Order.created_at))
    )
    return [Stuck(*row) for row in found.all()]


async def story(session: AsyncSession, order_id: UUID) -> Story | None:
    """One order with its attempts, events and reservations, and whose it is."""
    found = await session.execute(
        select(Order, col(User.username), col(Wallet.address))
        .join(User, col(User.id) == col(Order.user_id))
        .join(Wallet, col(Wallet.id) == col(Order.wallet_id))
        .where(col(Order.id) == order_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    attempts = await session.execute(
        select(Attempt).where(col(Attempt.order_id) == order_id).order_by(col(Attempt.number))
    )
    events = await session.execute(
        select(OrderEvent).where(col(OrderEvent.order_id) == order_id).order_by(col(OrderEvent.seq))
    )
    reservations = await session.execute(select(Reservation).where(col(Reservation.order_id) == order_id))
    return Story(row[0], row[1], row[2], attempts.scalars().all(), events.scalars().all(), reservations.scalars().all())


def _not_final() -> ColumnElement[bool]:
    unfinalized = (col(Order.status) == "confirmed") & col(Order.finalized_at).is_(None)
    return or_(col(Order.status).in_(IN_FLIGHT), unfinalized)


def _overdue() -> ColumnElement[int]:
    """Seconds for which a worker should have been advancing an order that nobody holds; 0 for any other."""
    due_since = func.greatest(Order.updated_at, Order.not_before, Order.lease_until)
    waits = col(Order.status).in_(IN_FLIGHT) & is_free() & (due_since < NOW)
    return case((waits, _seconds(NOW - due_since)), else_=0)


def _seconds(span: ColumnElement[timedelta]) -> ColumnElement[int]:
    return func.extract("epoch", span).cast(Integer)


def _counting() -> Prepared:
    waits_for = func.coalesce(col(Order.waiting_for)["reason"].astext, "").label("waits_for")
    counted = select(col(Order.status), waits_for, func.count().label("orders")).where(_not_final())
    return Prepared(counted.group_by(col(Order.status), waits_for))


_UNDER_WAY = _counting()
_OVERDUE = Prepared(select(func.max(_overdue()).label("seconds")).where(col(Order.status).in_(IN_FLIGHT)))
