"""A request's id, from the caller over the queue to the call to the node."""

from __future__ import annotations

import httpx

from tests.conftest import RunningEngine
from tests.trading import bot


def test_the_callers_id_comes_back(engine: RunningEngine) -> None:
    answer = httpx.get(f"{engine.base_url}/api/health", headers={"X-Request-Id": "bot-7/42"})
    assert answer.headers["X-Request-Id"] == "bot-7/42"


def test_a_request_without_a_usable_id_gets_one(engine: RunningEngine) -> None:
    made = [
        httpx.get(f"{engine.base_url}/api/nowhere", headers=headers).headers["X-Request-Id"]
        for headers in ({}, {"X-Request-Id": "a b"}, {"X-Request-Id": "x" * 200})
    ]
    assert len(set(made)) == 3
    assert all(len(request) == 32 for request in made)


def test_the_workers_log_names_the_request_an_order_came_from(engine: RunningEngine) -> None:
    with bot(engine.base_url) as trader:
        placed = trader.client.post(
            "/api/orders/execute",
            json={"tokenIn": "SOL", "tokenOut": "USDC", "amount": "0.1"},
            headers={"X-Request-Id": "bot-7/43"},
        )
        order = trader.wait(placed.json()["orderId"])
        logs = {name: engine.supervisor.log(name).read_text() for name in ("web", "worker-1", "worker-2")}
    in_web = [line for line in logs["web"].splitlines() if "order.placed" in line and order["orderId"] in line]
    assert len(in_web) == 1
    assert "bot-7/43" in in_web[0]
    working = [
        line for name in ("worker-1", "worker-2") for line in logs[name].splitlines() if order["orderId"] in line
    ]
    assert [line for line in working if "order.submitted" in line and "bot-7/43" in line], working
