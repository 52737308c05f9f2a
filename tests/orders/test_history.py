"""Paging through histories: the right orders, from an index that has their order, however long the history is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text

from engine_app.orders import history
from engine_app.orders.errors import InvalidCursor
from engine_app.orders.history import HistoryFilter, Position
from engine_app.orders.models import OPEN_STATUSES, Order
from engine_app.storage.postgres import Database
from tests.orders.conftest import SOL, USDC

USERS = 300
BUSY_USER_ORDERS = 10_000
OTHERS_ORDERS = 60
OPEN_ORDERS = 8
"""Of each user."""
BONK = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=10)

SIGNATURE = "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"

FILL = """
INSERT INTO users (id, username, name_key, password_hash)
SELECT n, 'user ' || n, 'user ' || n, '' FROM generate_series(1, :users) n;
INSERT INTO wallets (id, address, derivation_index, user_id, assigned_at)
SELECT n, 'address ' || n, n, n, now() FROM generate_series(1, :users) n;
INSERT INTO orders (
    id, user_id, wallet_id, kind, destination, token_in, token_out, decimals_in, decimals_out, amount_in, slippage,
    max_price_impact, status, quoted_out, floor_out, spent_in, amount_out, tx_hash, error_code, tries, seq,
    fencing_token, rpc_calls, expires_at, created_at, updated_at
)
SELECT
    gen_random_uuid(), u, u, CASE WHEN n % 50 = 7 THEN 'transfer' ELSE 'swap' END,
    CASE WHEN n % 50 = 7 THEN 'somewhere' END,
    CASE n % 3 WHEN 0 THEN :usdc ELSE :sol END,
    CASE WHEN (n % 3 = 0) <> (n % 50 = 7) THEN :sol WHEN n % 100 = 1 THEN :bonk ELSE :usdc END,
    9, 6, 1000 + n, 0.01, 0.05, s, 100, 99,
    CASE s WHEN 'confirmed' THEN 1000 END, CASE s WHEN 'confirmed' THEN 100 END, CASE s WHEN 'confirmed' THEN 'tx' END,
    CASE s WHEN 'failed' THEN 'EXPIRED' END, 0, 1, 0, '{}',
    at, at, at
FROM (
    SELECT u, n, CASE WHEN n > c - 8 THEN (ARRAY['pending', 'routing', 'building', 'submitted'])[1 + n % 4]
        WHEN n % 40 = 3 THEN 'failed' ELSE 'confirmed' END AS s,
        CAST(:first AS timestamptz) + n * interval '10 seconds' AS at
    FROM (SELECT 1 AS u, CAST(:busy AS integer) AS c UNION ALL SELECT u, :few FROM generate_series(2, :users) u) users,
    generate_series(1, c) n
) made;
ANALYZE;
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd(new_database: Callable[[], str]) -> AsyncIterator[Database]:
    """A database with many users, one of whom has traded more than all others together."""
    database = Database(new_database())
    values = {
        "users": USERS, "busy": BUSY_USER_ORDERS, "few": OTHERS_ORDERS, "first": FIRST, "sol": SOL, "usdc": USDC,
        "bonk": BONK,
    }  # fmt: skip
    async with database.connection() as connection:
        for statement in FILL.split(";"):
            if statement.strip():
                await connection.execute(text(statement), values)
    yield database
    await database.close()


pytestmark = pytest.mark.asyncio(loop_scope="module")

FILTERS = [
    HistoryFilter(),
    HistoryFilter(statuses=frozenset({"failed"})),
    HistoryFilter(statuses=frozenset({"pending", "submitted"})),
    HistoryFilter(statuses=frozenset(OPEN_STATUSES) | {"failed"}),
    HistoryFilter(token=SOL),
    HistoryFilter(token=BONK),
    HistoryFilter(token=BONK, statuses=frozenset({"failed", "confirmed"})),
    HistoryFilter(kind="transfer"),
    HistoryFilter(kind="swap", token=USDC),
    HistoryFilter(kind="transfer", statuses=frozenset({"confirmed"})),
    HistoryFilter(placed_from=FIRST + 5 * STEP, placed_before=FIRST + 15 * STEP),
    HistoryFilter(token=USDC, statuses=frozenset({"failed"}), placed_from=FIRST + 100 * STEP, kind="swap"),
]
CURSORS: list[Position | None] = [None, (FIRST + 40 * STEP, UUID(int=0))]


