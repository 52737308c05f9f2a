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
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import ColumnElement, TableValuedAlias
from sqlalchemy.types import TypeEngine
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.orders.attempts import ATTEMPTS
from engine_app.orders.models import OPEN_STATUSES, Attempt, Order
from engine_app.orders.repository import ORDERS, recorded
from engine_app.storage.prepared import Prepared, Statements, loaded
from engine_app.wallets.repository import WALLETS

LEASE = timedelta(seconds=5)
_NOW = func.clock_timestamp()
IN_FLIGHT = OPEN_STATUSES
_OF_ATTEMPT = "attempt_"
"""Before the name of a column of attempts, beside an order's."""


def is_free() -> ColumnElement[bool]:
    """Whether nobody holds an order. A lease that reaches further than any does was taken before the database's clock
    was set back: who holds it renews it, and who died with it would hold it for so long."""
    until = col(Order.lease_until)
    return or_(until.is_(None), until < _NOW, until > _NOW + 2 * LEASE)


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
    row = await (_BEGIN if begin else _TAKE).row(session, names)
    if row is None:
        return None
    values = dict(row)
    now, wallet = values.pop("now"), OwnAddress(values.pop("address"), values.pop("derivation_index"))
    fresh, since = values.pop("fresh"), values.pop("since")
    order = loaded(Order, values)
    return Taken(order, now, wallet, order.updated_at - since if fresh else None)


def _taking(*, begin: bool) -> Prepared:
    columns = ORDERS.c
    is_fresh = and_(columns.status == "pending", columns.cancel_requested_at.is_(None), columns.expires_at > _NOW)
    before = (
        select(
            columns.id,
            columns.updated_at.label("since"),
            (is_fresh if begin else false()).label("fresh"),
        )
        .where(columns.id == bindparam("for_order", type_=columns.id.type), columns.status.in_(IN_FLIGHT), is_free())
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
    return Prepared(found.add_cte(recorded(taken, where=taken.c.fresh)) if begin else found)


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
    values = {"ids": list(held), "tokens": list(held.values()), "waits": told}
    return {row["id"] for row in await _RENEW.rows(session, values)}


def _held(**more: TypeEngine[Any]) -> TableValuedAlias:
    """The leases that are meant: order and token, and what else is told of each, by name."""
    told: dict[str, TypeEngine[Any]] = {"id": Uuid(), "token": BigInteger(), **more}
    lists = (bindparam(f"{name}s", type_=ARRAY(kind)) for name, kind in told.items())
    return func.unnest(*lists).table_valued(*(column(*each) for each in told.items())).render_derived(name="ours")


def _renewing() -> Prepared:
    columns, ours = ORDERS.c, _held(wait=JSONB(none_as_null=True))
    # What was written since the caller looked, a confirmation say, stays.
    still_waiting = columns.waiting_for["reason"].astext.in_(("landing", "expiry"))
    return Prepared(
        update(ORDERS)
        .where(columns.id == ours.c.id, columns.fencing_token == ours.c.token, columns.lease_until.is_not(None))
        .values(
            lease_until=_NOW + LEASE,
            waiting_for=case(
                (still_waiting, func.coalesce(ours.c.wait, columns.waiting_for)), else_=columns.waiting_for
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
    if held:
        values = {"ids": list(held), "tokens": list(held.values()), "later": not_before}
        await _RELEASE.rows(session, values)


async def postpone(session: Statements, held: Mapping[UUID, int], by: timedelta) -> None:
    """Give leases back, those that are still ours, of orders that let others go first for so long."""
    if held:
        await _POSTPONE.rows(session, {"ids": list(held), "tokens": list(held.values()), "by": by})


def _releasing(not_before: ColumnElement[datetime]) -> Prepared:
    columns, ours = ORDERS.c, _held()
    return Prepared(
        update(ORDERS)
        .where(columns.id == ours.c.id, columns.fencing_token == ours.c.token)
        .values(lease_until=None, lease_owner=None, not_before=not_before)
        .returning(columns.id)
    )


async def due(session: Statements, *, limit: int, grace: timedelta) -> Sequence[UUID]:
    """Orders that nobody advances and that are due: live attempts first, then the oldest.

    Args:
        session: inside a transaction.
        limit: at most so many.
        grace: how long a fresh order is left to the queue's message.
    """
    return [row["id"] for row in await _DUE.rows(session, {"most": limit, "grace": grace})]


def _being_due() -> Prepared:
    columns = ORDERS.c
    return Prepared(
        select(columns.id)
        .where(
            columns.status.in_(IN_FLIGHT),
            is_free(),
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
    session: Statements, owner: str, *, finalized_slot: int, limit: int
) -> Sequence[tuple[Order, Attempt]]:
    """Take the leases of confirmed orders whose transaction landed at or before a finalized slot, but for those that
    were postponed."""
    rows = await _TAKE_RIPE.rows(session, {"owner": owner, "finalized_slot": finalized_slot, "most": limit})
    return [_order_and_attempt(row) for row in rows]


def _taking_ripe() -> Prepared:
    orders, attempts = ORDERS.c, ATTEMPTS.c
    of_order = (attempts.order_id == orders.id) & attempts.verdict.is_(None)
    ripe = (
        select(orders.id)
        .join(ATTEMPTS, of_order)
        .where(
            orders.status == "confirmed",
            orders.finalized_at.is_(None),
            is_free(),
            or_(orders.not_before.is_(None), orders.not_before <= _NOW),
            attempts.observed_slot <= bindparam("finalized_slot", type_=attempts.observed_slot.type),
        )
        .order_by(orders.created_at)
        .limit(bindparam("most", type_=Integer()))
        .with_for_update(skip_locked=True, of=ORDERS)
        # As a subquery it might be carried out for each attempt anew, and bring so many more each time.
        .cte("ripe")
    )
    return Prepared(
        update(ORDERS)
        .where(orders.id == ripe.c.id, of_order)
        .values(
            lease_owner=bindparam("owner", type_=orders.lease_owner.type),
            lease_until=_NOW + LEASE,
            fencing_token=orders.fencing_token + literal_column("1"),
        )
        .returning(*orders, *(column.label(_OF_ATTEMPT + column.name) for column in attempts))
    )


def _order_and_attempt(row: Mapping[str, Any]) -> tuple[Order, Attempt]:
    order = {name: value for name, value in row.items() if not name.startswith(_OF_ATTEMPT)}
    attempt = {name.removeprefix(_OF_ATTEMPT): value for name, value in row.items() if name not in order}
    return loaded(Order, order), loaded(Attempt, attempt)


_TAKE, _BEGIN = _taking(begin=False), _taking(begin=True)
_RENEW = _renewing()
_RELEASE = _releasing(
    func.coalesce(bindparam("later", type_=ORDERS.c.not_before.type), ORDERS.c.not_before),
)
_POSTPONE = _releasing(_NOW + bindparam("by", type_=Interval()))
_DUE = _being_due()
_TAKE_RIPE = _taking_ripe()
