"""All SQL of leases: who may advance an order now.

A lease lies on the order, lasts `LEASE` and gets a new fencing token each time it is taken. A worker that was
frozen and comes back holds a token that is no longer the order's: none of its writes takes effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Uuid, case, column, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import ColumnElement
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.orders.models import OPEN_STATUSES, Attempt, Order

LEASE = timedelta(seconds=5)
IN_FLIGHT = OPEN_STATUSES


def _is_free() -> ColumnElement[bool]:
    return or_(col(Order.lease_until).is_(None), col(Order.lease_until) < func.clock_timestamp())


async def take(session: AsyncSession, order_id: UUID, owner: str) -> tuple[Order, datetime] | None:
    """Take the lease of an order that is in flight and free, with a new fencing token.

    Returns:
        The order and the database's clock, or None where it is done or another holds it.
    """
    taken = await session.execute(
        update(Order)
        .where(col(Order.id) == order_id, col(Order.status).in_(IN_FLIGHT), _is_free())
        .values(
            lease_owner=owner,
            lease_until=func.clock_timestamp() + LEASE,
            fencing_token=col(Order.fencing_token) + 1,
        )
        .returning(Order, func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )
    row = taken.one_or_none()
    return None if row is None else (row[0], row[1])


async def seize(session: AsyncSession, order_id: UUID, owner: str) -> int:
    """Take an order's lease from whoever has it; the new fencing token, 0 for an unknown order.

    For an operator's own commands.
    """
    seized = await session.execute(
        update(Order)
        .where(col(Order.id) == order_id)
        .values(
            lease_owner=owner,
            lease_until=func.clock_timestamp() + LEASE,
            fencing_token=col(Order.fencing_token) + 1,
        )
        .returning(col(Order.fencing_token))
        .execution_options(synchronize_session=False)
    )
    return int(seized.scalar_one_or_none() or 0)


async def renew(
    session: AsyncSession, held: Mapping[UUID, int], waiting: Mapping[UUID, dict[str, Any]] | None = None
) -> set[UUID]:
    """Renew many leases in one statement, and write what those orders wait for that wait for the chain.

    Args:
        session: inside a transaction.
        held: order → fencing token.
        waiting: order → its `waiting_for`, counted anew.

    Returns:
        The orders whose lease is still ours; one that was given back meanwhile is not.
    """
    if not held:
        return set()
    told = [(waiting or {}).get(order_id) for order_id in held]
    ours = (
        func.unnest(
            literal(list(held), ARRAY(Uuid())),
            literal(list(held.values()), ARRAY(BigInteger())),
            literal(told, ARRAY(JSONB(none_as_null=True))),
        )
        .table_valued("id", "token", column("waiting_for", JSONB))
        .render_derived(name="ours")
    )
    # What was written since the caller looked, a confirmation say, stays.
    still_waiting = col(Order.waiting_for)["reason"].astext.in_(("landing", "expiry"))
    renewed = await session.execute(
        update(Order)
        .where(
            col(Order.id) == ours.c.id,
            col(Order.fencing_token) == ours.c.token,
            col(Order.lease_until).is_not(None),
        )
        .values(
            lease_until=func.clock_timestamp() + LEASE,
            waiting_for=case(
                (still_waiting, func.coalesce(ours.c.waiting_for, Order.waiting_for)), else_=Order.waiting_for
            ),
        )
        .returning(col(Order.id))
        .execution_options(synchronize_session=False)
    )
    return set(renewed.scalars())


async def release(session: AsyncSession, held: Mapping[UUID, int], *, not_before: datetime | None = None) -> None:
    """Give leases back, those that are still ours.

    Args:
        session: inside a transaction.
        held: order → fencing token.
        not_before: when the orders may be taken up again, None to leave that as it is.
    """
    if not held:
        return
    ours = tuple_(col(Order.id), col(Order.fencing_token)).in_(list(held.items()))
    later = {} if not_before is None else {"not_before": not_before}
    await session.execute(
        update(Order)
        .where(ours)
        .values(lease_until=None, lease_owner=None, **later)
        .execution_options(synchronize_session=False)
    )


async def due(session: AsyncSession, *, limit: int, grace: timedelta) -> Sequence[UUID]:
    """Orders that nobody advances and that are due: live attempts first, then the oldest.

    Args:
        session: inside a transaction.
        limit: at most so many.
        grace: how long a fresh order is left to the queue's message.
    """
    now = func.clock_timestamp()
    found = await session.execute(
        select(col(Order.id))
        .where(
            col(Order.status).in_(IN_FLIGHT),
            _is_free(),
            or_(
                col(Order.not_before).is_(None),
                col(Order.not_before) <= now,
                col(Order.expires_at) <= now,
                col(Order.cancel_requested_at).is_not(None),
            ),
            or_(col(Order.status) != "pending", col(Order.created_at) < now - grace),
        )
        .order_by(case((col(Order.status) == "submitted", 0), else_=1), col(Order.created_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(found.scalars())


async def take_to_finalize(
    session: AsyncSession, owner: str, *, finalized_slot: int, limit: int
) -> Sequence[tuple[Order, Attempt]]:
    """Take the leases of confirmed orders whose transaction landed at or before a finalized slot."""
    ripe = (
        select(col(Order.id))
        .join(Attempt, (col(Attempt.order_id) == col(Order.id)) & col(Attempt.verdict).is_(None))
        .where(
            col(Order.status) == "confirmed",
            col(Order.finalized_at).is_(None),
            _is_free(),
            col(Attempt.observed_slot) <= finalized_slot,
        )
        .order_by(col(Order.created_at))
        .limit(limit)
        .with_for_update(skip_locked=True, of=Order)
    )
    taken = await session.execute(
        update(Order)
        .where(col(Order.id).in_(ripe), col(Attempt.order_id) == col(Order.id), col(Attempt.verdict).is_(None))
        .values(
            lease_owner=owner,
            lease_until=func.clock_timestamp() + LEASE,
            fencing_token=col(Order.fencing_token) + 1,
        )
        .returning(Order, Attempt)
        .execution_options(synchronize_session=False)
    )
    return [(row[0], row[1]) for row in taken]
