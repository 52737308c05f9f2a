"""Behind a pooler that gives each transaction another connection, over two web processes, every step traced."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.deployed import Deployed
from tests.pooler import CONNECTIONS
from tests.trading import bot
from tests.waiting import wait_until

ORDERS = 24


def test_orders_are_executed_through_three_connections_to_postgres(deployed: Deployed) -> None:
    """No session keeps any state: neither the migrations nor leases, nor whatever else."""
    with bot(deployed.base_url) as trader, ThreadPoolExecutor(8) as together:
        placed = list(together.map(lambda _: trader.place(amount="0.1"), range(ORDERS)))
        done = list(together.map(trader.wait, placed))
    assert [order["status"] for order in done] == ["confirmed"] * ORDERS
    assert len({order["txHash"] for order in done}) == ORDERS
    with psycopg.connect(deployed.database_url) as connection:
        in_use = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        ).fetchall()
        assert len(in_use) - 1 <= CONNECTIONS


def test_a_trace_goes_from_the_request_over_the_worker_to_the_node(deployed: Deployed) -> None:
    with bot(deployed.base_url) as trader:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        placed = trader.client.post(
            "/api/orders/execute",
            json={"tokenIn": "SOL", "tokenOut": "USDC", "amount": "0.1"},
            headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
        )
        assert trader.wait(placed.json()["orderId"])["status"] == "confirmed"
    expected = {"POST /api/orders/execute", "order.execute", "getMultipleAccounts", "simulateTransaction"}

    def of_the_trace() -> set[str]:
        spans = deployed.collector.spans
        return {name for name in list(spans) if any(of.hex() == trace for of, _ in spans[name])}

    wait_until(of_the_trace, expected.issubset)
