"""The actors: thin, by id; the work is execution's."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import dramatiq

from engine_app.execution.process import ExecutionProcess
from engine_app.queue import EXECUTE, ORDER_QUEUE
from engine_app.telemetry import tracing
from engine_app.telemetry.requests import bound_request


def register(process: ExecutionProcess) -> None:
    """Register the actors with the global broker, working on one process's execution.

    Dramatiq retries nothing: an order that could not be advanced is found by the sweeper.
    """

    async def execute(order_id: str, request: str | None = None, trace: Mapping[str, str] | None = None) -> None:
        with bound_request(request), tracing.span(EXECUTE, carried=trace, order=order_id):
            await process.execute(UUID(order_id))

    dramatiq.actor(actor_name=EXECUTE, queue_name=ORDER_QUEUE)(execute)
