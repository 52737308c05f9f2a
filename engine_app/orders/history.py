"""A user's orders, newest first: filters, cursors, and all SQL of paging through them.

Every page is read from an index that has the page's own order, so that its cost does not grow with the history. A
filter that no single index serves (several statuses, a token on either side) becomes one branch for each index; the
branches come sorted and are merged.

There is one statement for each shape of a filter, made when it is first asked for. The length of a page is told with
each execution and stands in no statement: a plan that does not know it takes an index that is sorted, while one that
knows the length to be more than a usual account has orders sorts them all, also those of an account that has many.
A token together with a status or a kind is planned by its values instead: the one is in an index, the other in another,
and which of them leads to fewer orders that are read in vain is a matter of the token.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import product
from typing import Any, TypeVar, cast
from uuid import UUID

from solders.signature import Signature
from sqlalchemy import (
    DateTime,
    GenerativeSelect,
    Integer,
    String,
    Uuid,
    and_,
    bindparam,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.sql import ColumnElement
from sqlmodel import col

from engine_app.orders.errors import InvalidCursor
from engine_app.orders.models import IS_OPEN, OPEN_STATUSES, STATUSES, Attempt, Order
from engine_app.orders.repository import DATABASE_NOW, ORDERS, route_dexes
from engine_app.orders.view import DEXES, SHOWN
from engine_app.storage.postgres import Database
from engine_app.storage.prepared import Prepared, Statements, loaded

BATCH = 500
"""Orders that an export reads at once."""

Position = tuple[datetime, UUID]
"""(createdAt, id) of an order: its place in the history."""

_Rows = TypeVar("_Rows", bound=GenerativeSelect)

Row = Mapping[str, Any]
"""Of an order the columns that are shown, by name."""


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which of a user's orders to show; what is left out does not restrict.

    Attributes:
        statuses: any of these.
        token: a mint; on either side.
        kind: `swap` or `transfer`.
        placed_from: placed at or after; in UTC, since Postgres takes no zone that is 16 hours or more from it.
        placed_before: placed before; in UTC.
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
    where: Statements,
    user_id: int,
    *,
    limit: int,
    before: Position | None = None,
    wanted: HistoryFilter = EVERYTHING,
) -> Sequence[Row]:
    """What is shown of a user's orders, newest first, at most `limit`, those behind `before`."""
    return await _rows(where, _SHOWN, user_id, limit=limit, before=before, wanted=wanted)


async def open_orders(where: Statements, user_id: int, *, limit: int) -> Sequence[Order]:
    """A user's orders that are under way, newest first."""
    under_way = HistoryFilter(statuses=frozenset(OPEN_STATUSES))
    return await _orders(where, user_id, limit=limit, before=None, wanted=under_way)


async def clock(where: Statements) -> datetime:
    """The clock by which orders are placed: the database's."""
    (row,) = await _CLOCK.rows(where, {})
    return cast(datetime, row["now"])


async def placed(where: Statements, user_id: int, since: datetime, *, batch: int = BATCH) -> list[Position]:
    """The places of a user's orders from a moment (in UTC) on, newest first: all of them, read a batch at a time."""
    wanted, found = HistoryFilter(placed_from=since), list[Position]()
    while True:
        before = found[-1] if found else None
        rows = await _rows(where, _PLACE, user_id, limit=batch, before=before, wanted=wanted)
        found += [(row["created_at"], row["id"]) for row in rows]
        if len(rows) < batch:
            return found


async def export(
    database: Database, user_id: int, wanted: HistoryFilter, *, batch: int = BATCH
) -> AsyncIterator[Sequence[Order]]:
    """All orders that a filter lets through, newest first, a batch at a time.

    Each batch is a transaction of its own: whoever reads slowly keeps neither a connection nor a snapshot of the
    database, and memory holds one batch. Orders placed meanwhile come before the first and are not told.
    """
    before: Position | None = None
    while True:
        async with database.at_once() as connection:
            found = await _orders(connection, user_id, limit=batch, before=before, wanted=wanted)
        if found:
            yield found
        if len(found) < batch:
            return
        before = (found[-1].created_at, found[-1].id)


async def _orders(
    where: Statements, user_id: int, *, limit: int, before: Position | None, wanted: HistoryFilter
) -> list[Order]:
    rows = await _rows(where, _WHOLE, user_id, limit=limit, before=before, wanted=wanted)
    return [loaded(Order, row) for row in rows]


