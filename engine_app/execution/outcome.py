"""An operator's word on an order whose outcome nobody can prove any more (`OUTCOME_UNKNOWN`).

It is the only way in which an attempt gets its verdict without finalized evidence, and his evidence stands in the row.
"""

from __future__ import annotations

from uuid import UUID

from engine_app.errors import EngineError, register
from engine_app.orders import attempts, leases, repository, reservations
from engine_app.orders.errors import NOT_LANDED, OUTCOME_UNKNOWN
from engine_app.orders.lifecycle import Status, Verdict
from engine_app.orders.models import Order
from engine_app.storage.postgres import Database


class NotUndecided(EngineError):
    """The order does not wait for an operator."""

    code = register(
        "NOT_UNDECIDED",
        "The order does not wait for an operator's decision.",
        "Nothing was changed.",
        "Look at the order: its outcome is known, or the engine is still finding it out.",
    )
    status = 409


async def declare_expired(database: Database, order_id: UUID, *, operator: str, note: str) -> Order:
    """Record that an order's live attempt never landed, and fail the order; it is not tried again.

    Args:
        database: where.
        order_id: an order that waits with `OUTCOME_UNKNOWN`.
        operator: who says so.
        note: what he looked at.

    Raises:
        NotUndecided: the order does not wait for an operator.
    """
    async with database.transaction() as session:
        token = await leases.seize(session, order_id, operator)
        order = await repository.order_by_id(session, order_id)
        tries = await attempts.attempts_of(session, order_id)
        live = next((attempt for attempt in tries if attempt.verdict is None), None)
        if order is None or live is None or (order.waiting_for or {}).get("code") != OUTCOME_UNKNOWN:
            raise NotUndecided(f"order {order_id} does not wait for an operator")
        evidence = {"operator": operator, "note": note}
        await attempts.write_verdict(
            session, live.id, Verdict.EXPIRED, evidence=evidence, error_code=NOT_LANDED, error_message=note
        )
        await reservations.close(session, order_id, landed_slot=None)
        return await repository.advance(
            session,
            order_id,
            token,
            event="failed",
            data={"code": NOT_LANDED, **evidence},
            worker=operator,
            status=Status.FAILED.value,
            error_code=NOT_LANDED,
            error_message=f"an operator found that the transaction never landed: {note}",
            waiting_for=None,
            not_before=None,
            lease_until=None,
        )
