"""Requests that come twice, and orders that are called off."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import uuid4

import pytest

from tests.conftest import RunningEngine
from tests.trading import Bot, bot, moments

ORDER = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "0.25"}


@pytest.fixture(scope="module")
def funded(engine: RunningEngine) -> Iterator[Bot]:
    with bot(engine.base_url) as made:
        yield made


def history(trader: Bot) -> list[str]:
    orders = trader.client.get("/api/orders/history", params={"limit": 200}).json()["orders"]
    return [order["orderId"] for order in orders]


def test_fifty_posts_at_once_under_one_key_make_one_order(funded: Bot) -> None:
    before, spent = history(funded), funded.balances()["SOL"]
    headers = {"Idempotency-Key": str(uuid4())}

    def post(_: int) -> tuple[int, str]:
        answer = funded.client.post("/api/orders/execute", json=ORDER, headers=headers)
        return answer.status_code, answer.text

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(post, range(50)))
    assert len(answers) == 1, answers
    ((status, _),) = answers
    assert status == 202
    (order_id,) = set(history(funded)) - set(before)
    assert funded.wait(order_id)["status"] == "confirmed"
    again = funded.client.post("/api/orders/execute", json=ORDER, headers=headers)
    assert (again.status_code, again.json()["orderId"], again.json()["status"]) == (202, order_id, "pending")
    assert 250_000_000 < spent - funded.balances()["SOL"] < 260_000_000


def test_another_body_under_the_same_key_is_refused(funded: Bot) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    first = funded.client.post("/api/orders/execute", json=ORDER, headers=headers)
    other = funded.client.post("/api/orders/execute", json=ORDER | {"amount": "0.26"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert funded.wait(first.json()["orderId"])["status"] == "confirmed"


def test_a_refused_order_does_not_use_up_its_key(funded: Bot) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    refused = funded.client.post("/api/orders/execute", json=ORDER | {"amount": "-1"}, headers=headers)
    assert refused.status_code == 422
    placed = funded.client.post("/api/orders/execute", json=ORDER, headers=headers)
    assert placed.status_code == 202
    assert funded.wait(placed.json()["orderId"])["status"] == "confirmed"


def test_the_same_key_of_two_users_makes_two_orders(engine: RunningEngine, funded: Bot) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    mine = funded.client.post("/api/orders/execute", json=ORDER, headers=headers).json()["orderId"]
    with bot(engine.base_url, funded=False) as other:
        theirs = other.client.post("/api/orders/execute", json=ORDER, headers=headers).json()["orderId"]
        assert other.wait(theirs)["error"]["code"] == "INSUFFICIENT_FUNDS"
    assert mine != theirs
    assert funded.wait(mine)["status"] == "confirmed"


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
def test_an_unusable_key_is_refused(funded: Bot, key: str) -> None:
    before = history(funded)
    answer = funded.client.post("/api/orders/execute", json=ORDER, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_IDEMPOTENCY_KEY")
    assert history(funded) == before


def test_cancel_ends_an_order_that_waits_for_its_next_try(funded: Bot) -> None:
    order_id = funded.place("SOL", "USDC", "1", expectedQuote="100000")
    # The second pause is the longer one.
    due = funded.wait_for_event(order_id, "waiting", times=2)["waitingFor"]["notBefore"]
    answer = funded.client.post(f"/api/orders/{order_id}/cancel")
    assert answer.status_code == 200
    order = funded.wait(order_id, seconds=10)
    assert (order["status"], order["error"]["code"], order["txHash"]) == ("failed", "CANCELLED", None)
    assert moments(order, "cancel_requested")[0] < moments(order, "failed")[0] < datetime.fromisoformat(due)


def test_cancel_of_an_order_that_is_done_changes_nothing(funded: Bot) -> None:
    order_id = funded.place("SOL", "USDC", "0.01")
    confirmed = funded.wait(order_id)
    answer = funded.client.post(f"/api/orders/{order_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")
    assert not moments(funded.order(order_id), "cancel_requested")
    assert confirmed["status"] == "confirmed"


def test_nobody_cancels_another_users_order(engine: RunningEngine, funded: Bot) -> None:
    with bot(engine.base_url, funded=False) as other:
        order_id = funded.place("SOL", "USDC", "1", expectedQuote="100000")
        assert other.client.post(f"/api/orders/{order_id}/cancel").status_code == 404
    assert not moments(funded.order(order_id), "cancel_requested")
    funded.client.post(f"/api/orders/{order_id}/cancel")
    assert funded.wait(order_id, seconds=10)["error"]["code"] == "CANCELLED"


def test_orders_cancelled_at_any_moment_end_once_and_move_money_only_when_confirmed(funded: Bot) -> None:
    before = funded.balances()["SOL"]
    placed = [funded.place("SOL", "USDC", "0.1") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda order_id: funded.client.post(f"/api/orders/{order_id}/cancel"), placed))
    orders = [funded.wait(order_id) for order_id in placed]
    confirmed = [order for order in orders if order["status"] == "confirmed"]
    assert all(order["error"]["code"] == "CANCELLED" for order in orders if order["status"] == "failed")
    taken = before - funded.balances()["SOL"]
    assert 0 <= taken - len(confirmed) * 100_000_000 < 100_000 * max(len(confirmed), 1) + 1
