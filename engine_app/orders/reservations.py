"""A balance is spent once: what each order holds of its wallet, and all SQL of it.

Free = balance read at slot s − every reservation of another order that is open, or whose transaction landed after s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Integer,
    String,
    Uuid,
    bindparam,
    column,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.orders.along import Along
from engine_app.orders.models import Attempt, Order, Reservation
from engine_app.storage.columns import BASE_UNITS
from engine_app.storage.prepared import Prepared, Statements
from engine_app.wallets.models import Wallet

RESERVATIONS = Reservation.metadata.tables["reservations"]


async def reserve(
    session: Statements,
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
    await _LOCK.rows(session, {"wallet": wallet_id})
    wanted = {"mints": list(needs), "amounts": [Decimal(need) for need in needs.values()]}
    held = {"balances": [Decimal(balances.get(mint, 0)) for mint in needs], "read_at": slot}
    missing = await _RESERVE.rows(session, {"wallet": wallet_id, "for_order": order_id, **wanted, **held})
    return {row["mint"]: int(row["short"]) for row in missing}


async def signed_by_others(session: Statements, order_id: UUID, wallet_id: int, mints: Iterable[str]) -> list[str]:
    """Signatures of other orders' live attempts that may spend what their orders hold of these mints."""
    names = {"wallet": wallet_id, "for_order": order_id, "mints": list(mints)}
    return [row["signature"] for row in await _SIGNED_BY_OTHERS.rows(session, names)]


def _signed_by_others() -> Prepared:
    held, attempts = RESERVATIONS.c, Attempt.metadata.tables["attempts"].c
    return Prepared(
        select(attempts.signature)
        .distinct()
        .join_from(RESERVATIONS, Attempt.metadata.tables["attempts"], attempts.order_id == held.order_id)
        .where(
            held.wallet_id == bindparam("wallet", type_=Integer()),
            held.order_id != bindparam("for_order", type_=Uuid()),
            held.mint == func.any(bindparam("mints", type_=ARRAY(String()))),
            held.closed_at.is_(None),
            attempts.verdict.is_(None),
        )
    )


def _reserving() -> Prepared:
    """The statement that reserves everything or nothing, and tells what is missing."""
    columns, wallet = RESERVATIONS.c, bindparam("wallet", type_=Integer())
    its_order, mints = bindparam("for_order", type_=Uuid()), ARRAY(String())
    needs = (
        func.unnest(
            bindparam("mints", type_=mints),
            bindparam("amounts", type_=ARRAY(BASE_UNITS)),
            bindparam("balances", type_=ARRAY(BASE_UNITS)),
        )
        .table_valued(column("mint", String), column("amount", BASE_UNITS), column("balance", BASE_UNITS))
        .render_derived(name="needs")
    )
    of_others = (
        select(func.coalesce(func.sum(columns.amount), 0))
        .where(
            columns.wallet_id == wallet,
            columns.mint == needs.c.mint,
            columns.order_id != its_order,
            or_(columns.closed_at.is_(None), columns.landed_slot > bindparam("read_at", type_=BigInteger())),
        )
        .scalar_subquery()
    )
    short = (needs.c.amount - needs.c.balance + of_others).label("short")
    looked = select(needs.c.mint, needs.c.amount, short).cte("looked")
    missing = select(looked.c.mint, looked.c.short).where(looked.c.short > 0)
    made = insert(Reservation).from_select(
        ["order_id", "mint", "wallet_id", "amount"],
        select(its_order, looked.c.mint, wallet, looked.c.amount).where(looked.c.amount > 0, ~missing.exists()),
    )
    reserved = made.on_conflict_do_update(
        index_elements=["order_id", "mint"],
        set_={"amount": made.excluded.amount, "closed_at": None, "landed_slot": None},
    ).cte("reserved")
    return Prepared(missing.add_cte(reserved))


def closing(*, landed_slot: int | None) -> Along:
    """End an order's reservations in the statement that advances it; `landed_slot` is as in `close`."""
    return Along(_closed, {"landed_in": landed_slot})


def _closed(order: CTE) -> CTE:
    return (
        update(RESERVATIONS)
        .where(RESERVATIONS.c.order_id == order.c.id)
        .values(
            closed_at=func.clock_timestamp(),
            landed_slot=bindparam("landed_in", type_=RESERVATIONS.c.landed_slot.type),
        )
        .cte("closed")
    )


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


_LOCK = Prepared(select(col(Wallet.id)).where(col(Wallet.id) == bindparam("wallet", type_=Integer())).with_for_update())
_RESERVE = _reserving()
_SIGNED_BY_OTHERS = _signed_by_others()
