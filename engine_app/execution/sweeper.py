"""Takes up what is due and nobody advances: what a dead worker left, what Redis lost, what waited for its time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from engine_app.execution.engine import Engine
from engine_app.execution.run import run
from engine_app.orders import idempotency, leases, limits
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.telemetry.logging import get_logger

SWEEP_SECONDS = 0.5
TIDY_SECONDS = 3600.0
GRACE = timedelta(seconds=1)
"""How long a fresh order is left to its message."""

log = get_logger(__name__)


class Sweeper:
    """Runs due orders; a full process leaves them to others."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._running: set[UUID] = set()
        self._room = asyncio.Event()

    async def sweep(self) -> None:
        """Look every half second until cancelled, and as soon as there is room again while more is due."""
        while True:
            try:
                more = await self.sweep_once()
            except DATABASE_AWAY as error:
                log.warning("sweeper.database_away", error=str(error))
                more = False
            if not more:
                await asyncio.sleep(SWEEP_SECONDS)
            while len(self._running) >= self._engine.settings.worker_concurrency:
                self._room.clear()
                await self._room.wait()

    async def tidy(self) -> None:
        """Forget old idempotency keys and sums of days, once an hour, until cancelled."""
        while True:
            try:
                async with self._engine.database.transaction() as session:
                    await idempotency.forget_old(session)
                    await limits.forget_old(session)
            except DATABASE_AWAY as error:
                log.warning("sweeper.database_away", error=str(error))
            await asyncio.sleep(TIDY_SECONDS)

    async def sweep_once(self) -> bool:
        """Start what is due, at most as many orders as there is room for; whether there may be more."""
        room = self._engine.settings.worker_concurrency - len(self._running)
        if room <= 0:
            return True
        async with self._engine.database.at_once() as session:
            found = await leases.due(session, limit=room, grace=GRACE)
        for order_id in found:
            if order_id not in self._running:
                self._running.add(order_id)
                self._engine.start_soon(self._run(order_id))
        return len(found) == room

    async def _run(self, order_id: UUID) -> None:
        try:
            await run(self._engine, order_id)
        finally:
            self._running.discard(order_id)
            self._room.set()
