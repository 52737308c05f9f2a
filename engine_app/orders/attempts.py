"""All SQL of attempts. The database's constraints and triggers keep the rules; these statements only speak them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import CTE, bindparam, func, insert, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.orders.along import Along
from engine_app.orders.lifecycle import Verdict
from engine_app.orders.models import Attempt, Order
from engine_app.storage.postgres import REFUSED, rule_of
from engine_app.wallets.models import Wallet

ATTEMPTS = Attempt.metadata.tables["attempts"]

SIGNATURE_KEY = "attempts_signature_key"
"""The constraint that no two attempts share a signature."""


class SignatureTaken(Exception):
    """Another order's attempt has this signature: the same wallet, the same swap, the same blockhash."""


async def insert_attempt(session: AsyncSession, attempt: Attempt) -> None:
    """Insert a try, live or `not_sent`, in the transaction that advances its order.

    Raises:
        SignatureTaken: nothing was written, and the transaction must be left.
    """
    session.add(attempt)
    with signature_told_apart():
        await session.flush()


@dataclass(frozen=True, slots=True)
class Signed:
    """A try as it is born with its signed transaction: what its row has from then on, by the names of its columns."""

    id: UUID
    order_id: UUID
    number: int
    fencing_token: int
    quoted_out: Decimal
    min_out: Decimal
    selected_dex: str | None
    compute_unit_limit: int
    compute_unit_price: int
    signature: str
    transaction: bytes
    blockhash: str
    blockhash_slot: int
    last_valid_block_height: int


_BORN_WITH = tuple(field.name for field in fields(Signed))


def birth(signed: Signed) -> Along:
    """Insert a live try, as a part of the statement that advances its order."""
    return Along(_born, {f"born_{name}": getattr(signed, name) for name in _BORN_WITH})


def _born(order: CTE) -> CTE:
    given = [ATTEMPTS.c[name] for name in _BORN_WITH]
    row = sqlalchemy.select(*(bindparam(f"born_{column.name}", type_=column.type) for column in given))
    return insert(ATTEMPTS).from_select(given, row.select_from(order)).cte("born")


@contextmanager
def signature_told_apart() -> Iterator[None]:
    """Raise SignatureTaken where what is written inside fails because another attempt has the signature."""
    try:
        yield
    except REFUSED as error:
        if rule_of(error) == SIGNATURE_KEY:
            raise SignatureTaken from error
        raise


async def attempts_of(session: AsyncSession, order_id: UUID) -> Sequence[Attempt]:
    """An order's attempts, first to last."""
    found = await session.exec(select(Attempt).where(Attempt.order_id == order_id).order_by(col(Attempt.number)))
    return found.all()


async def signed_page(session: AsyncSession, *, after: UUID | None, limit: int) -> Sequence[tuple[Attempt, Order]]:
    """Attempts that were signed, with their orders, by id, those behind `after`."""
    query = select(Attempt, Order).join(Order, col(Order.id) == col(Attempt.order_id))
    query = query.where(col(Attempt.signature).is_not(None)).order_by(col(Attempt.id)).limit(limit)
    if after is not None:
        query = query.where(col(Attempt.id) > after)
    return (await session.exec(query)).all()


async def signatures_of_wallet(session: AsyncSession, wallet_id: int) -> set[str]:
    """Every signature that the engine has made for a wallet."""
    found = await session.exec(
        select(Attempt.signature)
        .join(Order, col(Order.id) == col(Attempt.order_id))
        .where(Order.wallet_id == wallet_id, col(Attempt.signature).is_not(None))
    )
    return {signature for signature in found.all() if signature is not None}


async def knows(session: AsyncSession, signature: str) -> bool:
    """Whether an attempt has this signature."""
    return (await session.exec(select(Attempt.id).where(Attempt.signature == signature))).one_or_none() is not None


async def known_among(session: AsyncSession, address: str, signatures: Collection[str]) -> set[str]:
    """Those of the signatures that attempts of a wallet's orders have."""
    found = await session.exec(
        select(Attempt.signature)
        .join(Order, col(Order.id) == col(Attempt.order_id))
        .join(Wallet, col(Wallet.id) == col(Order.wallet_id))
        .where(Wallet.address == address, col(Attempt.signature).in_(signatures))
    )
    return {signature for signature in found.all() if signature is not None}


def observation(attempt_id: UUID, *, slot: int, error: dict[str, Any] | None) -> Along:
    """Note what was seen of a live attempt before finality, in the statement that advances its order."""
    return Along(_observed, {"seen_attempt": attempt_id, "seen_slot": slot, "seen_error": error})


def _observed(order: CTE) -> CTE:
    return (
        update(ATTEMPTS)
        .where(
            ATTEMPTS.c.id == bindparam("seen_attempt", type_=ATTEMPTS.c.id.type),
            ATTEMPTS.c.order_id == order.c.id,
            ATTEMPTS.c.verdict.is_(None),
        )
        .values(
            observed_slot=bindparam("seen_slot", type_=ATTEMPTS.c.observed_slot.type),
            observed_error=bindparam("seen_error", type_=ATTEMPTS.c.observed_error.type),
            observed_at=func.clock_timestamp(),
        )
        .cte("observed")
    )


async def observe(
    session: AsyncSession, attempt_id: UUID, token: int, *, slot: int, error: dict[str, Any] | None
) -> bool:
    """Note what was seen of a live attempt before finality; False where the lease was lost or it has its verdict."""
    noted = await session.execute(
        update(Attempt)
        .where(
            col(Attempt.id) == attempt_id,
            col(Attempt.verdict).is_(None),
            col(Order.id) == col(Attempt.order_id),
            col(Order.fencing_token) == token,
        )
        .values(observed_slot=slot, observed_error=error, observed_at=func.clock_timestamp())
        .returning(col(Attempt.id))
        .execution_options(synchronize_session=False)
    )
    return noted.one_or_none() is not None


async def withdraw_observation(session: AsyncSession, attempt_id: UUID) -> None:
    """Forget what was seen of a live attempt: a fork took it back."""
    await session.execute(
        update(Attempt)
        .where(col(Attempt.id) == attempt_id, col(Attempt.verdict).is_(None))
        .values(observed_slot=None, observed_error=None, observed_at=None)
        .execution_options(synchronize_session=False)
    )


async def write_verdict(
    session: AsyncSession,
    attempt_id: UUID,
    verdict: Verdict,
    *,
    evidence: dict[str, Any],
    error_code: str | None = None,
    error_message: str | None = None,
) -> None:
    """Write a live attempt's verdict, once, with its finalized evidence.

    The caller advances the order in the same transaction, and so holds its row and its token.
    """
    await session.execute(
        update(Attempt)
        .where(col(Attempt.id) == attempt_id, col(Attempt.verdict).is_(None))
        .values(
            verdict=verdict.value,
            evidence=evidence,
            verdict_at=func.clock_timestamp(),
            error_code=error_code,
            error_message=error_message,
        )
        .execution_options(synchronize_session=False)
    )
