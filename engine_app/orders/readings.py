"""What only database and nodes know, read every few seconds into the metrics of each process.

Every process reads it: that no worker lives any more is told by web, and the other way round.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Literal

from engine_app.chain.endpoint import EndpointHealth
from engine_app.chain.rpc import Rpc
from engine_app.orders import oversight
from engine_app.orders.leases import IN_FLIGHT
from engine_app.orders.lifecycle import Status, WaitReason
from engine_app.orders.oversight import UnderWay
from engine_app.storage import deployment
from engine_app.storage.postgres import DATABASE_AWAY, Database
from engine_app.telemetry import metrics
from engine_app.telemetry.logging import get_logger
from engine_app.wallets import repository as wallets

READ_SECONDS = 5.0

log = get_logger(__name__)


async def keep_reading(role: Literal["web", "worker"], database: Database, rpc: Rpc) -> None:
    """Read until cancelled."""
    away = False
    while True:
        endpoints = rpc.health()
        tell_endpoints(endpoints)
        try:
            await _read(database)
        except DATABASE_AWAY as error:
            if not away:
                log.warning("readings.database_away", error=type(error).__name__)
            away = True
        else:
            away = False
        metrics.READY.labels(role).set(not away and any(endpoint.available for endpoint in endpoints))
        await asyncio.sleep(READ_SECONDS)


async def _read(database: Database) -> None:
    async with database.at_once() as session:
        tell_under_way(await oversight.under_way(session))
        metrics.OVERDUE_SECONDS.set(await oversight.longest_overdue(session))
        metrics.ADDRESS_STOCK.set(await wallets.stock_size(session))
        metrics.INTAKE_PAUSED.set(await deployment.intake_paused(session) is not None)


def tell_under_way(found: Iterable[UnderWay]) -> None:
    """Every state an order can be in, also those that none is in: another process may have told of one before."""
    counts = {(state.status, state.waits_for): state.orders for state in found}
    for status in (*IN_FLIGHT, Status.CONFIRMED.value):
        for waits_for in ("", *(reason.value for reason in WaitReason)):
            metrics.UNDER_WAY.labels(status, waits_for).set(counts.get((status, waits_for), 0))


def tell_endpoints(endpoints: Sequence[EndpointHealth]) -> None:
    """How each node does."""
    for endpoint in endpoints:
        metrics.ENDPOINT_AVAILABLE.labels(endpoint.name).set(endpoint.available)
        metrics.CHAIN_SLOT.labels(endpoint.name).set(endpoint.slot)
        metrics.SLOTS_BEHIND.labels(endpoint.name).set(endpoint.slots_behind)
