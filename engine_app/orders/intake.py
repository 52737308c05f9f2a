"""Whether new orders are taken. An operator pauses intake for everybody; open orders go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Integer, bindparam, func, select, true
from sqlalchemy.exc import NoResultFound
from sqlalchemy.sql.functions import Function

from engine_app.errors import EngineError, register
from engine_app.storage import deployment
from engine_app.storage.prepared import Prepared, Statements, loaded
from engine_app.wallets.models import Wallet
from engine_app.wallets.repository import WALLETS

RETRY_SECONDS = 60
_LOCK = 0x4F524452
"""Key of the advisory lock under which orders are placed."""


class IntakePaused(EngineError):
    """An operator has paused the intake of new orders; the detail gives his reason."""

    code = register(
        "INTAKE_PAUSED",
        "The operator takes no new orders at the moment.",
        "No order was placed; open orders go on.",
        "Try again later; what you see of your orders and balances stays true.",
    )
    status = 503


async def enter(session: Statements, user_id: int, *, alone: bool = False) -> Wallet:
    """Begin to place an order: take the lock under which orders are placed, then that of its wallet's row, before
    anything of them is counted.

    Args:
        session: inside the transaction that places the order, and before any other lock in it.
        user_id: whose order it is.
        alone: with no other order on its way anywhere, because there is little room left.

    Returns:
        His wallet.

    Raises:
        IntakePaused: an operator has paused intake.
        NoResultFound: there is no such user.
    """
    told = await (_ALONE if alone else _BESIDE_OTHERS).row(session, {"user": user_id})
    if told is None:
        raise NoResultFound(f"user {user_id} has no wallet")
    if told["paused_why"] is not None:
        why = told["paused_why"]
        raise IntakePaused(f"no new orders are taken at the moment: {why}", retry_after=RETRY_SECONDS)
    return loaded(Wallet, {column.name: told[column.name] for column in WALLETS.c})


def _entering(lock: Callable[[int], Function[Any]]) -> Prepared:
    """A row is locked when it has been put together, and so after the lock that is a part of it was taken."""
    entered = select(deployment.PAUSED_WHY.label("paused_why"), lock(_LOCK).label("entered")).cte("entered")
    return Prepared(
        select(*WALLETS.c, entered.c.paused_why, entered.c.entered)
        .join(entered, true())
        .where(WALLETS.c.user_id == bindparam("user", type_=Integer()))
        .with_for_update(key_share=True, of=WALLETS)
    )


_ALONE, _BESIDE_OTHERS = (_entering(lock) for lock in (func.pg_advisory_xact_lock, func.pg_advisory_xact_lock_shared))
