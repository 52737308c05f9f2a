"""Orders over REST, from placing to what the chain says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from tests.chaos.pools import shares
from tests.conftest import RunningEngine
from tests.trading import Bot, bot, moments

OWN_CALLS = {"getMultipleAccounts": 1, "simulateTransaction": 1, "sendTransaction": 1, "getTransaction": 1}
SLACK_SECONDS = 10.0
"""Ample for a machine that has other work to do."""


@pytest.fixture(scope="module")
def funded(engine: RunningEngine) -> Iterator[Bot]:
    with bot(engine.base_url) as made:
        yield made


@pytest.fixture
def penniless(engine: RunningEngine) -> Iterator[Bot]:
    with bot(engine.base_url, funded=False) as made:
        yield made


def on_chain(engine: RunningEngine, signature: str) -> dict[str, Any]:
    """The landed transaction as the chain tells it."""
    answer = httpx.post(
        engine.chain.rpc_url,
        json={
            "jsonrpc": "2.0",
            "id": 1,
            "method": "getTransaction",
            "params": [
                signature,
                {"encoding": "base64", "maxSupportedTransactionVersion": 0, "commitment": "confirmed"},
            ],
        },
    )
    return dict(answer.json()["result"])


def rows(engine: RunningEngine, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(engine.database_url) as connection:
        return connection.execute(query.encode(), values).fetchall()


def test_a_swap_goes_through_every_status_to_its_transaction(engine: RunningEngine, funded: Bot) -> None:
    before = funded.balances()
    order = funded.wait(funded.place("SOL", "USDC", "1.5"))
    assert order["status"] == "confirmed"
    assert [event["status"] for event in order["events"][:5]] == [
        "pending",
        "routing",
        "building",
        "submitted",
        "confirmed",
    ]
    assert [event["seq"] for event in order["events"]] == list(range(1, len(order["events"]) + 1))
    assert order["amountInUnits"] == "1500000000"
    out = int(order["amountOutUnits"])
    assert out >= int(order["minOutUnits"]) == int(order["quotedOutUnits"]) * 99 // 100
    assert abs(order["executionPrice"] - out / 1_500_000) < 1e-6
    landed = on_chain(engine, order["txHash"])
    assert landed["meta"]["err"] is None
    assert order["execution"]["differenceUnits"] == str(out - int(order["quotedOutUnits"]))
    assert order["costs"]["networkFeeUnits"] == str(landed["meta"]["fee"])
    assert order["costs"]["slot"] == landed["slot"]
    legs = order["routing"]["route"]
    assert sum(int(leg["amountInUnits"]) for leg in legs) == 1_500_000_000
    assert max(legs, key=lambda leg: int(leg["amountOutUnits"]))["dex"] == order["selectedDex"]
    (attempt,) = order["tries"]
    assert (attempt["signature"], attempt["minOutUnits"]) == (order["txHash"], order["minOutUnits"])
    after = funded.balances()
    assert after["USDC"] - before["USDC"] == out
    assert before["SOL"] - after["SOL"] == 1_500_000_000 + landed["meta"]["fee"]


@pytest.mark.parametrize(
    ("token_in", "token_out", "amount"),
    [
        ("USDC", "SOL", "100"),
        ("USDC", "BONK", "20"),
        ("SOL", "BONK", "0.5"),
        ("USDT", "USDC", "12.5"),
        ("USDT", "BONK", "20"),
        ("SOL", "USDC", "4.5"),
    ],
)
def test_every_kind_of_pair(funded: Bot, token_in: str, token_out: str, amount: str) -> None:
    before = funded.balances()
    order = funded.wait(funded.place(token_in, token_out, amount))
    assert order["status"] == "confirmed", order
    after = funded.balances()
    gained = after[token_out] - before[token_out]
    spent = before[token_in] - after[token_in]
    if token_out == "SOL":
        assert 0 <= int(order["amountOutUnits"]) - gained < 100_000, "more than the network fee is missing"
    else:
        assert gained == int(order["amountOutUnits"])
    if token_in == "SOL":
        assert 0 <= spent - int(order["execution"]["spentUnits"]) < 100_000, "more than the network fee was taken"
    else:
        assert spent == int(order["execution"]["spentUnits"]) <= int(order["amountInUnits"])


def test_an_order_alone_makes_four_calls(engine: RunningEngine, funded: Bot) -> None:
    order = funded.wait(funded.place("SOL", "USDC", "0.1"))
    ((calls,),) = rows(engine, "SELECT rpc_calls FROM orders WHERE id = %s", order["orderId"])
    assert calls == OWN_CALLS


def test_a_confirmed_order_is_finalized_with_its_verdict(engine: RunningEngine, funded: Bot) -> None:
    order_id = funded.place("SOL", "USDC", "0.1")
    funded.wait(order_id)
    order = funded.wait_for_event(order_id, "finalized")
    assert order["finalizedAt"] is not None
    ((verdict, evidence),) = rows(engine, "SELECT verdict, evidence FROM attempts WHERE order_id = %s", order_id)
    assert verdict == "landed"
    assert evidence["commitment"] == "finalized"


def test_not_enough_balance_fails_at_once_and_says_what_is_missing(penniless: Bot) -> None:
    order = penniless.wait(penniless.place("SOL", "USDC", "1"))
    assert (order["status"], order["error"]["code"]) == ("failed", "INSUFFICIENT_FUNDS")
    needed, missing = re.findall(r"[\d.]+", order["error"]["message"])
    assert needed == missing, "the wallet is empty: all that is needed is missing"
    assert 1.0 < float(needed) < 1.02
    assert order["attempts"] == 0
    assert order["txHash"] is None


def test_a_pair_without_a_pool_fails(funded: Bot) -> None:
    order = funded.wait(funded.place("SOL", shares(), "0.1"))
    assert (order["status"], order["error"]["code"]) == ("failed", "NO_POOL")


def test_an_expected_quote_that_nobody_pays_is_retried_twice_then_fails(funded: Bot) -> None:
    before = funded.balances()
    order = funded.wait(funded.place("SOL", "USDC", "1", expectedQuote="100000"))
    assert (order["status"], order["error"]["code"], order["attempts"]) == ("failed", "PRICE_MOVED", 3)
    starts, failures = moments(order, "routing"), moments(order, "try_failed")
    assert 2.0 <= (starts[1] - failures[0]).total_seconds() < 2.0 + SLACK_SECONDS
    assert 4.0 <= (starts[2] - failures[1]).total_seconds() < 4.0 + SLACK_SECONDS
    assert funded.balances() == before


def test_an_order_whose_time_runs_out_fails_as_expired(funded: Bot) -> None:
    order = funded.wait(funded.place("SOL", "USDC", "1", expectedQuote="100000", validForSeconds=5))
    assert (order["status"], order["error"]["code"]) == ("failed", "EXPIRED")
    assert order["attempts"] == 2


def test_fifty_orders_on_a_balance_for_seven_leave_exactly_seven(engine: RunningEngine, penniless: Bot) -> None:
    penniless.funds("SOL")
    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(lambda _: penniless.place("SOL", "USDC", "1.4"), range(50)))
    orders = [penniless.wait(order_id) for order_id in placed]
    assert sum(order["status"] == "confirmed" for order in orders) == 7
    assert {order["error"]["code"] for order in orders if order["status"] == "failed"} == {"INSUFFICIENT_FUNDS"}
    signatures = {order["txHash"] for order in orders if order["status"] == "confirmed"}
    assert len(signatures) == 7
    assert all(on_chain(engine, signature)["meta"]["err"] is None for signature in signatures)


def test_history_is_paged_newest_first(funded: Bot) -> None:
    placed = [funded.place("SOL", "USDC", "0.01") for _ in range(5)]
    for order_id in placed:
        funded.wait(order_id)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = funded.client.get(
            "/api/orders/history", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
        ).json()
        seen += [order["orderId"] for order in page["orders"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen[:5] == placed[::-1]
    assert len(seen) == len(set(seen))


def test_another_users_order_is_not_found(funded: Bot, penniless: Bot) -> None:
    order_id = funded.place("SOL", "USDC", "0.01")
    answer = penniless.client.get(f"/api/orders/{order_id}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "ORDER_NOT_FOUND"
    assert funded.wait(order_id)["status"] == "confirmed"


def test_nothing_stays_reserved_for_an_order_that_is_done(engine: RunningEngine, penniless: Bot) -> None:
    penniless.funds("SOL")
    assert penniless.wait(penniless.place("SOL", "USDC", "3", expectedQuote="100000"))["status"] == "failed"
    (sol, *_) = penniless.client.get("/api/wallet").json()["balances"]
    assert sol["availableUnits"] == sol["amountUnits"]
    held = rows(
        engine,
        "SELECT count(*) FROM reservations r JOIN orders o ON o.id = r.order_id "
        "WHERE r.closed_at IS NULL AND o.status IN ('confirmed', 'failed')",
    )
    assert held == [(0,)]
