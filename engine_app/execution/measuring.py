"""What the metrics say of an order that went from one state to another. Durations are of the database's clock."""

from __future__ import annotations

from datetime import timedelta

from engine_app.orders.lifecycle import Status
from engine_app.orders.models import Order
from engine_app.telemetry import metrics

FINALIZED = "finalized"


def measure_step(status: str, took: timedelta) -> None:
    """Tell how long an order took to a state."""
    metrics.STEP_SECONDS.labels(status).observe(took.total_seconds())


def measure(before: Order, after: Order) -> None:
    """Count a committed change of an order: the state it came to, and how long it took to get there."""
    if after.status != before.status:
        measure_step(after.status, after.updated_at - before.updated_at)
        if after.status in (Status.CONFIRMED, Status.FAILED):
            metrics.ORDERS.labels(after.kind, after.status, after.error_code or "").inc()
        if after.status == Status.CONFIRMED:
            waited = (after.updated_at - after.created_at).total_seconds()
            metrics.CONFIRMED_SECONDS.labels(after.kind).observe(waited)
    if after.finalized_at is not None and before.finalized_at is None:
        metrics.ORDERS.labels(after.kind, FINALIZED, "").inc()
        measure_step(FINALIZED, after.finalized_at - before.updated_at)
