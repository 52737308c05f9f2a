"""A key belongs to the order that it is claimed for, also where an old claim is forgotten in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete
from sqlmodel import col

from engine_app.orders import idempotency
from engine_app.orders.models import IdempotencyKey, Order
from engine_app.storage.postgres import Database
from engine_app.storage.prepared import Statements


async def claim(database: Database, order: Order, order_id: UUID) -> IdempotencyKey | None:
    async with database.together() as session:
        return await idempotency.claim(session, order.user_id, "a key", digest="a wish", order_id=order_id)


async def test_a_key_is_claimed_once(database: Database, new_order: Callable[..., Awaitable[Order]]) -> None:
    order = await new_order()
    assert await claim(database, order, order.id) is None
    earlier = await claim(database, order, uuid4())
    assert earlier is not None
    assert earlier.order_id == order.id


async def test_a_key_whose_claim_is_forgotten_meanwhile_is_claimed_anew(
    database: Database, new_order: Callable[..., Awaitable[Order]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await new_order(), await new_order()
    assert await claim(database, first, first.id) is None
    read = idempotency.claimed

    async def read_late(session: Statements, user_id: int, key: str) -> IdempotencyKey | None:
        async with database.transaction() as other:
            await other.execute(delete(IdempotencyKey).where(col(IdempotencyKey.user_id) == user_id))
        return await read(session, user_id, key)

    monkeypatch.setattr(idempotency, "claimed", read_late)
    assert await claim(database, second, second.id) is None
    monkeypatch.undo()
    async with database.together() as session:
        now = await idempotency.claimed(session, second.user_id, "a key")
    assert now is not None
    assert now.order_id == second.id
