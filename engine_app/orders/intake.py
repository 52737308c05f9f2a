"""Whether new orders are taken. An operator pauses intake for everybody; open orders go on."""

from __future__ import annotations

from sqlalchemy import func, select

from engine_app.errors import EngineError, register
from engine_app.storage import deployment
from engine_app.storage.prepared import Prepared, Statements

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


async def enter(session: Statements, *, alone: bool = False) -> None:
    """Begin to place an order: take the lock under which orders are placed, before anything of them is counted.

    Args:
        session: inside the transaction that places the order, and before any other lock in it.
        alone: with no other order on its way anywhere, because there is little room left.

    Raises:
        IntakePaused: an operator has paused intake.
    """
    told = await (_ALONE if alone else _BESIDE_OTHERS).row(session, {})
    if told is not None and told["paused_why"] is not None:
        why = told["paused_why"]
        raise IntakePaused(f"no new orders are taken at the moment: {why}", retry_after=RETRY_SECONDS)


_ALONE, _BESIDE_OTHERS = (
    Prepared(select(deployment.PAUSED_WHY.label("paused_why"), lock(_LOCK).label("entered")))
    for lock in (func.pg_advisory_xact_lock, func.pg_advisory_xact_lock_shared)
)
