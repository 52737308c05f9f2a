"""All SQL over wallets: the stock of fresh addresses, and who trades from which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy
from sqlalchemy import Integer, bindparam, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import NoResultFound
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.storage.prepared import Prepared, Statements, loaded
from engine_app.wallets.models import ExplainedSignature, Wallet

WALLETS = Wallet.metadata.tables["wallets"]

_FILL_LOCK = 0x57414C4C
"""Key of the advisory lock under which the stock is filled."""


async def take(session: AsyncSession, user_id: int) -> Wallet | None:
    """Give one fresh address to a new user within the caller's transaction, or None where the stock is empty."""
    fresh = (
        select(Wallet.id)
        .where(col(Wallet.user_id).is_(None))
        .order_by(col(Wallet.id))
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    statement = (
        update(Wallet)
        .where(col(Wallet.id) == fresh)
        .values(user_id=user_id, assigned_at=func.clock_timestamp())
        .returning(Wallet)
    )
    return (await session.exec(statement)).scalar_one_or_none()


async def wallet_of_user(session: Statements, user_id: int, *, locked: bool = False) -> Wallet:
    """The wallet of a user, on demand with its row locked. Raises NoResultFound where there is no such user."""
    row = await (_LOCKED if locked else _OF_USER).row(session, {"user": user_id})
    if row is None:
        raise NoResultFound(f"user {user_id} has no wallet")
    return loaded(Wallet, row)


async def traders(session: AsyncSession) -> Sequence[Wallet]:
    """Every wallet that a user trades from."""
    return (await session.exec(select(Wallet).where(col(Wallet.user_id).is_not(None)).order_by(col(Wallet.id)))).all()


async def explained(session: AsyncSession, wallet_id: int) -> set[str]:
    """The transactions of a wallet that an operator has explained."""
    statement = select(ExplainedSignature.signature).where(ExplainedSignature.wallet_id == wallet_id)
    return set((await session.exec(statement)).all())


async def explain(session: AsyncSession, address: str, signature: str, note: str) -> bool:
    """Record an operator's explanation of a transaction; False where no such wallet is known."""
    wallet = (await session.exec(select(Wallet).where(Wallet.address == address))).one_or_none()
    if wallet is None:
        return False
    row = {"signature": signature, "wallet_id": wallet.id, "note": note}
    await session.exec(insert(ExplainedSignature).values(row).on_conflict_do_nothing())
    return True


async def stop_intake(session: AsyncSession, wallet_id: int, *, stopped: bool) -> None:
    """Stop a wallet from taking new orders, or let it again."""
    since = func.coalesce(Wallet.stopped_at, func.clock_timestamp()) if stopped else None
    await session.exec(update(Wallet).where(col(Wallet.id) == wallet_id).values(stopped_at=since))


async def stock_size(session: Statements) -> int:
    """How many fresh addresses wait for a user."""
    (found,) = await _STOCK.rows(session, {})
    return int(found["size"])


async def lock_stock(session: AsyncSession) -> bool:
    """Become the only one that fills the stock until this transaction ends; False where another one is."""
    return bool((await session.exec(select(func.pg_try_advisory_xact_lock(_FILL_LOCK)))).one())


async def add_to_stock(session: AsyncSession, addresses: Iterable[tuple[int, str]]) -> int:
    """Insert (derivation index, address) pairs and return how many were new; known ones are left as they are."""
    rows = [{"derivation_index": index, "address": address} for index, address in addresses]
    if not rows:
        return 0
    statement = insert(Wallet).values(rows).on_conflict_do_nothing().returning(col(Wallet.id))
    return len((await session.exec(statement)).all())


_STOCK = Prepared(
    sqlalchemy.select(func.count().label("size")).select_from(Wallet).where(col(Wallet.user_id).is_(None))
)
_WALLET = sqlalchemy.select(*WALLETS.c).where(WALLETS.c.user_id == bindparam("user", type_=Integer()))
_OF_USER, _LOCKED = Prepared(_WALLET), Prepared(_WALLET.with_for_update(key_share=True))
