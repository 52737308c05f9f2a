"""Paging through histories: the right orders, from an index that has their order, however long the history is."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text

from engine_app.orders import history, leases, repository
from engine_app.orders.errors import InvalidCursor
from engine_app.orders.history import HistoryFilter, Position
from engine_app.orders.models import OPEN_STATUSES, Order
from engine_app.orders.view import DEXES, shown
from engine_app.storage.connections import Straight
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


async def filled(url: str, *, usdc: str = USDC) -> Database:
    """A database with many users, one of whom has traded more than all others together."""
    database = Database(url)
    values = {
        "users": USERS, "busy": BUSY_USER_ORDERS, "few": OTHERS_ORDERS, "first": FIRST, "sol": SOL, "usdc": usdc,
        "bonk": BONK,
    }  # fmt: skip
    async with database.connection() as connection:
        for statement in FILL.split(";"):
            if statement.strip():
                await connection.execute(text(statement), values)
    return database


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd(new_database: Callable[[], str]) -> AsyncIterator[Database]:
    database = await filled(new_database())
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_sided(new_database: Callable[[], str]) -> AsyncIterator[Database]:
    """The same, but all that anyone has ever paid with is SOL."""
    database = await filled(new_database(), usdc=SOL)
    yield database
    await database.close()


pytestmark = pytest.mark.asyncio(loop_scope="module")

EXPLAINING = (
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 0",
    "SET auto_explain.log_analyze = on",
    "SET auto_explain.log_format = json",
    "SET auto_explain.log_level = notice",
)

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
        expected = [order.id for order in whole[user_id] if let_through(order, wanted, before)]
        async with crowd.transaction() as session, crowd.at_once() as straight:
            for where in (session, straight):
                found = await history.page(where, user_id, limit=51, before=before, wanted=wanted)
                assert [row["id"] for row in found] == expected[:51]


@pytest.mark.parametrize("wanted", FILTERS)
async def test_every_page_comes_sorted_from_an_index(crowd: Database, wanted: HistoryFilter) -> None:
    for user_id, before in product((1, 17), CURSORS):
        plan = await plan_of_page(crowd, user_id, before, wanted)
        assert "Seq Scan" not in [node["Node Type"] for node in nodes(plan)], plan
        # What is under way is so little that Postgres may as well sort it; nothing else is ever sorted.
        assert sum(node["Actual Rows"] for node in nodes(plan) if "Sort" in node["Node Type"]) <= OPEN_ORDERS, plan
        read = sum(node.get("Rows Removed by Filter", 0) for node in nodes(plan))
        assert read <= 3_000, f"{read} orders were read and thrown away"


INDEXES: dict[HistoryFilter, set[str]] = {
    HistoryFilter(): {"orders_of_a_user"},
    HistoryFilter(statuses=frozenset({"confirmed"})): {"orders_of_a_user_confirmed"},
    HistoryFilter(statuses=frozenset({"failed"})): {"orders_of_a_user_failed"},
    HistoryFilter(statuses=frozenset(OPEN_STATUSES)): {"orders_of_a_user_open"},
    HistoryFilter(kind="transfer"): {"orders_of_a_user_transfers"},
    HistoryFilter(token=BONK): {"orders_of_a_user_token_in", "orders_of_a_user_token_out"},
}


@pytest.mark.parametrize("wanted", INDEXES)
async def test_a_plan_for_whatever_is_told_uses_the_filters_own_indexes(crowd: Database, wanted: HistoryFilter) -> None:
    for before in CURSORS:
        plan = await plan_of_page(crowd, 1, before, wanted)
        assert {node["Index Name"] for node in nodes(plan) if "Index Name" in node} == INDEXES[wanted], plan


@pytest.mark.parametrize("wanted", INDEXES)
async def test_one_plan_does_for_all_values(crowd: Database, wanted: HistoryFilter) -> None:
    assert "$1" in json.dumps(await plan_of_page(crowd, 1, None, wanted))


@pytest.mark.parametrize("statuses", [{"confirmed"}, {"failed", "confirmed"}, set(OPEN_STATUSES)])
@pytest.mark.parametrize("token", [BONK, USDC])
async def test_a_token_that_is_hardly_traded_is_not_sought_among_all_orders_of_a_status(
    one_sided: Database, token: str, statuses: set[str]
) -> None:
    for before in CURSORS:
        wanted = HistoryFilter(token=token, statuses=frozenset(statuses))
        plan = await plan_of_page(one_sided, 1, before, wanted)
        assert sum(node.get("Rows Removed by Filter", 0) for node in nodes(plan)) <= 200, plan


async def test_open_orders_and_searches_read_an_index(crowd: Database) -> None:
    async with crowd.transaction() as session:
        found = await history.open_orders(session, 1, limit=100)
    assert len(found) == OPEN_ORDERS
    for sought in (str(uuid4()), SIGNATURE):
        plan = await plan_of_page(crowd, 1, None, HistoryFilter(search=sought, kind="swap"))
        of_orders = [node for node in nodes(plan) if node.get("Relation Name") == "orders"]
        assert [node["Node Type"] for node in of_orders] == ["Index Scan"]


async def test_a_search_finds_an_order_of_the_user_alone(crowd: Database) -> None:
    async with crowd.transaction() as session:
        (order,) = await history.page(session, 17, limit=1)
        order_id, sought = order["id"], str(order["id"])
        for user_id, wanted, expected in (
            (17, HistoryFilter(search=sought), [order_id]),
            (17, HistoryFilter(search=sought.upper(), token=order["token_in"]), [order_id]),
            (17, HistoryFilter(search=sought, token=BONK), []),
            (17, HistoryFilter(search=sought, statuses=frozenset({"failed", "confirmed"})), []),
            (17, HistoryFilter(search=sought, statuses=frozenset({"failed", order["status"]})), [order_id]),
            (1, HistoryFilter(search=sought), []),
            (17, HistoryFilter(search="neither id nor signature"), []),
        ):
            found = await history.page(session, user_id, limit=50, wanted=wanted)
            assert [row["id"] for row in found] == expected, wanted


async def test_an_export_in_batches_leaves_nothing_out(crowd: Database) -> None:
    batches = [batch async for batch in history.export(crowd, 17, HistoryFilter(), batch=7)]
    assert [len(batch) for batch in batches] == [7] * 8 + [4]
    told = [order.id for batch in batches for order in batch]
    assert len(set(told)) == OTHERS_ORDERS
    exactly = [batch async for batch in history.export(crowd, 17, HistoryFilter(), batch=OTHERS_ORDERS)]
    assert [order.id for batch in exactly for order in batch] == told


async def test_a_page_shows_an_order_as_the_order_itself(
    database: Database, new_order: Callable[..., Awaitable[Order]]
) -> None:
    placed = await new_order()
    route = [{"dex": "meteora", "pool": "one"}, {"dex": "raydium", "pool": "another"}]
    async with database.transaction() as session:
        taken = await leases.take(session, placed.id, "tester")
        assert taken is not None
        token = taken.order.fencing_token
        routed = await repository.advance(session, placed.id, token, event="routed", decision={"route": route})
        (row,) = await history.page(session, placed.user_id, limit=1)
    async with database.at_once() as connection:
        (at_once,) = await history.page(connection, placed.user_id, limit=1)
    assert row == at_once == shown(routed)
    assert row[DEXES] == ["meteora", "raydium"]


async def test_a_cursor_is_what_the_history_gave_out(crowd: Database) -> None:
    async with crowd.transaction() as session:
        (order,) = await history.page(session, 17, limit=1)
    place = (order["created_at"], order["id"])
    assert history.decode_cursor(history.encode_cursor(place)) == place
    for cursor in ("", "nonsense", "\udcff", "MjAyNi0wMS0wMXw="):
        with pytest.raises(InvalidCursor):
            history.decode_cursor(cursor)


@pytest.mark.parametrize("zone", [timezone(timedelta(hours=23, minutes=40)), timezone(-timedelta(hours=16))])
async def test_a_cursor_may_name_its_place_in_any_zone(crowd: Database, zone: timezone) -> None:
    async with crowd.transaction() as session:
        first, second = await history.page(session, 17, limit=2)
        place = (first["created_at"].astimezone(zone), first["id"])
        behind = await history.page(session, 17, limit=1, before=history.decode_cursor(history.encode_cursor(place)))
    assert [order["id"] for order in behind] == [second["id"]]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-01-31T12:00:00"])
async def test_a_cursor_names_a_moment_that_there_is(moment: str) -> None:
    with pytest.raises(InvalidCursor):
        history.decode_cursor(base64.urlsafe_b64encode(f"{moment}|{UUID(int=1)}".encode()).decode())


@pytest.mark.parametrize("since", [FIRST, FIRST + 40 * STEP, datetime(2030, 1, 1, tzinfo=UTC)])
async def test_what_was_placed_since_a_moment_is_read_in_batches(
    crowd: Database, whole: dict[int, list[Order]], since: datetime
) -> None:
    expected = [(order.created_at, order.id) for order in whole[17] if order.created_at >= since]
    async with crowd.transaction() as session, crowd.at_once() as straight:
        for batch in (7, OTHERS_ORDERS, 500):
            for where in (session, straight):
                assert await history.placed(where, 17, since, batch=batch) == expected


async def test_what_was_placed_since_a_moment_is_all_that_is_read_from_the_index(crowd: Database) -> None:
    latest = FIRST + (BUSY_USER_ORDERS - 9) * STEP

    async def read(connection: Straight) -> None:
        assert len(await history.placed(connection, 1, latest, batch=7)) == 10

    plans = await plans_of(crowd, read)
    assert len(plans) == 2
    for plan in plans:
        (scan,) = (node for node in nodes(plan) if "Index Name" in node)
        assert (scan["Index Name"], scan.get("Rows Removed by Filter", 0)) == ("orders_of_a_user", 0)
        assert "$1" in json.dumps(plan)


async def test_the_clock_is_the_one_by_which_orders_are_placed(crowd: Database) -> None:
    async with crowd.at_once() as connection:
        earlier = await history.clock(connection)
        told = await (await connection.execute("SELECT clock_timestamp() AS now")).fetchone()
        assert told is not None
        assert earlier < told["now"] < await history.clock(connection)


async def plan_of_page(
    database: Database, user_id: int, before: Position | None, wanted: HistoryFilter
) -> dict[str, Any]:
    """The plan by which Postgres read a page."""

    async def read(connection: Straight) -> None:
        await history.page(connection, user_id, limit=51, before=before, wanted=wanted)

    (plan,) = await plans_of(database, read)
    return plan


async def plans_of(database: Database, read: Callable[[Straight], Awaitable[None]]) -> list[dict[str, Any]]:
    """The plans by which Postgres read, told by itself: those of the prepared statements, made for any value."""
    plans: list[dict[str, Any]] = []

    def heard(notice: psycopg.errors.Diagnostic) -> None:
        _, told, plan = (notice.message_primary or "").partition("plan:\n")
        if told:
            plans.append(json.loads(plan)["Plan"])

    async with database.at_once() as connection:
        for setting in EXPLAINING:
            await connection.execute(setting, prepare=False)
        connection.add_notice_handler(heard)
        try:
            await read(connection)
        finally:
            connection.remove_notice_handler(heard)
    return plans


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
