"""All SQL of leases: who may advance an order now.

A lease lies on the order, lasts `LEASE` and gets a new fencing token each time it is taken. A worker that was
frozen and comes back holds a token that is no longer the order's: none of its writes takes effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Interval,
    Select,
    Update,
    Uuid,
    and_,
    bindparam,
    case,
    column,
    false,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import ColumnElement
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.orders.models import OPEN_STATUSES, Attempt, Order
from engine_app.orders.repository import ORDERS, recorded
from engine_app.storage.postgres import Statements
from engine_app.wallets.repository import WALLETS

LEASE = timedelta(seconds=5)
_NOW = func.clock_timestamp()
IN_FLIGHT = OPEN_STATUSES


def _is_free() -> ColumnElement[bool]:
    return or_(col(Order.lease_until).is_(None), col(Order.lease_until) < func.clock_timestamp())


@dataclass(frozen=True, slots=True)
class Taken:
    """A lease that was just taken.

    Attributes:
        order: as it now stands.
        now: the database's clock.
        wallet: the address that the order trades from, with its place in the derivation.
        began: how long the order had waited, where it has just gone on to routing; else None.
    """

    order: Order
    now: datetime
    wallet: OwnAddress
    began: timedelta | None


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """A trading address."""

    address: str
    derivation_index: int


async def take(session: Statements, order_id: UUID, owner: str, *, begin: bool = False) -> Taken | None:
    """Take the lease of an order that is in flight and free, with a new fencing token.

    Args:
        session: inside a transaction, or at once.
        order_id: the order.
        owner: who takes it.
        begin: with the lease, in the same statement, a fresh order that may still be traded goes on to routing.

    Returns:
        None where the order is done or another holds it.
    """
    names = {"owner": owner, "for_order": order_id, "event": "routing", "data": {"try": 1}, "worker": owner}
    row = (await session.execute(_BEGIN if begin else _TAKE, names)).mappings().one_or_none()
    if row is None:
        return None
    values = dict(row)
    now, wallet = values.pop("now"), OwnAddress(values.pop("address"), values.pop("derivation_index"))
    fresh, since = values.pop("fresh"), values.pop("since")
    order = Order(**values)
    return Taken(order, now, wallet, order.updated_at - since if fresh else None)


def _taking(*, begin: bool) -> Select[Any]:
    columns = ORDERS.c
    is_fresh = and_(columns.status == "pending", columns.cancel_requested_at.is_(None), columns.expires_at > _NOW)
    before = (
        select(
            columns.id,
            columns.updated_at.label("since"),
            (is_fresh if begin else false()).label("fresh"),
        )
        .where(columns.id == bindparam("for_order", type_=columns.id.type), columns.status.in_(IN_FLIGHT), _is_free())
        .with_for_update()
        .cte("before")
    )
    fresh = before.c.fresh
    taken = (
        update(ORDERS)
        .where(columns.id == before.c.id)
        .values(
            lease_owner=bindparam("owner", type_=columns.lease_owner.type),
            lease_until=_NOW + LEASE,
            fencing_token=columns.fencing_token + literal_column("1"),
            status=case((fresh, literal_column("'routing'")), else_=columns.status),
            seq=columns.seq + case((fresh, literal_column("1")), else_=literal_column("0")),
            updated_at=case((fresh, _NOW), else_=columns.updated_at),
        )
        .returning(*columns, before.c.fresh, before.c.since)
        .cte("taken")
    )
    found = select(taken, _NOW.label("now"), WALLETS.c.address, WALLETS.c.derivation_index).join(
        WALLETS, WALLETS.c.id == taken.c.wallet_id
    )
    return found.add_cte(recorded(taken, where=taken.c.fresh)) if begin else found


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
    session: Statements, held: Mapping[UUID, int], waiting: Mapping[UUID, dict[str, Any]] | None = None
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
    renewed = await session.execute(_RENEW, {"ids": list(held), "tokens": list(held.values()), "waiting_for": told})
    return set(renewed.scalars())


def _renewing() -> Update:
    ours = (
        func.unnest(
            bindparam("ids", type_=ARRAY(Uuid())),
            bindparam("tokens", type_=ARRAY(BigInteger())),
            bindparam("waiting_for", type_=ARRAY(JSONB(none_as_null=True))),
        )
        .table_valued("id", "token", column("waiting_for", JSONB))
        .render_derived(name="ours")
    )
    columns = ORDERS.c
    # What was written since the caller looked, a confirmation say, stays.
    still_waiting = columns.waiting_for["reason"].astext.in_(("landing", "expiry"))
    return (
        update(ORDERS)
        .where(columns.id == ours.c.id, columns.fencing_token == ours.c.token, columns.lease_until.is_not(None))
        .values(
            lease_until=_NOW + LEASE,
            waiting_for=case(
                (still_waiting, func.coalesce(ours.c.waiting_for, columns.waiting_for)), else_=columns.waiting_for
            ),
        )
        .returning(columns.id)
    )


async def release(session: Statements, held: Mapping[UUID, int], *, not_before: datetime | None = None) -> None:
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


async def due(session: Statements, *, limit: int, grace: timedelta) -> Sequence[UUID]:
    """Orders that nobody advances and that are due: live attempts first, then the oldest.

    Args:
        session: inside a transaction.
        limit: at most so many.
        grace: how long a fresh order is left to the queue's message.
    """
    found = await session.execute(_DUE, {"most": limit, "grace": grace})
    return list(found.scalars())


def _being_due() -> Select[Any]:
    columns = ORDERS.c
    return (
        select(columns.id)
        .where(
            columns.status.in_(IN_FLIGHT),
            _is_free(),
            or_(
                columns.not_before.is_(None),
                columns.not_before <= _NOW,
                columns.expires_at <= _NOW,
                columns.cancel_requested_at.is_not(None),
            ),
            or_(columns.status != "pending", columns.created_at < _NOW - bindparam("grace", type_=Interval())),
        )
        .order_by(case((columns.status == "submitted", 0), else_=1), columns.created_at)
        .limit(bindparam("most", type_=Integer()))
        .with_for_update(skip_locked=True)
    )


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


_TAKE, _BEGIN = _taking(begin=False), _taking(begin=True)
_RENEW = _renewing()
_DUE = _being_due()
