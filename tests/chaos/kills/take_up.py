"""How long it takes until the orders of a killed worker move again."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from engine_app.orders.leases import IN_FLIGHT
from engine_app.orders.models import Order
from engine_app.storage.postgres import Database

LOOK_SECONDS = 0.1


class TakeUps:
    """Watches the orders whose worker was killed until somebody else has taken their lease."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._orphans: dict[UUID, tuple[int, float]] = {}
        self.seconds: list[float] = []

    async def killed(self, pid: int) -> None:
        """Note what a worker held when it was killed, just now."""
        async with self._database.transaction() as session:
            held = await session.execute(
                select(col(Order.id), col(Order.fencing_token)).where(
                    col(Order.lease_owner).like(f"%:{pid}:%"),
                    col(Order.lease_until).is_not(None),
                    col(Order.status).in_(IN_FLIGHT),
                )
            )
            for order_id, token in held:
                self._orphans.setdefault(order_id, (token, time.monotonic()))

    async def watch(self) -> None:
        """Look ten times a second until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def are_over(self) -> bool:
        """Whether no order waits for somebody."""
        return not self._orphans

    async def look(self) -> None:
        """Note which orders have been taken up."""
        if not self._orphans:
            return
        async with self._database.transaction() as session:
            rows = await session.execute(
                select(col(Order.id), col(Order.fencing_token), col(Order.status)).where(
                    col(Order.id).in_(self._orphans)
                )
            )
            for order_id, token, status in rows:
                held, since = self._orphans[order_id]
                if token > held or status not in IN_FLIGHT:
                    del self._orphans[order_id]
                    self.seconds.append(time.monotonic() - since)
