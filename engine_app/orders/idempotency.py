"""One order per key: a request that is sent again, after a timeout say, must not trade twice.

As Stripe's Idempotency-Key: the same key and body give the same order; the same key with another body is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Integer, String, Uuid, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.errors import EngineError, register
from engine_app.orders.models import IdempotencyKey
from engine_app.storage.prepared import Prepared, Statements, loaded

if TYPE_CHECKING:
    from engine_app.orders.service import PlaceSwap, PlaceTransfer

KEPT = timedelta(hours=48)
LONGEST_KEY = 255


class InvalidKey(EngineError):
    """The key is empty, too long, or not printable ASCII."""

    code = register(
        "INVALID_IDEMPOTENCY_KEY",
        "The Idempotency-Key is not 1 to 255 printable ASCII characters.",
        "No order was placed.",
        "Send a fresh random key, such as a UUID, with each new order.",
    )
    status = 422


class KeyReused(EngineError):
    """The key was used for another request."""

    code = register(
        "IDEMPOTENCY_KEY_REUSED",
        "This Idempotency-Key was used for a different order.",
        "No further order was placed.",
        "Send a fresh key with each new order, and the old one only with the very same request.",
    )
    status = 422


def check_key(key: str) -> None:
    """Raise InvalidKey unless the key is 1 to 255 printable ASCII characters."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise InvalidKey("an Idempotency-Key is 1 to 255 printable ASCII characters")


def digest(wanted: PlaceSwap | PlaceTransfer) -> str:
    """What tells one request from another: every field that was given, as its user wrote it.

    A field that is new and not given changes no digest, so that a request repeated over an update of the engine is
    still the same.
    """
    given = [(name, str(value)) for name, value in asdict(wanted).items() if value is not None]
    return hashlib.sha256(repr(given).encode()).hexdigest()


async def claim(session: Statements, user_id: int, key: str, *, digest: str, order_id: UUID) -> IdempotencyKey | None:
    """Claim a key for a new order, in the transaction that inserts the order.

    A concurrent claim of the same key waits here until the other transaction ends.

    Returns:
        None where the key is now this order's, else the earlier claim.
    """
    values = {"of_user": user_id, "under": key, "digest": digest, "for_order": order_id}
    while await _CLAIM.row(session, values) is None:
        # An earlier claim that is gone by now was old enough to be forgotten: the key is free.
        if (earlier := await claimed(session, user_id, key)) is not None:
            return earlier
    return None


async def claimed(session: Statements, user_id: int, key: str) -> IdempotencyKey | None:
    """A user's claim of a key, None where he made none."""
    row = await _CLAIMED.row(session, {"of_user": user_id, "under": key})
    return None if row is None else loaded(IdempotencyKey, row)


async def forget_old(session: AsyncSession) -> None:
    """Delete the keys that are older than `KEPT`."""
    await session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < func.clock_timestamp() - KEPT))


_KEYS = IdempotencyKey.metadata.tables["idempotency_keys"]
_OF_USER, _UNDER = bindparam("of_user", type_=Integer()), bindparam("under", type_=String())
_CLAIM = Prepared(
    insert(_KEYS)
    .values(
        user_id=_OF_USER,
        key=_UNDER,
        digest=bindparam("digest", type_=String()),
        order_id=bindparam("for_order", type_=Uuid()),
    )
    .on_conflict_do_nothing()
    .returning(_KEYS.c.order_id)
)
_CLAIMED = Prepared(select(*_KEYS.c).where(_KEYS.c.user_id == _OF_USER, _KEYS.c.key == _UNDER))
