"""Whether new orders are taken. An operator pauses intake for everybody; open orders go on."""

from __future__ import annotations

from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.errors import EngineError, register
from engine_app.storage import deployment

RETRY_SECONDS = 60


class IntakePaused(EngineError):
    """An operator has paused the intake of new orders; the detail gives his reason."""

    code = register(
        "INTAKE_PAUSED",
        "The operator takes no new orders at the moment.",
        "No order was placed; open orders go on.",
        "Try again later; what you see of your orders and balances stays true.",
    )
    status = 503


async def require_open(session: AsyncSession) -> None:
    """Raise IntakePaused where an operator has paused intake; part of the transaction that would place the order."""
    why = await deployment.intake_paused(session)
    if why is not None:
        raise IntakePaused(f"no new orders are taken at the moment: {why}", retry_after=RETRY_SECONDS)