async def _rows(
    where: Statements,
    columns: tuple[str, ...],
    user_id: int,
    *,
    limit: int,
    before: Position | None,
    wanted: HistoryFilter,
) -> Sequence[Row]:
    told: dict[str, Any] = {
        "token": wanted.token,
        "placed_from": wanted.placed_from,
        "placed_before": wanted.placed_before,
    }
    if before is not None:
        told |= {"before_time": before[0], "before_id": before[1]}
    if wanted.search is not None:
        sought = _sought(wanted.search)
        if sought is None:
            return []
        told |= sought
    else:
        told["most"] = limit
    given = {"of_user": user_id} | {name: value for name, value in told.items() if value is not None}
    kind = None if wanted.kind is None else _known_kind(wanted.kind)
    return await _statement(_Shape(columns, wanted.statuses, kind, frozenset(given))).rows(where, given)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a statement is made by.

    Attributes:
        columns: what it gives of each order.
        statuses, kind: as in a filter; they stand in its text, for Postgres to find partial indexes by them.
        told: the names of the values that are told with each execution.
    """

    columns: tuple[str, ...]
    statuses: frozenset[str]
    kind: str | None
    told: frozenset[str]


@lru_cache(maxsize=256)
def _statement(shape: _Shape) -> Prepared:
    given, columns = shape.told, [_column(name) for name in shape.columns]
    shared: list[ColumnElement[bool]] = [ORDERS.c.user_id == bindparam("of_user", type_=Integer())]
    if shape.kind is not None:
        shared.append(ORDERS.c.kind == literal_column(f"'{shape.kind}'"))
    if "placed_from" in given:
        shared.append(ORDERS.c.created_at >= bindparam("placed_from", type_=_MOMENT))
    if "placed_before" in given:
        shared.append(ORDERS.c.created_at < bindparam("placed_before", type_=_MOMENT))
    if "before_id" in given:
        place = (bindparam("before_time", type_=_MOMENT), bindparam("before_id", type_=Uuid()))
        shared.append(tuple_(ORDERS.c.created_at, ORDERS.c.id) < tuple_(*place))
    sides = _sides() if "token" in given else [[]]
    own = [[*status, *side] for status, side in product(_statuses(shape.statuses), sides)]
    searched = _searched(given)
    if searched is not None:
        # One order at most: nothing to sort, nothing to merge.
        return Prepared(select(*columns).where(searched, *shared, *_either(own)))
    by_values = "token" in given and bool(shape.statuses or shape.kind)
    branches = [_newest(select(*columns).where(*shared, *conditions), ORDERS.c) for conditions in own]
    if len(branches) == 1:
        return Prepared(branches[0], by_values=by_values)
    merged = union_all(*branches)
    return Prepared(_newest(merged, merged.selected_columns), by_values=by_values)


def _column(name: str) -> ColumnElement[Any]:
    return route_dexes(ORDERS.c.decision).label(DEXES) if name == DEXES else ORDERS.c[name]


def _newest(query: _Rows, columns: Any) -> _Rows:
    return query.order_by(columns.created_at.desc(), columns.id.desc()).limit(bindparam("most", type_=Integer()))


def _statuses(wanted: frozenset[str]) -> list[list[ColumnElement[bool]]]:
    """One branch for each partial index that holds orders of these statuses, said in the index's own words."""
    if not wanted or wanted == set(STATUSES):
        return [[]]
    branches: list[list[ColumnElement[bool]]] = [
        [ORDERS.c.status == literal_column(f"'{status}'")] for status in ("confirmed", "failed") if status in wanted
    ]
    under_way = [status for status in OPEN_STATUSES if status in wanted]
    if under_way:
        branches.append([text(f"orders.{IS_OPEN}"), ORDERS.c.status.in_(under_way)])  # type: ignore[list-item]
    return branches


def _sides() -> list[list[ColumnElement[bool]]]:
    """A branch for each side that the token may stand on; an order that names it twice is found once."""
    token = bindparam("token", type_=String())
    return [[ORDERS.c.token_in == token], [ORDERS.c.token_out == token, ORDERS.c.token_in != token]]


def _either(branches: list[list[ColumnElement[bool]]]) -> list[ColumnElement[bool]]:
    """That one of the branches lets an order through, as one condition."""
    return [] if any(not conditions for conditions in branches) else [or_(*(and_(*each) for each in branches))]


def _sought(search: str) -> dict[str, Any] | None:
    """What a search names: an `order`, or the `signature` of one of its attempts; None where it is neither."""
    try:
        return {"order": UUID(search)}
    except ValueError:
        pass
    try:
        return {"signature": str(Signature.from_string(search))}
    except ValueError:
        return None


def _searched(given: frozenset[str]) -> ColumnElement[bool] | None:
    if "order" in given:
        return ORDERS.c.id == bindparam("order", type_=Uuid())
    if "signature" in given:
        signature = col(Attempt.signature) == bindparam("signature", type_=String())
        return ORDERS.c.id == select(col(Attempt.order_id)).where(signature).scalar_subquery()
    return None


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
        return created_at.astimezone(UTC), UUID(order_id)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise InvalidCursor("the cursor is not one that the history gave out") from error


_MOMENT = DateTime(timezone=True)
_SHOWN = (*SHOWN, DEXES)
_WHOLE = tuple(ORDERS.c.keys())
_PLACE = ("created_at", "id")
_CLOCK = Prepared(select(DATABASE_NOW.label("now")))
