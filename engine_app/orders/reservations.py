"""A balance is spent once: what each order holds of its wallet, and all SQL of it.

Free = balance read at slot s − every reservation of another order that is open, or whose transaction landed after s.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.orders.models import Order, Reservation
from engine_app.wallets.models import Wallet


async def reserve(
    session: AsyncSession,
    order_id: UUID,
    wallet_id: int,
    *,
    needs: Mapping[str, int],
    balances: Mapping[str, int],
    slot: int,
) -> dict[str, int]:
    """Reserve what an order needs, under a lock of the wallet's row.

    Args:
        session: inside a transaction.
        order_id: the order that reserves; what it reserved before is replaced.
        wallet_id: its wallet.
        needs: base units per mint; lamports under wrapped SOL's mint.
        balances: base units per mint as read at `slot`.
        slot: the slot of the balances.

    Returns:
        What is missing, base units per mint; empty where the reservation was made.
    """
    await session.execute(select(col(Wallet.id)).where(col(Wallet.id) == wallet_id).with_for_update())
    held = await session.execute(
        select(col(Reservation.mint), func.sum(Reservation.amount))
        .where(
            col(Reservation.wallet_id) == wallet_id,
            col(Reservation.order_id) != order_id,
            or_(col(Reservation.closed_at).is_(None), col(Reservation.landed_slot) > slot),
        )
        .group_by(col(Reservation.mint))
    )
    others = {mint: int(amount) for mint, amount in held.all()}
    missing = {
        mint: need - (balances.get(mint, 0) - others.get(mint, 0))
        for mint, need in needs.items()
        if need > balances.get(mint, 0) - others.get(mint, 0)
    }
    if missing:
        return missing
    statement = insert(Reservation).values(
        [
            {"order_id": order_id, "mint": mint, "wallet_id": wallet_id, "amount": Decimal(amount)}
            for mint, amount in needs.items()
            if amount > 0
        ]
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["order_id", "mint"],
            set_={"amount": statement.excluded.amount, "closed_at": None, "landed_slot": None},
        )
    )
    return {}


async def close(session: AsyncSession, order_id: UUID, *, landed_slot: int | None) -> None:
    """End an order's reservations; `landed_slot` is the slot of the transaction that spent them, None if none did."""
    await session.execute(
        update(Reservation)
        .where(col(Reservation.order_id) == order_id)
        .values(closed_at=func.clock_timestamp(), landed_slot=landed_slot)
        .execution_options(synchronize_session=False)
    )


async def reopen(session: AsyncSession, order_id: UUID) -> None:
    """Hold again what an order reserved: a fork took its transaction back."""
    await session.execute(
        update(Reservation)
        .where(col(Reservation.order_id) == order_id)
        .values(closed_at=None, landed_slot=None)
        .execution_options(synchronize_session=False)
    )


async def reserved_by_user(session: AsyncSession, user_id: int) -> dict[str, int]:
    """What a user's open orders hold, base units per mint."""
    held = await session.execute(
        select(col(Reservation.mint), func.sum(Reservation.amount))
        .join(Order, col(Order.id) == col(Reservation.order_id))
        .where(col(Order.user_id) == user_id, col(Reservation.closed_at).is_(None))
        .group_by(col(Reservation.mint))
    )
    return {mint: int(amount) for mint, amount in held.all()}
