"""A user's orders, newest first: filters, cursors, and all SQL of paging through them.

Every page is read from an index that has the page's own order, so that its cost does not grow with the history. A
filter that no single index serves (several statuses, a token on either side) becomes one branch for each index; the
branches come sorted and are merged.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any
from uuid import UUID

from solders.signature import Signature
from sqlalchemy import Select, and_, literal_column, or_, select, text, tuple_, union_all
from sqlalchemy.orm import aliased
from sqlalchemy.sql import ColumnElement
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.orders.errors import InvalidCursor
from engine_app.orders.models import IS_OPEN, OPEN_STATUSES, STATUSES, Attempt, Order
from engine_app.storage.postgres import Database

BATCH = 500
"""Orders that an export reads at once."""

Position = tuple[datetime, UUID]
"""(createdAt, id) of an order: its place in the history."""


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which of a user's orders to show; what is left out does not restrict.

    Attributes:
        statuses: any of these.
        token: a mint; on either side.
        kind: `swap` or `transfer`.
        placed_from: placed at or after.
        placed_before: placed before.
        search: an order's id, or the signature of any of its attempts; anything else finds nothing.
    """

    statuses: frozenset[str] = frozenset()
    token: str | None = None
    kind: str | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    search: str | None = None


EVERYTHING = HistoryFilter()


async def page(
    session: AsyncSession,
    user_id: int,
    *,
    limit: int,
    before: Position | None = None,
    wanted: HistoryFilter = EVERYTHING,
) -> Sequence[Order]:
    """A user's orders, newest first, at most `limit`, those behind `before`."""
    query = query_of(user_id, limit=limit, before=before, wanted=wanted)
    return [] if query is None else (await session.execute(query)).scalars().all()


async def open_orders(session: AsyncSession, user_id: int, *, limit: int) -> Sequence[Order]:
    """A user's orders that are under way, newest first."""
    return await page(session, user_id, limit=limit, wanted=HistoryFilter(statuses=frozenset(OPEN_STATUSES)))


async def export(
    database: Database, user_id: int, wanted: HistoryFilter, *, batch: int = BATCH
) -> AsyncIterator[Sequence[Order]]:
    """All orders that a filter lets through, newest first, a batch at a time.

    Each batch is a transaction of its own: whoever reads slowly keeps neither a connection nor a snapshot of the
    database, and memory holds one batch. Orders placed meanwhile come before the first and are not told.
    """
    before: Position | None = None
    while True:
        async with database.transaction() as session:
            found = await page(session, user_id, limit=batch, before=before, wanted=wanted)
        if found:
            yield found
        if len(found) < batch:
            return
        before = (found[-1].created_at, found[-1].id)


def query_of(user_id: int, *, limit: int, before: Position | None, wanted: HistoryFilter) -> Select[Order] | None:
    """The statement of one page; None where nothing can be found."""
    shared: list[ColumnElement[bool]] = [col(Order.user_id) == user_id]
    if wanted.kind is not None:
        shared.append(col(Order.kind) == literal_column(f"'{_known_kind(wanted.kind)}'"))
    if wanted.placed_from is not None:
        shared.append(col(Order.created_at) >= wanted.placed_from)
    if wanted.placed_before is not None:
        shared.append(col(Order.created_at) < wanted.placed_before)
    if before is not None:
        shared.append(tuple_(col(Order.created_at), col(Order.id)) < before)
    branches = [[*shared, *status, *side] for status, side in product(_statuses(wanted.statuses), _sides(wanted.token))]
    if wanted.search is not None:
        found = _searched(wanted.search)
        if found is None:
            return None
        # One order at most: nothing to sort, nothing to merge.
        return select(Order).where(found, *shared, *_either(branches, len(shared)))
    if len(branches) == 1:
        return _sorted(select(Order).where(*branches[0]), Order, limit)
    parts = [_sorted(select(Order).where(*branch), Order, limit).subquery() for branch in branches]
    merged = union_all(*(select(part) for part in parts)).subquery("found")
    return _sorted(select(aliased(Order, merged)), merged.c, limit)


def _sorted(query: Select[Order], columns: Any, limit: int) -> Select[Order]:
    return query.order_by(columns.created_at.desc(), columns.id.desc()).limit(limit)


def _statuses(wanted: frozenset[str]) -> list[list[ColumnElement[bool]]]:
    """One branch for each partial index that holds orders of these statuses, said in the index's own words."""
    if not wanted or wanted == set(STATUSES):
        return [[]]
    branches: list[list[ColumnElement[bool]]] = [
        [col(Order.status) == literal_column(f"'{status}'")] for status in ("confirmed", "failed") if status in wanted
    ]
    under_way = [status for status in OPEN_STATUSES if status in wanted]
    if under_way:
        branches.append([text(f"orders.{IS_OPEN}"), col(Order.status).in_(under_way)])  # type: ignore[list-item]
    return branches


def _sides(token: str | None) -> list[list[ColumnElement[bool]]]:
    """A branch for each side that the token may stand on; an order that names it twice is found once."""
    if token is None:
        return [[]]
    return [[col(Order.token_in) == token], [col(Order.token_out) == token, col(Order.token_in) != token]]


def _either(branches: list[list[ColumnElement[bool]]], shared: int) -> list[ColumnElement[bool]]:
    """What the branches ask for beyond what they share, as one condition."""
    own = [branch[shared:] for branch in branches]
    return [] if any(not conditions for conditions in own) else [or_(*(and_(*conditions) for conditions in own))]


def _searched(sought: str) -> ColumnElement[bool] | None:
    try:
        return col(Order.id) == UUID(sought)
    except ValueError:
        pass
    try:
        signature = str(Signature.from_string(sought))
    except ValueError:
        return None
    return col(Order.id) == select(col(Attempt.order_id)).where(col(Attempt.signature) == signature).scalar_subquery()


def _known_kind(kind: str) -> str:
    if kind not in ("swap", "transfer"):
        raise ValueError(f"there are no orders of kind {kind!r}")
    return kind


def encode_cursor(last: Position) -> str:
    """Names the place behind which a page starts."""
    created_at, order_id = last
    return base64.urlsafe_b64encode(f"{created_at.isoformat()}|{order_id}".encode()).decode()


def decode_cursor(cursor: str) -> Position:
    """The place that a cursor names. Raises InvalidCursor."""
    try:
        moment, _, order_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        created_at = datetime.fromisoformat(moment)
        if created_at.tzinfo is None:
            raise InvalidCursor("the cursor is not one that the history gave out")
        return created_at, UUID(order_id)
    except (ValueError, binascii.Error) as error:
        raise InvalidCursor("the cursor is not one that the history gave out") from error