def let_through(order: Order, wanted: HistoryFilter, before: Position | None) -> bool:
    """What a filter means, said once more."""
    return (
        (not wanted.statuses or order.status in wanted.statuses)
        and (wanted.token is None or wanted.token in (order.token_in, order.token_out))
        and (wanted.kind is None or order.kind == wanted.kind)
        and (wanted.placed_from is None or order.created_at >= wanted.placed_from)
        and (wanted.placed_before is None or order.created_at < wanted.placed_before)
        and (before is None or (order.created_at, order.id) < before)
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(crowd: Database) -> dict[int, list[Order]]:
    """Every order of the busiest user and of another one, newest first."""
    return {
        user_id: [order async for batch in history.export(crowd, user_id, HistoryFilter()) for order in batch]
        for user_id in (1, 17)
    }


@pytest.mark.parametrize("wanted", FILTERS)
async def test_a_filter_finds_what_it_says_newest_first(
    crowd: Database, whole: dict[int, list[Order]], wanted: HistoryFilter
) -> None:
    for user_id, before in product(whole, CURSORS):
        async with crowd.transaction() as session:
            found = await history.page(session, user_id, limit=51, before=before, wanted=wanted)
        expected = [order.id for order in whole[user_id] if let_through(order, wanted, before)]
        assert [order.id for order in found] == expected[:51]


@pytest.mark.parametrize("wanted", FILTERS)
async def test_every_page_comes_sorted_from_an_index(crowd: Database, wanted: HistoryFilter) -> None:
    for user_id, before in product((1, 17), CURSORS):
        query = history.query_of(user_id, limit=51, before=before, wanted=wanted)
        assert query is not None
        plan = await explained(crowd, query)
        assert "Seq Scan" not in [node["Node Type"] for node in nodes(plan)], plan
        # What is under way is so little that Postgres may as well sort it; nothing else is ever sorted.
        assert sum(node["Actual Rows"] for node in nodes(plan) if "Sort" in node["Node Type"]) <= OPEN_ORDERS, plan
        read = sum(node.get("Rows Removed by Filter", 0) for node in nodes(plan))
        assert read <= 3_000, f"{read} orders were read and thrown away"


async def test_open_orders_and_searches_read_an_index(crowd: Database) -> None:
    async with crowd.transaction() as session:
        found = await history.open_orders(session, 1, limit=100)
    assert len(found) == OPEN_ORDERS
    for sought in (str(uuid4()), SIGNATURE):
        query = history.query_of(1, limit=51, before=None, wanted=HistoryFilter(search=sought, kind="swap"))
        assert query is not None
        of_orders = [node for node in nodes(await explained(crowd, query)) if node.get("Relation Name") == "orders"]
        assert [node["Node Type"] for node in of_orders] == ["Index Scan"]


async def test_a_search_finds_an_order_of_the_user_alone(crowd: Database) -> None:
    async with crowd.transaction() as session:
        (order, *_) = await history.page(session, 17, limit=1)
        for user_id, wanted, expected in (
            (17, HistoryFilter(search=str(order.id)), [order.id]),
            (17, HistoryFilter(search=str(order.id).upper(), token=order.token_in), [order.id]),
            (17, HistoryFilter(search=str(order.id), token=BONK), []),
            (17, HistoryFilter(search=str(order.id), statuses=frozenset({"failed", "confirmed"})), []),
            (17, HistoryFilter(search=str(order.id), statuses=frozenset({"failed", order.status})), [order.id]),
            (1, HistoryFilter(search=str(order.id)), []),
            (17, HistoryFilter(search="neither id nor signature"), []),
        ):
            found = await history.page(session, user_id, limit=50, wanted=wanted)
            assert [order.id for order in found] == expected, wanted


async def test_an_export_in_batches_leaves_nothing_out(crowd: Database) -> None:
    batches = [batch async for batch in history.export(crowd, 17, HistoryFilter(), batch=7)]
    assert [len(batch) for batch in batches] == [7] * 8 + [4]
    told = [order.id for batch in batches for order in batch]
    assert len(set(told)) == OTHERS_ORDERS
    exactly = [batch async for batch in history.export(crowd, 17, HistoryFilter(), batch=OTHERS_ORDERS)]
    assert [order.id for batch in exactly for order in batch] == told


async def test_a_cursor_is_what_the_history_gave_out(crowd: Database) -> None:
    async with crowd.transaction() as session:
        (order, *_) = await history.page(session, 17, limit=1)
    assert history.decode_cursor(history.encode_cursor((order.created_at, order.id))) == (order.created_at, order.id)
    for cursor in ("", "nonsense", "\udcff", "MjAyNi0wMS0wMXw="):
        with pytest.raises(InvalidCursor):
            history.decode_cursor(cursor)


async def explained(database: Database, query: Any) -> dict[str, Any]:
    """The plan by which Postgres ran a statement."""
    compiled = query.compile(database.engine.sync_engine, compile_kwargs={"render_postcompile": True})
    async with database.connection() as connection:
        answer = await connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}", compiled.construct_params()
        )
        found = answer.scalar_one()
    plan: Sequence[dict[str, Any]] = json.loads(found) if isinstance(found, str) else found
    return dict(plan[0]["Plan"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
