"""Confirmed orders that have become final, many in one statement: their attempts' verdicts, the orders, the events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    String,
    Uuid,
    bindparam,
    func,
    literal_column,
    null,
    update,
)

from engine_app.orders.attempts import ATTEMPTS
from engine_app.orders.lifecycle import Verdict
from engine_app.orders.models import Order
from engine_app.orders.repository import DATABASE_NOW, ORDERS, recorded
from engine_app.storage.prepared import Prepared, Statements, loaded


@dataclass(frozen=True, slots=True)
class Landed:
    """A confirmed order whose transaction a finalized block holds, at the slot that it was confirmed at."""

    order_id: UUID
    token: int
    attempt_id: UUID
    slot: int


async def finalize(session: Statements, landed: Sequence[Landed], *, worker: str) -> dict[UUID, Order]:
    """Write them final, each under its fencing token and all or none; the orders as they now stand.

    One whose lease was lost is left out, and nothing is written of it.
    """
    values = {
        "order_ids": [each.order_id for each in landed],
        "tokens": [each.token for each in landed],
        "attempt_ids": [each.attempt_id for each in landed],
        "slots": [each.slot for each in landed],
    }
    rows = await _FINALIZE.rows(session, values | {"event": "finalized", "worker": worker})
    return {row["id"]: loaded(Order, row) for row in rows}


def _finalizing() -> Prepared:
    orders, attempts = ORDERS.c, ATTEMPTS.c
    landed = (
        func.unnest(
            bindparam("order_ids", type_=ARRAY(Uuid())),
            bindparam("tokens", type_=ARRAY(BigInteger())),
            bindparam("attempt_ids", type_=ARRAY(Uuid())),
            bindparam("slots", type_=ARRAY(BigInteger())),
        )
        .table_valued("order_id", "token", "attempt_id", "slot")
        .render_derived(name="landed")
    )
    # Locked first, so that no verdict is written of an order that another worker takes over meanwhile.
    ours = (
        sqlalchemy.select(landed.c.order_id, landed.c.attempt_id, landed.c.slot)
        .join(ORDERS, orders.id == landed.c.order_id)
        .where(orders.fencing_token == landed.c.token, orders.lease_until.is_not(None))
        .with_for_update(of=ORDERS)
        .cte("ours")
    )
    evidence = func.jsonb_build_object(
        _word("commitment"), _word("finalized"), _word("slot"), ours.c.slot, _word("error"), null()
    )
    judged = (
        update(ATTEMPTS)
        .where(attempts.id == ours.c.attempt_id, attempts.order_id == ours.c.order_id, attempts.verdict.is_(None))
        .values(verdict=Verdict.LANDED.value, evidence=evidence, verdict_at=DATABASE_NOW)
        .returning(attempts.order_id, ours.c.slot)
        .cte("judged")
    )
    advanced = (
        update(ORDERS)
        .where(orders.id == judged.c.order_id)
        .values(
            seq=orders.seq + literal_column("1"),
            updated_at=DATABASE_NOW,
            finalized_at=DATABASE_NOW,
            lease_until=None,
            not_before=None,
        )
        .returning(*orders, judged.c.slot.label("final_slot"))
        .cte("advanced")
    )
    facts = func.jsonb_build_object(_word("slot"), advanced.c.final_slot)
    told = sqlalchemy.select(*(advanced.c[column.name] for column in orders))
    return Prepared(told.add_cte(recorded(advanced, data=facts)))


def _word(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'", String())


_FINALIZE = _finalizing()
